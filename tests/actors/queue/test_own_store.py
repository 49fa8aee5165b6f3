"""A store as somebody else would write it, from what `actors.queue` says, passes the suite that is published for it."""

from __future__ import annotations

import os
from ast import literal_eval
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from actors.queue import Batch, Change, FencedError, MemoryStore, MessageStatus, Queue, Record, Row, Sketch
from actors.testing.queue import DurableQueueStoreSuite

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from actors import ActorSystem
    from actors.queue import Done

ALIVE = (MessageStatus.PENDING, MessageStatus.IN_FLIGHT)


class JournalStore:
    """Rows in memory, and all that became of them in a file: a line for each batch and for each time it is opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._epoch = 0
        self._records: dict[int, Record] = {}

    async def open(self, system: ActorSystem) -> int:
        """Read the file from its beginning."""
        self._epoch, self._records = 0, {}
        self._path.touch()
        for line in self._path.read_text().splitlines():
            self._apply(*literal_eval(line))
        self._write(((), (), ()))
        return self._epoch

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Write a line, and wait for the disk."""
        if epoch != self._epoch:
            done(FencedError(f"epoch {epoch} is over, for {self._epoch} has begun"))
            return
        changes = [(*change[:3], int(change.status), *change[4:]) for change in batch.changes]
        self._write(([tuple(row) for row in batch.rows], changes, batch.deletes))
        done(None)

    def last_seq(self) -> int:
        """Look at all rows."""
        return max(self._records, default=0)

    async def pending(self) -> AsyncGenerator[Sequence[Sketch]]:
        """Give a hundred at a time."""
        found = [record for _, record in sorted(self._records.items()) if record.change.status in ALIVE]
        for start in range(0, len(found), 100):
            yield [_sketch(record) for record in found[start : start + 100]]

    async def finished_ids(self) -> AsyncGenerator[Sequence[tuple[int, str]]]:
        """Give all at once."""
        yield [(one.row.seq, one.row.id) for one in self._finished() if one.row.given]

    def fetch(self, seqs: Sequence[int]) -> list[Record]:
        """Look them up."""
        return [self._records[seq] for seq in seqs if seq in self._records]

    def finished(self, status: int, after: tuple[float, int], most: int) -> list[Record]:
        """Look at all rows."""
        found = [(one.change.finished_at, one.row.seq, one) for one in self._finished() if one.change.status == status]
        return [one for time, seq, one in sorted(found) if time is not None and (time, seq) > after][:most]

    def find(self, message_id: str) -> list[Record]:
        """Look at all rows."""
        return [one for one in self._finished() if one.row.id == message_id]

    def close(self) -> None:
        """Have nothing to let go of."""

    def _finished(self) -> list[Record]:
        return [record for record in self._records.values() if record.change.status not in ALIVE]

    def _write(self, entry: tuple[Any, Any, Any]) -> None:
        with self._path.open("a") as file:
            file.write(f"{entry!r}\n")
            file.flush()
            os.fsync(file.fileno())
        self._apply(*entry)

    def _apply(self, rows: Sequence[Any], changes: Sequence[Any], deletes: Sequence[int]) -> None:
        self._epoch += not (rows or changes or deletes)
        for row in map(Row._make, rows):
            change = Change(row.available_at, row.expires_at, 0, MessageStatus.PENDING, None, None, row.seq)
            self._records[row.seq] = Record(row, change)
        for change in map(Change._make, changes):
            self._records[change.seq] = Record(self._records[change.seq].row, change)
        for seq in deletes:
            self._records.pop(seq, None)


def _sketch(record: Record) -> Sketch:
    row, change = record
    given_id = row.id if row.given else None
    return Sketch(row.seq, row.recipient, row.priority, change.available_at, change.expires_at, given_id)


class TestJournalStore(DurableQueueStoreSuite):
    def new_store(self, folder: Path) -> JournalStore:
        return JournalStore(folder / "journal")


class Forgetful(MemoryStore):
    """It has an error of each kind that the suite is there to find."""

    fault = ""

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        match self.fault:
            case "fence":
                epoch = self._epoch
            case "deletes":
                batch = attrs.evolve(batch, deletes=[])
            case "changes":
                batch = attrs.evolve(batch, changes=batch.changes[:1])
            case "told twice":
                done(None)
        super().commit(epoch, batch, done)


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        ("fence", "test_an_earlier_incarnation_can_store_nothing"),
        ("deletes", "test_what_has_changed_comes_back_changed"),
        ("changes", "test_what_has_changed_comes_back_changed"),
        ("told twice", "test_batches_are_stored_in_the_order_they_are_given"),
    ],
)
def test_the_suite_finds_a_store_that_does_not_keep_its_word(tmp_path: Path, fault: str, test: str) -> None:
    class Suite(DurableQueueStoreSuite):
        def new_store(self, folder: Path) -> MemoryStore:
            store = Forgetful()
            store.fault = fault
            return store

    with pytest.raises(AssertionError):
        getattr(Suite(), test)(tmp_path)


def test_the_suite_finds_a_store_that_does_not_outlive_the_program(tmp_path: Path) -> None:
    class Suite(DurableQueueStoreSuite):
        def new_store(self, folder: Path) -> MemoryStore:
            return MemoryStore()

    with pytest.raises(AssertionError):
        Suite().test_the_next_program_has_the_rows_as_they_were_stored(tmp_path)


@attrs.define
class Equal(MemoryStore):
    """It is compared by what it has."""


class Half:
    """It can do nothing but commit, and that not."""

    def commit(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (Equal(), r"known by its identity, and .* cannot be: unhashable type: 'Equal'"),
        (Half(), "got .*, which lacks open, last_seq, pending, finished_ids, fetch, finished, find, close"),
        (MemoryStore, "such as SqliteStore"),
        (None, "got None$"),
    ],
    ids=["no identity", "half", "class", "none"],
)
def test_what_is_no_store_is_refused_when_the_queue_is_made(store: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        Queue(store)
