"""Dead letters of a queue: what failed for good or expired, until it is replayed, discarded, or too old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.queue.checks import told
from actors.queue.errors import CorruptMessageError, NoDeadLetterError
from actors.queue.faults import fault_in
from actors.queue.lanes import Entry
from actors.queue.message import message_of
from actors.queue.requests import DeadMessage
from actors.queue.states import ACKED, CORRUPT, DEAD, EXPIRED, FAILED, MessageStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.queue.behaviour import QueueStore, Record
    from actors.queue.ledger import Ledger
    from actors.queue.options import QueueOptions

PURGED: Final = 256
"""So many rows are deleted in one go."""

FOR_EVER: Final = (float("-inf"), 0)


class DeadMessages:
    """The dead letters of one queue. What is asked here is asked when everything before is stored."""

    def __init__(self, store: QueueStore, ledger: Ledger, options: QueueOptions, clock: Callable[[], float]) -> None:
        self._store = store
        self._ledger = ledger
        self._ids = ledger.ids
        self._keep = {ACKED: options.keep_acked, FAILED: options.keep_dead, EXPIRED: options.keep_dead}
        self._clock = clock

    def listed(self, after: tuple[float, int], most: int) -> tuple[DeadMessage, ...]:
        """Return those that became so after a time and number, the oldest first; what cannot be read is set apart."""
        while found := self._page(after, most):
            if letters := tuple(dead for record in found if (dead := self._dead_message(record)) is not None):
                return letters
            after = _finished(found[-1])
        return ()

    def find(self, message_id: str) -> DeadMessage:
        """Return the dead letter of an id.

        Raises `NoDeadLetterError`, and `CorruptMessageError` if it cannot be read; it is set apart then.
        """
        record = self._find(message_id)
        letter = self._dead_message(record)
        if letter is None:
            raise CorruptMessageError(f"dead letter {message_id!r} cannot be read, and is set apart")
        return letter

    def _page(self, after: tuple[float, int], most: int) -> list[Record]:
        found = [record for status in DEAD for record in self._store.finished(status, after, most)]
        found.sort(key=_finished)
        return found[:most]

    def corrupt(self, most: int) -> tuple[Record, ...]:
        """Return the rows that are set apart."""
        return tuple(self._store.finished(CORRUPT, FOR_EVER, most))

    def replay(self, message_id: str) -> Entry:
        """Make a dead letter a message that was never leased, with its old place and as much time as it had.

        Raises `NoDeadLetterError`, and `CorruptMessageError` if it cannot be read; it is set apart then.
        """
        record = self._find(message_id)
        now = self._clock()
        try:
            entry = self._entry(record)
        except CorruptMessageError as error:
            self._set_apart(record, error)
            raise
        entry.dequeue_count = 0
        entry.finished_at = entry.error = None
        entry.available_at = now
        entry.expires_at = now + (record.row.expires_at - record.row.enqueued_at)
        self._ledger.unstored.changed[entry.seq] = entry
        self._ledger.admit_again(entry, now)
        return entry

    def discard(self, message_id: str) -> None:
        """Delete a dead letter."""
        record = self._find(message_id)
        self._ids.pop(message_id, None)
        self._ledger.unstored.deleted.append(record.row.seq)

    def purge(self) -> bool:
        """Delete some of what has been kept long enough; tell whether there may be more."""
        now = self._clock()
        more = False
        for status, seconds in self._keep.items():
            old = [
                record
                for record in self._store.finished(status, FOR_EVER, PURGED)
                if _finished(record)[0] < now - seconds and record.row.seq not in self._ledger.unstored
            ]
            for record in old:
                self._ids.pop(record.row.id, None)
            self._ledger.unstored.deleted.extend(record.row.seq for record in old)
            more = more or len(old) == PURGED
        return more

    def _find(self, message_id: str) -> Record:
        for record in self._store.find(message_id):
            if record.change.status in DEAD and record.row.seq not in self._ledger.unstored:
                return record
        raise NoDeadLetterError(f"no dead letter of the queue has the id {message_id!r}")

    def _dead_message(self, record: Record) -> DeadMessage | None:
        if record.row.seq in self._ledger.unstored:
            return None
        try:
            message = message_of(self._entry(record))
        except CorruptMessageError as error:
            self._set_apart(record, error)
            return None
        return DeadMessage(message, _finished(record)[0], told(record.change.error or ""), record.row.seq)

    def _set_apart(self, record: Record, error: Exception) -> None:
        self._ledger.set_apart(record.row.seq, self._clock(), str(error))

    def _entry(self, record: Record) -> Entry:
        if (fault := fault_in(record, DEAD)) is not None:
            raise CorruptMessageError(f"dead letter {record.row.id!r} cannot be read: {fault}")
        entry = Entry(record.row, self._ledger.box(record.row.recipient))
        entry.status = MessageStatus(record.change.status)
        entry.dequeue_count = record.change.dequeue_count
        entry.available_at = record.change.available_at
        entry.expires_at = record.change.expires_at
        return entry


def _finished(record: Record) -> tuple[float, int]:
    assert record.change.finished_at is not None
    return record.change.finished_at, record.row.seq
