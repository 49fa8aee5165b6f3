"""What waits for one recipient: a lane for each priority, whose messages keep the order in which they were put."""

from __future__ import annotations

import math
from bisect import insort
from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Protocol

from actors.queue.states import PENDING, MessageStatus

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterator

    from actors.queue.behaviour import Row


class Entry:
    """A message that waits, is delayed, or is in flight."""

    __slots__ = (
        "available_at",
        "box",
        "consumer",
        "dequeue_count",
        "due",
        "error",
        "expires_at",
        "finished_at",
        "in_lane",
        "leased_until",
        "row",
        "seq",
        "status",
    )

    def __init__(self, row: Row, box: Box) -> None:
        self.row = row
        self.box = box
        self.seq = row.seq
        self.available_at = row.available_at
        self.expires_at = row.expires_at
        self.dequeue_count = 0
        self.status: MessageStatus = PENDING
        self.in_lane = False
        """Whether it can be leased now."""
        self.due = math.inf
        self.leased_until = 0.0
        self.consumer: Holder | None = None
        self.finished_at: float | None = None
        self.error: str | None = None

    def __repr__(self) -> str:
        return f"<Entry {self.seq} for {self.box.recipient}: {self.status.name}>"


class Holder(Protocol):
    """Who holds leases."""

    held: dict[int, Entry]


class Chunk:
    """Messages of one lane that were found when the queue was opened, and are read when their turn comes."""

    __slots__ = ("due", "entries", "lane", "seqs")

    def __init__(self, lane: Lane, seqs: array[int]) -> None:
        self.lane = lane
        self.seqs = seqs
        self.due = math.inf
        self.entries: deque[Entry] | None = None


class Lane:
    """What waits for one recipient with one priority."""

    __slots__ = ("box", "cold", "fresh", "priority", "ready", "returned")

    def __init__(self, box: Box, priority: int) -> None:
        self.box = box
        self.priority = priority
        self.ready = 0
        """How many wait; what has expired meanwhile may still be among the others."""
        self.cold: deque[Chunk] = deque()
        self.fresh: deque[Entry] = deque()
        self.returned: list[tuple[int, Entry]] = []

    def pop(self, thaw: Callable[[Chunk], deque[Entry]]) -> Entry | None:
        """Remove and return what was put first of all that waits."""
        while True:
            front = self._front(thaw)
            returned = self.returned
            if returned and (not front or returned[0][0] < front[0].seq):
                entry = heappop(returned)[1]
            elif front:
                entry = front.popleft()
            else:
                return None
            if entry.in_lane:
                return entry

    def _front(self, thaw: Callable[[Chunk], deque[Entry]]) -> deque[Entry]:
        """Return the oldest of those that were never leased."""
        cold = self.cold
        while cold:
            chunk = cold[0]
            entries = thaw(chunk) if chunk.entries is None else chunk.entries
            if entries:
                return entries
            cold.popleft()
        return self.fresh

    def forget_expired(self) -> None:
        """Let go of what has expired at the front."""
        fresh = self.fresh
        while fresh and not fresh[0].in_lane:
            fresh.popleft()

    def waiting(self, thaw: Callable[[Chunk], deque[Entry]]) -> Iterator[Entry]:
        """Give all that waits, in order, without taking it."""
        returned = sorted(self.returned)
        position = 0
        for entry in self._never_leased(thaw):
            while position < len(returned) and returned[position][0] < entry.seq:
                yield returned[position][1]
                position += 1
            yield entry
        for _, entry in returned[position:]:
            yield entry

    def _never_leased(self, thaw: Callable[[Chunk], deque[Entry]]) -> Iterator[Entry]:
        for chunk in self.cold:
            yield from thaw(chunk) if chunk.entries is None else chunk.entries
        yield from self.fresh


class Box:
    """All that waits for one recipient."""

    __slots__ = ("lanes", "levels", "ready", "recipient")

    def __init__(self, recipient: str) -> None:
        self.recipient = recipient
        self.ready = 0
        """How many can be leased now."""
        self.lanes: dict[int, Lane] = {}
        self.levels: list[int] = []
        """The priorities that have a lane, the highest last."""

    def __repr__(self) -> str:
        return f"<Box {self.recipient}: {self.ready} ready>"

    def lane(self, priority: int) -> Lane:
        """Return the lane of *priority*."""
        lane = self.lanes.get(priority)
        if lane is None:
            lane = self.lanes[priority] = Lane(self, priority)
            insort(self.levels, priority)
        return lane

    def add(self, entry: Entry) -> None:
        """Take in what was put after everything else."""
        lane = self.lanes.get(entry.row.priority) or self.lane(entry.row.priority)
        entry.in_lane = True
        lane.fresh.append(entry)
        lane.ready += 1
        self.ready += 1

    def give_back(self, entry: Entry) -> None:
        """Take in what was put earlier, in its place."""
        lane = self.lane(entry.row.priority)
        entry.in_lane = True
        heappush(lane.returned, (entry.seq, entry))
        lane.ready += 1
        self.ready += 1

    def pop(self, thaw: Callable[[Chunk], deque[Entry]]) -> Entry | None:
        """Remove and return what comes first: of the highest priority, what was put first."""
        levels = self.levels
        while levels:
            lane = self.lanes[levels[-1]]
            entry = lane.pop(thaw)
            if entry is not None:
                entry.in_lane = False
                lane.ready -= 1
                self.ready -= 1
                return entry
            del self.lanes[levels.pop()]
        return None

    def lose(self, entry: Entry) -> None:
        """Note that *entry*, which waited, does not any more."""
        entry.in_lane = False
        self.ready -= 1
        lane = self.lanes[entry.row.priority]
        lane.ready -= 1
        if lane.ready == 0:
            del self.lanes[lane.priority]
            self.levels.remove(lane.priority)
        else:
            lane.forget_expired()

    def waiting(self, thaw: Callable[[Chunk], deque[Entry]]) -> Iterator[Entry]:
        """Give all that waits, in the order of leases, without taking it."""
        for priority in reversed(self.levels):
            for entry in self.lanes[priority].waiting(thaw):
                if entry.in_lane:
                    yield entry
