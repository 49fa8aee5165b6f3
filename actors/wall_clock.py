"""The time of day for what outlives the program: when a message expires, is due, or is free again.

Trio's clock begins anew with every program, so what is stored needs another; virtual time drives this one as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import trio

WallClock: TypeAlias = Callable[[], float]
"""What tells the time in seconds since 1970."""


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


def _driven(clock: trio.abc.Clock, beginning: float) -> float:
    return beginning + clock.current_time()
