"""The clock that the ``ttl`` of messages goes by: one for all who publish and receive in a run of trio."""

from __future__ import annotations

from typing import Final

import trio

from actors.wall_clock import WallClock, can_be_set, never_back, wall_clock

_clock: Final[trio.lowlevel.RunVar[WallClock]] = trio.lowlevel.RunVar("the clock of messages with a ttl")


def message_clock() -> WallClock:
    """Return what tells the time of day, and goes on with trio's clock when that is set back.

    Each call of it costs three times a ``time.time``, so it is asked about messages that have a ``ttl`` only.
    """
    try:
        return _clock.get()
    except LookupError:
        wall = wall_clock()
        clock = never_back(wall, trio.lowlevel.current_clock().current_time) if can_be_set(wall) else wall
        clock()
        _clock.set(clock)
        return clock
