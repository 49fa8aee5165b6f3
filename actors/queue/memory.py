"""MemoryStore: rows in memory, for queues that need not outlive the program, and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.queue.behaviour import Change, Record, Sketch
from actors.queue.errors import FencedError
from actors.queue.states import ACKED, IN_FLIGHT, PENDING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from actors.queue.behaviour import Batch, Done, Row
    from actors.system import ActorSystem

SLICE: Final = 1000


class MemoryStore:
    """The rows of one queue. They outlive its incarnations, as this object does, but not the program."""

    def __init__(self) -> None:
        self._records: dict[int, Record] = {}
        self._finished: dict[int, None] = {}
        """The numbers of rows that are neither pending nor in flight, in the order in which they became so."""
        self._epoch = 0
        self._last_seq = 0

    def __repr__(self) -> str:
        return f"<MemoryStore: {len(self._records)} rows>"

    async def open(self, system: ActorSystem) -> int:
        """Begin a new epoch."""
        self._epoch += 1
        return self._epoch

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Keep *batch*, unless a later incarnation has opened the store."""
        if epoch != self._epoch:
            done(FencedError(f"{self} is at epoch {self._epoch}; a batch of epoch {epoch} came too late"))
            return
        for row in batch.rows:
            self._records[row.seq] = Record(row, first_change(row))
            self._last_seq = row.seq
        for change in batch.changes:
            self._records[change.seq] = Record(self._records[change.seq].row, change)
            self._finished.pop(change.seq, None)
            if change.status >= ACKED:
                self._finished[change.seq] = None
        for seq in batch.deletes:
            self._records.pop(seq, None)
            self._finished.pop(seq, None)
        done(None)

    def last_seq(self) -> int:
        """Return the greatest number there was."""
        return self._last_seq

    async def pending(self) -> AsyncGenerator[Sequence[Sketch]]:
        """Give what is pending or in flight."""
        seqs = sorted(seq for seq, record in self._records.items() if record.change.status in (PENDING, IN_FLIGHT))
        for start in range(0, len(seqs), SLICE):
            yield [_sketch(self._records[seq]) for seq in seqs[start : start + SLICE]]

    async def finished_ids(self) -> AsyncGenerator[Sequence[tuple[int, str]]]:
        """Give the given ids of what is neither."""
        yield [(seq, self._records[seq].row.id) for seq in self._finished if self._records[seq].row.given]

    def fetch(self, seqs: Sequence[int]) -> list[Record]:
        """Return rows."""
        return [self._records[seq] for seq in seqs if seq in self._records]

    def finished(self, status: int, after: tuple[float, int], most: int) -> list[Record]:
        """Return rows that became *status*."""
        records = [self._records[seq] for seq in self._finished]
        found = [record for record in records if record.change.status == status and _finished(record) > after]
        return sorted(found, key=_finished)[:most]

    def find(self, message_id: str) -> list[Record]:
        """Return rows with this id."""
        return [self._records[seq] for seq in self._finished if self._records[seq].row.id == message_id]

    def close(self) -> None:
        """Keep everything."""


def first_change(row: Row) -> Change:
    """Return what a row is when it is new."""
    return Change(row.available_at, row.expires_at, 0, PENDING, None, None, row.seq)


def _sketch(record: Record) -> Sketch:
    row, change = record
    given_id = row.id if row.given else None
    return Sketch(row.seq, row.recipient, row.priority, change.available_at, change.expires_at, given_id)


def _finished(record: Record) -> tuple[float, int]:
    assert record.change.finished_at is not None
    return record.change.finished_at, record.change.seq
