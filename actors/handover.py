"""The GIL hand-over: what lets helper threads run beside an event loop that is never idle.

Between two turns a busy loop lets go of Python's global lock for an instant only, which is too short for another
thread to wake up and take it, and long enough to make that thread wait anew: it starves, for seconds. So the loop
sleeps for a moment that is long enough, now and then: often while threads do something for it, and seldom when it
knows of none, for trio itself starts processes and looks up hosts in threads.
"""

from __future__ import annotations

import time
from time import perf_counter
from typing import TYPE_CHECKING, Final, Self

import trio

if TYPE_CHECKING:
    from types import TracebackType

PAUSE: Final = 1e-6
"""Seconds that the loop asks to sleep; the operating system makes some fifty microseconds of it."""

BETWEEN: Final = 0.000_5
"""Seconds between two pauses while threads work."""

BETWEEN_WHEN_QUIET: Final = 0.01
"""Seconds between two pauses while actors work, for threads that nobody here knows of."""

QUIET_AFTER: Final = 1.0
"""Seconds without a word from a thread until it is quiet."""


class Handover(trio.abc.Instrument):
    """The hand-over of one run of trio; as a ``with`` block, it pauses often until the block is left.

    The loop keeps at least half of the time: as long as threads held the lock, it holds it afterwards.
    """

    def __init__(self) -> None:
        self.outstanding = 0
        """How many pieces of work threads are doing for the loop."""
        self.due = 0.0
        """When whoever has work for the loop is to `pause`, if there has been no pause meanwhile."""
        self._active = False
        self._quiet_at = 0.0
        self._next = 0.0

    def __repr__(self) -> str:
        return f"<Handover: {self.outstanding} outstanding{', active' if self._active else ''}>"

    def __enter__(self) -> Self:
        self.outstanding += 1
        self._install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.outstanding -= 1

    def hear(self) -> None:
        """Note that a thread that nobody here started has spoken, and is likely to say more."""
        self._quiet_at = perf_counter() + QUIET_AFTER
        self._install()

    def pause(self, now: float) -> None:
        """Let threads have the lock for a moment."""
        time.sleep(PAUSE)
        after = perf_counter()
        self._next = after + max(BETWEEN, after - now)
        self.due = after + max(BETWEEN_WHEN_QUIET, after - now)

    def before_io_wait(self, timeout: float) -> None:
        """Pause, if the loop would not wait by itself and the last pause is long enough ago."""
        now = perf_counter()
        if self.outstanding == 0 and now > self._quiet_at:
            self._active = False
            trio.lowlevel.remove_instrument(self)
        elif timeout <= 0 and now >= self._next:
            self.pause(now)

    def _install(self) -> None:
        if not self._active:
            self._active = True
            trio.lowlevel.add_instrument(self)


_handover: Final[trio.lowlevel.RunVar[Handover]] = trio.lowlevel.RunVar("actors_handover")


def handover_here() -> Handover:
    """Return the hand-over of the run of trio that this is called in; there is one for all its systems."""
    try:
        return _handover.get()
    except LookupError:
        handover = Handover()
        _handover.set(handover)
        return handover
