"""DedupeWindow: the ids of what was done lately, so that it is not done again. Cachetools forgets the old ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cachetools import FIFOCache

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

DAY_SECONDS: Final = 86_400.0


class DedupeWindow:
    """Ids, each remembered for so many seconds, but no more of them than there is room for.

    With one more than that, the one that was added longest ago is forgotten before its time. Should it come again, it
    is taken for new, so *forgotten* counts how often that may have happened. The caller says what time it is.

    >>> window = DedupeWindow(seconds=60.0, max_ids=2, clock=lambda: 0.0)
    >>> [window.add(id) for id in ("a", "b", "a", "c")], window.forgotten
    ([True, True, False, True], 1)
    """

    def __init__(self, *, seconds: float = DAY_SECONDS, max_ids: int = 100_000, clock: Callable[[], float]) -> None:
        if not seconds > 0:
            raise ValueError(f"DedupeWindow: seconds is {seconds!r}; allowed is a number above 0")
        if max_ids < 1:
            raise ValueError(f"DedupeWindow: max_ids is {max_ids!r}; allowed is an int of 1 or more")
        self.seconds = seconds
        self.max_ids = max_ids
        self.forgotten = 0
        """How many ids made room for others before their time."""
        self.repeated = 0
        """How often `add` was told an id that it remembered."""
        self._clock = clock
        # All live equally long, so the first in is the first too old; cachetools' TTLCache costs four times as much.
        self._until: FIFOCache[Hashable, float] = FIFOCache(max_ids)

    def __repr__(self) -> str:
        return f"<DedupeWindow: {len(self)} ids of at most {self.max_ids}, each for {self.seconds} s>"

    def __len__(self) -> int:
        now = self._clock()
        return sum(until > now for until in self._until.values())

    def __contains__(self, id: Hashable) -> bool:
        return id in self._until and self._until[id] > self._clock()

    def add(self, id: Hashable) -> bool:
        """Remember *id* from now on; return False if it is remembered already, for no longer than it was."""
        now = self._clock()
        if id in self._until:
            if self._until[id] > now:
                self.repeated += 1
                return False
            del self._until[id]
        elif self._until.currsize >= self.max_ids:
            _, until = self._until.popitem()
            self.forgotten += until > now
        self._until[id] = now + self.seconds
        return True

    def take_over(self, other: DedupeWindow) -> None:
        """Remember, from now on, what *other* remembers, and count what that has counted."""
        for id in other._until:
            if id in other:
                self.add(id)
        self.forgotten += other.forgotten
        self.repeated += other.repeated

    def discard(self, id: Hashable) -> None:
        """Forget *id*, if it is remembered."""
        self._until.pop(id, None)
