"""Ledger: what a queue knows of its messages, and what becomes of them.

It neither waits nor asks for the time: whoever asks brings *now*. What is to be stored is noted in `Unstored`; the
queue decides when it is.
"""

from __future__ import annotations

import logging
from collections import deque
from math import nextafter
from typing import TYPE_CHECKING, Final

import attrs

from actors.queue.agenda import Agenda
from actors.queue.behaviour import Change
from actors.queue.lanes import Box, Chunk, Entry
from actors.queue.states import (
    ACKED,
    CORRUPT,
    EXPIRED,
    FAILED,
    IN_FLIGHT,
    PENDING,
    MessageStatus,
    after_return,
    is_expired,
)
from actors.queue.telling import tell_requeue
from actors.queue.unstored import Unstored
from actors.telemetry import QUEUE_REQUEUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors.queue.behaviour import Row

logger: Final = logging.getLogger("actors")

LATER: Final = float("inf")


@attrs.define
class Counters:
    """What a queue has done since it was opened."""

    enqueued: int = 0
    dequeued: int = 0
    acked: int = 0
    returned: int = 0
    """Given back, by their consumers or because these took too long or ended."""
    failed: int = 0
    expired: int = 0
    corrupt: int = 0


class Ledger:
    """The messages of one queue."""

    def __init__(self, unstored: Unstored | None = None, *, keep_acked: bool = False) -> None:
        self.boxes: dict[str, Box] = {}
        self.in_flight: dict[int, Entry] = {}
        self.ids: dict[str, int] = {}
        """The messages whose ids were given, which may come a second time."""
        self.agenda = Agenda()
        self.counters = Counters()
        self.keep_acked = keep_acked
        """Whether the rows of what was acknowledged are kept for a while."""
        self.thaw: Callable[[Chunk], deque[Entry]] = _nothing
        """What reads the messages of a chunk."""
        self.unstored = Unstored() if unstored is None else unstored

    def __repr__(self) -> str:
        ready = sum(box.ready for box in self.boxes.values())
        return f"<Ledger: {ready} ready, {len(self.in_flight)} in flight>"

    def box(self, recipient: str) -> Box:
        """Return what waits for *recipient*."""
        box = self.boxes.get(recipient)
        if box is None:
            box = self.boxes[recipient] = Box(recipient)
        return box

    def forget_empty_boxes(self) -> None:
        """Forget the recipients for whom nothing waits."""
        self.boxes = {recipient: box for recipient, box in self.boxes.items() if box.ready}

    # -- what becomes of a message

    def admit(self, row: Row, now: float) -> Entry:
        """Take in a message that has been stored."""
        box = self.boxes.get(row.recipient) or self.box(row.recipient)
        entry = Entry(row, box)
        self.counters.enqueued += 1
        if row.available_at > now:
            self.delay(entry)
        else:
            box.add(entry)
            self.agenda.add(nextafter(row.expires_at, LATER), entry)
        return entry

    def admit_again(self, entry: Entry, now: float) -> None:
        """Take in a message that was here before: it keeps its place."""
        entry.status = PENDING
        # Its box may have been forgotten while it was away.
        entry.box = self.box(entry.row.recipient)
        if entry.available_at > now:
            self.delay(entry)
        else:
            entry.box.give_back(entry)
            self.agenda.add(nextafter(entry.expires_at, LATER), entry)

    def lease(self, box: Box, until: float, now: float) -> Entry | None:
        """Put the first message that has not expired in flight until *until*, and return it."""
        while (entry := box.pop(self.thaw)) is not None:
            if is_expired(entry.expires_at, now):
                self.finish(entry, EXPIRED, now, "it expired before it was leased")
                continue
            if entry.dequeue_count >= entry.row.max_retries:
                self.finish(entry, FAILED, now, f"it was leased {entry.dequeue_count} times and never acknowledged")
                continue
            entry.status = IN_FLIGHT
            entry.dequeue_count += 1
            entry.leased_until = until
            seq = entry.seq
            self.in_flight[seq] = self.unstored.leased[seq] = entry
            self.agenda.add(until, entry)
            self.counters.dequeued += 1
            return entry
        return None

    def extend(self, entry: Entry, until: float) -> None:
        """Keep *entry* in flight until *until*."""
        entry.leased_until = until
        self.agenda.add(until, entry)

    def ack(self, entry: Entry, now: float) -> None:
        """Be done with *entry*."""
        self.release(entry)
        self.counters.acked += 1
        if self.keep_acked:
            self._end(entry, ACKED, now, None)
        else:
            entry.status = ACKED
            entry.due = LATER
            self.unstored.leased.pop(entry.seq, None)
            self.unstored.changed.pop(entry.seq, None)
            self.unstored.deleted.append(entry.seq)
            if entry.row.given:
                self.ids.pop(entry.row.id, None)

    def give_back(self, entry: Entry, now: float, delay: float, error: str) -> MessageStatus:
        """Take *entry* back from who leased it; it can be leased again in *delay* seconds, if it may be at all."""
        self.release(entry)
        self.counters.returned += 1
        status = after_return(entry.dequeue_count, entry.row.max_retries, entry.expires_at, now)
        if QUEUE_REQUEUE.listeners:
            tell_requeue(entry, status, delay, error)
        if status is not PENDING:
            self.finish(entry, status, now, error)
            return status
        if delay > 0:
            entry.available_at = now + delay
        self.unstored.changed[entry.seq] = entry
        entry.error = error
        self.admit_again(entry, now)
        return PENDING

    def reject(self, entry: Entry, now: float, error: str) -> MessageStatus:
        """Make *entry*, which is in flight, a dead letter."""
        self.release(entry)
        self.finish(entry, FAILED, now, error)
        return FAILED

    def finish(self, entry: Entry, status: MessageStatus, now: float, error: str) -> None:
        """Make *entry*, which is in no lane and not in flight any more, a dead letter, or set it apart."""
        if status is FAILED:
            self.counters.failed += 1
        elif status is EXPIRED:
            self.counters.expired += 1
        else:
            self.counters.corrupt += 1
        self._end(entry, status, now, error)

    def _end(self, entry: Entry, status: MessageStatus, now: float, error: str | None) -> None:
        entry.status = status
        entry.finished_at = now
        entry.error = error
        entry.due = LATER
        self.unstored.changed[entry.seq] = entry

    def release(self, entry: Entry) -> None:
        """Take *entry* out of the hands of its consumer."""
        del self.in_flight[entry.seq]
        if entry.consumer is not None:
            entry.consumer.held.pop(entry.seq, None)
            entry.consumer = None

    def delay(self, entry: Entry) -> None:
        """Have *entry* wait until it is available."""
        self.agenda.add(min(entry.available_at, nextafter(entry.expires_at, LATER)), entry)

    # -- what time brings

    def advance(self, now: float, most: int) -> Iterator[Entry]:
        """Do what is due, at most so much of it; give the messages that can be leased now and could not before."""
        while most > 0 and (item := self.agenda.pop_due(now)) is not None:
            if isinstance(item, Chunk):
                # Its messages come onto the agenda one by one.
                most -= len(self.thaw(item))
                continue
            most -= 1
            assert isinstance(item, Entry)
            if item.status is IN_FLIGHT:
                if self.give_back(item, now, 0.0, "its lease ran out") is PENDING:
                    yield item
            elif is_expired(item.expires_at, now):
                if item.in_lane:
                    item.box.lose(item)
                self.finish(item, EXPIRED, now, "it expired before it was leased")
            elif not item.in_lane:
                self.admit_again(item, now)
                yield item

    def set_apart(self, seq: int, now: float, error: str) -> None:
        """Note that a row cannot be read as a message."""
        logger.error("row %d of the queue is set apart: %s", seq, error)
        self.counters.corrupt += 1
        self.unstored.owed[seq] = Change(0.0, 0.0, 0, CORRUPT, now, error, seq)


def _nothing(_chunk: Chunk) -> deque[Entry]:
    return deque()
