"""Pace: how a long piece of work is done in slices, with a turn for everybody else after each."""

from __future__ import annotations

from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")

SLICE_SECONDS: Final = 0.0005
"""When a slice is over. What begins before goes on, so the loop is held for about a millisecond."""

AT_ONCE: Final = 16
"""So many items are seen to before the time is looked at."""


def batches(items: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Give *items* in lists of *size*.

    >>> list(batches("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


class Pace:
    """The slices of one piece of work."""

    def __init__(self) -> None:
        self._end = perf_counter() + SLICE_SECONDS

    async def keep(self) -> None:
        """Let others have their turn if the slice is over; not a checkpoint otherwise."""
        if perf_counter() >= self._end:
            await trio.lowlevel.checkpoint()
            self._end = perf_counter() + SLICE_SECONDS
