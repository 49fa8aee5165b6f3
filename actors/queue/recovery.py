"""Recovery: what a queue finds in its store when it is opened, as far as it must be known before it is leased.

Of most rows that is where they belong and when they expire, so that a million of them are known within seconds; the
rest is read when their turn comes.
"""

from __future__ import annotations

from array import array
from collections import deque
from contextlib import aclosing
from math import nextafter
from typing import TYPE_CHECKING, Final

import attrs
import trio

from actors.queue.faults import fault_in
from actors.queue.lanes import Chunk, Entry
from actors.queue.states import IN_FLIGHT, PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.queue.behaviour import QueueStore, Record, Sketch
    from actors.queue.lanes import Lane
    from actors.queue.ledger import Ledger

CHUNK: Final = 128
"""So many messages are read at a time."""


@attrs.define(eq=False)
class Gathering:
    """The messages of one lane that are still to be made a chunk."""

    seqs: array[int] = attrs.field(factory=lambda: array("q"))
    expires_at: float = float("inf")


class Recovery:
    """What reads back the messages of one queue, at once or when they are wanted."""

    def __init__(self, store: QueueStore, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._ids = ledger.ids
        self._gathering: dict[tuple[str, int], Gathering] = {}
        self._delayed: list[int] = []
        self._now = 0.0
        """When the queue was opened."""
        self.found = 0
        ledger.thaw = self.thaw

    async def run(self, now: float) -> None:
        """Find all messages; what was in flight is pending again. Other tasks have their turn meanwhile."""
        self._now = now
        async with aclosing(self._store.finished_ids()) as finished:
            async for ids in finished:
                self._ids.update((message_id, seq) for seq, message_id in ids)
                await trio.lowlevel.checkpoint()
        async with aclosing(self._store.pending()) as pending:
            async for sketches in pending:
                self._take_in(sketches, now)
                await trio.lowlevel.checkpoint()
                await self._take_in_delayed(now)
        for (recipient, priority), gathering in self._gathering.items():
            self._make_chunk(self._ledger.box(recipient).lane(priority), gathering)
        self._gathering.clear()

    def _take_in(self, sketches: Sequence[Sketch], now: float) -> None:
        for sketch in sketches:
            try:
                self._place(sketch, now)
            except TypeError as error:
                self._ledger.set_apart(sketch.seq, now, str(error))

    def _place(self, sketch: Sketch, now: float) -> None:
        """Note where a row belongs; raises ``TypeError`` if it is none of ours."""
        seq, recipient, priority, available_at, expires_at, given_id = sketch
        if given_id is not None:
            self._ids[given_id] = seq
        if available_at > now:
            self._delayed.append(seq)
            return
        gathering = self._gathering.get((recipient, priority)) or self._gather(recipient, priority)
        gathering.expires_at = min(gathering.expires_at, expires_at)
        gathering.seqs.append(seq)
        if len(gathering.seqs) == CHUNK:
            self._make_chunk(self._ledger.box(recipient).lane(priority), gathering)
            del self._gathering[recipient, priority]

    def _gather(self, recipient: object, priority: object) -> Gathering:
        if not (isinstance(recipient, str) and recipient and isinstance(priority, int)):
            raise TypeError(f"its recipient is {recipient!r} and its priority {priority!r}")
        gathering = self._gathering[recipient, priority] = Gathering()
        return gathering

    def _make_chunk(self, lane: Lane, gathering: Gathering) -> None:
        chunk = Chunk(lane, gathering.seqs)
        lane.cold.append(chunk)
        lane.ready += len(gathering.seqs)
        lane.box.ready += len(gathering.seqs)
        self.found += len(gathering.seqs)
        self._ledger.agenda.add(nextafter(gathering.expires_at, float("inf")), chunk)

    def thaw(self, chunk: Chunk) -> deque[Entry]:
        """Read the messages of *chunk*, which now are on the agenda themselves; what cannot be read is set apart."""
        lane = chunk.lane
        entries: deque[Entry] = deque()
        for record in self._store.fetch(chunk.seqs):
            if (entry := self._entry(record)) is not None:
                entry.in_lane = True
                entries.append(entry)
                self._ledger.agenda.add(nextafter(entry.expires_at, float("inf")), entry)
        missing = len(chunk.seqs) - len(entries)
        lane.ready -= missing
        lane.box.ready -= missing
        chunk.entries = entries
        chunk.due = float("inf")
        return entries

    async def _take_in_delayed(self, now: float) -> None:
        delayed, self._delayed = self._delayed, []
        for start in range(0, len(delayed), CHUNK):
            for record in self._store.fetch(delayed[start : start + CHUNK]):
                if (entry := self._entry(record)) is not None:
                    self._delay(entry, now)
            await trio.lowlevel.checkpoint()

    def _delay(self, entry: Entry, now: float) -> None:
        """Have *entry* wait; if the clock was set back since it was put, as long as if it were put now."""
        ahead = entry.row.enqueued_at - now
        if ahead > 0:
            entry.available_at -= ahead
            entry.expires_at -= ahead
        self._ledger.admit_again(entry, now)
        self.found += 1

    def _entry(self, record: Record) -> Entry | None:
        row, change = record
        fault = fault_in(record, (PENDING, IN_FLIGHT))
        if fault is not None:
            self._ledger.set_apart(row.seq, self._now, fault)
            return None
        entry = Entry(row, self._ledger.box(row.recipient))
        entry.available_at = change.available_at
        entry.expires_at = change.expires_at
        entry.dequeue_count = change.dequeue_count
        return entry
