"""Sorting: the names of a place are picked and sorted a slice at a time, so that many of them stall nobody."""

from __future__ import annotations

from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Final

from trio.lowlevel import checkpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actors.pattern import Pattern

AT_ONCE: Final = 500
"""So many names, or entries, are looked at before others have their turn; that takes less than a millisecond."""


async def sorted_in_steps(names: Sequence[str], pattern: Pattern | None) -> list[str]:
    """Return the names that *pattern* means, sorted; others have their turns meanwhile if there are many."""
    if len(names) <= AT_ONCE:
        return _sorted(names, pattern)
    runs = []
    for start in range(0, len(names), AT_ONCE):
        runs.append(_sorted(names[start : start + AT_ONCE], pattern))
        await checkpoint()
    merged = merge(*filter(None, runs))
    found: list[str] = []
    while some := list(islice(merged, AT_ONCE)):
        found += some
        await checkpoint()
    return found


def _sorted(names: Iterable[str], pattern: Pattern | None) -> list[str]:
    return sorted(names if pattern is None else filter(pattern.matches, names))
