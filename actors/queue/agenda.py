"""Agenda: when something is to be done about which message.

Most of what is noted is over before it is due, since messages are handled long before they expire. So what is no
longer wanted stays in the heap until it is due or until half of the heap is such waste.
"""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final, Protocol

SWEEP_ABOVE: Final = 1024
"""A heap of up to so many times is not worth a sweep."""


class Dated(Protocol):
    """Something that is due at one time at most."""

    due: float
    """When; infinity if it is not."""


class Agenda:
    """Times of the clock on the wall, and what is due then."""

    __slots__ = ("_heap", "_order", "_sweep_at")

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Dated]] = []
        self._order = count()
        self._sweep_at = SWEEP_ABOVE

    def __repr__(self) -> str:
        return f"<Agenda: next at {self.next}>"

    @property
    def next(self) -> float:
        """When to look again; infinity if never. It may be the time of something that is no longer wanted."""
        return self._heap[0][0] if self._heap else math.inf

    def add(self, when: float, item: Dated) -> None:
        """Have *item* due at *when*, and at no other time."""
        item.due = when
        if when == math.inf:
            return
        heap = self._heap
        if len(heap) >= self._sweep_at:
            self._sweep()
            heap = self._heap
        heappush(heap, (when, next(self._order), item))

    def pop_due(self, now: float) -> Dated | None:
        """Remove and return one item that was due before *now*, or is at that instant; None if there is none."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            when, _, item = heappop(heap)
            if item.due == when:
                item.due = math.inf
                return item
        return None

    def _sweep(self) -> None:
        """Drop what is not wanted any more, whenever the heap has doubled."""
        self._heap = [entry for entry in self._heap if entry[2].due == entry[0]]
        heapify(self._heap)
        self._sweep_at = max(SWEEP_ABOVE, 2 * len(self._heap))
