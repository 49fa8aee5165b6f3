"""Sorting: names are picked and sorted in slices, so that many of them stall nobody."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING, Final

from actors.pace import AT_ONCE, Pace, batches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.pattern import Pattern

RUN: Final = 512
"""So many names are sorted at once, which takes a tenth of a millisecond; the runs are merged."""


async def sorted_in_slices(names: Iterable[str], pattern: Pattern | None) -> list[str]:
    """Return the names that *pattern* means, all for None, sorted; not a checkpoint where that takes no time."""
    pace = Pace()
    runs: list[list[str]] = [[]]
    # A long name may take a pattern milliseconds, so the time is looked at after each.
    for some in batches(names, AT_ONCE if pattern is None else 1):
        runs[-1] += some if pattern is None else filter(pattern.matches, some)
        if len(runs[-1]) >= RUN:
            runs[-1].sort()
            runs.append([])
        await pace.keep()
    runs[-1].sort()
    if len(runs) == 1:
        return runs[0]
    found: list[str] = []
    for some in batches(merge(*runs)):
        found += some
        await pace.keep()
    return found
