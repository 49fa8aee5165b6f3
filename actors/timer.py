"""Timers on trio's clock: one task and one heap serve every deadline of a system.

What is no longer wanted is left in the heap until it is due or until half of the heap is such waste, so that
cancelling a timer, which is what nearly every call does with its own, costs next to nothing.
"""

from __future__ import annotations

import math
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

import trio
from trio.lowlevel import enable_ki_protection

from actors.message import Info, Timeout

if TYPE_CHECKING:
    from actors.process import Process

WASTE_KEPT: Final = 1024
"""Up to this many unwanted deadlines are not worth a sweep."""


class Expirable(Protocol):
    """Something with a deadline."""

    @property
    def live(self) -> bool:
        """Whether the deadline still matters."""

    def expire(self) -> None:
        """Do what is due at the deadline. Called at most once, and perhaps when it no longer matters."""


class TimerQueue:
    """The deadlines of a system, and the task that keeps them."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Expirable]] = []
        self._order = count()
        self.stale = 0
        """How many of them are of no interest any more."""
        self.now = trio.lowlevel.current_clock().current_time
        self._sleep = trio.CancelScope()

    def add(self, deadline: float, item: Expirable) -> None:
        """Have *item* expire at *deadline*; items of one deadline expire in the order they were added."""
        if deadline == math.inf:
            return
        if self.stale > WASTE_KEPT and self.stale * 2 > len(self._heap):
            self._sweep()
        heappush(self._heap, (deadline, next(self._order), item))
        if deadline < self._sleep.deadline:  # noqa: PLR1730 -- to set a deadline costs even when it is the same
            self._sleep.deadline = deadline

    def _sweep(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2].live]
        heapify(self._heap)
        self.stale = 0

    @enable_ki_protection
    async def run(self) -> None:
        """Expire what is due, for ever."""
        while True:
            deadline = self._heap[0][0] if self._heap else math.inf
            with trio.CancelScope(deadline=deadline) as self._sleep:
                await trio.sleep_forever()
            self._sleep = trio.CancelScope()
            self._expire_due(self.now())

    def _expire_due(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            item = heappop(self._heap)[2]
            if item.live:
                item.expire()
            elif self.stale:
                self.stale -= 1


class Timer:
    """A message that will be sent, once or again and again, until it is cancelled or the receiver ends."""

    __slots__ = ("_due", "_message", "_process", "_seconds", "live")

    def __init__(self, process: Process, seconds: float, message: object, *, again: bool) -> None:
        if not seconds >= 0 or (again and seconds == 0):
            least = "more than 0" if again else "0 or more"
            msg = f"a timer of {process.ref} waits {seconds!r} seconds; allowed is {least}"
            raise ValueError(msg)
        self._process = process
        self._message = message
        self._seconds = seconds if again else None
        self._due = process.system.timers.now() + seconds
        self.live = True
        process.system.timers.add(self._due, self)

    def __repr__(self) -> str:
        state = f"due at {self._due}" if self.live else "done"
        return f"<Timer of {self._process.ref}: {state}>"

    def cancel(self) -> bool:
        """Send nothing more. Returns False if there was nothing left to cancel.

        A message that is already in the mailbox stays there.
        """
        was_live, self.live = self.live, False
        if was_live:
            self._process.system.timers.stale += 1
        return was_live

    def expire(self) -> None:
        """Send the message, and wait for the next time if there is one; times already missed are left out."""
        if self._seconds is None or self._process.reason is not None:
            self.live = False
        if self._process.reason is not None:
            return
        self._process.put(Info(self._message))
        if self._seconds is not None:
            late = self._process.system.timers.now() - self._due
            self._due += self._seconds * max(1, math.ceil(late / self._seconds))
            self._process.system.timers.add(self._due, self)


class IdleTimer:
    """A `Timeout` that is sent unless a message arrives first."""

    __slots__ = ("_handled", "_process")

    def __init__(self, process: Process, seconds: float) -> None:
        self._process = process
        self._handled = process.handled
        if seconds == 0:
            process.mailbox.appendleft(Info(Timeout()))
        else:
            process.system.timers.add(process.system.timers.now() + seconds, self)

    @property
    def live(self) -> bool:
        """Whether no message has arrived since."""
        process = self._process
        wanted = process.idle_timer is self and process.reason is None
        return wanted and process.handled == self._handled and not process.mailbox

    def expire(self) -> None:
        """Send the `Timeout`."""
        self._process.put(Info(Timeout()))
