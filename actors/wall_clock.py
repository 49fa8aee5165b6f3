"""The time of day for what outlives the program: when a message expires, is due, or is free again.

Trio's clock begins anew with every program, and stands still while the machine sleeps, so what is stored needs
another; virtual time drives this one as well. It may be set: what goes by it counts the time that it has skipped as
passed, and lets nothing wait longer because it was set back.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

import trio

WallClock: TypeAlias = Callable[[], float]
"""What tells the time in seconds since 1970."""

LOOK_SECONDS: Final = 5.0
"""How often those who go by such a clock look whether it has skipped something."""

LEAST_SECONDS: Final = 0.05
"""Two clocks that are read one after the other differ by less, unless one was set."""


def wall_clock() -> WallClock:
    """Return what tells the time in this run of trio.

    That is ``time.time``, unless the run has a clock of its own, such as trio's ``MockClock``: then time begins at
    the present and passes as that clock says.
    """
    clock = trio.lowlevel.current_clock()
    # Trio has no public name for the class of its real clock, which its documentation calls so.
    if type(clock).__name__ == "SystemClock":
        return time.time
    return partial(_driven, clock, time.time() - clock.current_time())


def can_be_set(clock: WallClock) -> bool:
    """Tell whether *clock* may go on otherwise than trio's clock does."""
    return not (isinstance(clock, partial) and clock.func is _driven)


class Ahead:
    """How far a wall clock has been ahead of trio's clock, at most.

    >>> times = iter([1000.0, 1010.0, 400.0, 1010.0, 1010.5])
    >>> ahead = Ahead(lambda: next(times), lambda: 0.0)
    >>> [ahead.skipped() for _ in range(4)]
    [10.0, 0.0, 0.0, 0.5]
    """

    __slots__ = ("_now", "_wall", "seconds")

    def __init__(self, wall: WallClock, now: Callable[[], float]) -> None:
        self._wall = wall
        self._now = now
        self.seconds = wall() - now()

    def __repr__(self) -> str:
        return f"<Ahead: {self.seconds:.6g} s>"

    def skipped(self) -> float:
        """Return how many seconds more have passed on the wall than here since this was asked last.

        These were slept by the machine, or the clock was set; what it was set back counts as nothing, nor does it
        count again when the clock is set right.
        """
        seconds = self._wall() - self._now() - self.seconds
        if seconds < LEAST_SECONDS:
            return 0.0
        self.seconds += seconds
        return seconds


def never_back(wall: WallClock, now: Callable[[], float]) -> WallClock:
    """Return a clock that is *wall*, but goes on with trio's clock, which says *now*, when that is set back.

    >>> wall, now = iter([1000.0, 1001.0, 401.5, 1002.5]), iter([0.0, 1.0, 1.5, 2.0])
    >>> clock = never_back(lambda: next(wall), lambda: next(now))
    >>> [clock() for _ in range(4)]
    [1000.0, 1001.0, 1001.5, 1002.5]
    """
    ahead = -math.inf

    def steady() -> float:
        nonlocal ahead
        moment = wall()
        difference = moment - now()
        if difference > ahead:
            ahead = difference
        elif difference < ahead - LEAST_SECONDS:
            return moment - difference + ahead
        return moment

    return steady


def _driven(clock: trio.abc.Clock, beginning: float) -> float:
    return beginning + clock.current_time()
