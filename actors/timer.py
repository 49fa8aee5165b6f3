"""Timers on trio's clock: one task and one heap serve every deadline of a system.

What is no longer wanted is left in the heap until it is due or until half of the heap is such waste, so that
cancelling a timer, which is what nearly every call does with its own, costs next to nothing.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

import trio
from trio.lowlevel import enable_ki_protection

from actors.envelope import Alarm, Tick
from actors.options import is_number

if TYPE_CHECKING:
    from actors.process import Process

SWEEP_ABOVE: Final = 1024
"""A heap of up to so many deadlines is not worth a sweep."""

AT_ONCE: Final = 256
"""So many deadlines expire before others have their turn."""


class Expirable(Protocol):
    """Something with a deadline."""

    @property
    def live(self) -> bool:
        """Whether the deadline still matters."""

    def expire(self) -> None:
        """Do what is due at the deadline. Called at most once, and perhaps when it no longer matters."""


class Answerable(Expirable, Protocol):
    """A call, on its way to its answer."""

    answered: bool

    @property
    def deadline(self) -> float:
        """When its caller gives up."""


class Calls:
    """The calls that wait, in the order of their deadlines: nearly all have the same timeout, so they come in it.

    Only the first has a deadline in the heap, and an answered one is forgotten when it is the first.
    """

    def __init__(self, timers: TimerQueue) -> None:
        self._timers = timers
        self._waiting: deque[Answerable] = deque()
        self._latest = 0.0
        self._alarm: _Alarm | None = None
        self._sweep_at = SWEEP_ABOVE

    def add(self, call: Answerable, deadline: float) -> None:
        """Have *call* expire at its *deadline*, unless it is answered before."""
        waiting = self._waiting
        while waiting and waiting[0].answered:
            waiting.popleft()
        if deadline == math.inf or (waiting and deadline < self._latest):
            self._timers.add(deadline, call)
            return
        self._latest = deadline
        if len(waiting) >= self._sweep_at:
            self._waiting = waiting = deque(call for call in waiting if not call.answered)
            self._sweep_at = max(SWEEP_ABOVE, 2 * len(waiting))
        waiting.append(call)
        if self._alarm is None or deadline < self._alarm.deadline:
            self._set_alarm(deadline)

    def expire(self) -> None:
        """Expire those that are due, and wait for the next."""
        now = self._timers.now()
        while self._waiting and (self._waiting[0].answered or self._waiting[0].deadline <= now):
            call = self._waiting.popleft()
            if not call.answered:
                call.expire()
        self._alarm = None
        if self._waiting:
            self._set_alarm(self._waiting[0].deadline)

    def is_awaited(self, alarm: _Alarm) -> bool:
        """Tell whether *alarm* has not been replaced by an earlier one."""
        return alarm is self._alarm

    def _set_alarm(self, deadline: float) -> None:
        self._alarm = _Alarm(self, deadline)
        self._timers.add(deadline, self._alarm)


class _Alarm:
    """The next deadline of the calls, in the heap of all."""

    __slots__ = ("_calls", "deadline")

    def __init__(self, calls: Calls, deadline: float) -> None:
        self._calls = calls
        self.deadline = deadline

    @property
    def live(self) -> bool:
        """Whether it was not replaced by an earlier one."""
        return self._calls.is_awaited(self)

    def expire(self) -> None:
        """Expire the calls that are due."""
        self._calls.expire()


class TimerQueue:
    """The deadlines of a system, and the task that keeps them."""

    def __init__(self) -> None:
        self.now = trio.lowlevel.current_clock().current_time
        self._heap: list[tuple[float, int, Expirable]] = []
        self._order = count()
        self._sweep_at = SWEEP_ABOVE
        self._sleep = trio.CancelScope()
        self.calls = Calls(self)

    def add(self, deadline: float, item: Expirable) -> None:
        """Have *item* expire at *deadline*; items of one deadline expire in the order they were added."""
        if deadline == math.inf:
            return
        if len(self._heap) >= self._sweep_at:
            self._sweep()
        heappush(self._heap, (deadline, next(self._order), item))
        if deadline < self._sleep.deadline:  # noqa: PLR1730 -- to set a deadline costs even when it is the same
            self._sleep.deadline = deadline

    def _sweep(self) -> None:
        """Drop what is not wanted any more, whenever the heap has doubled."""
        self._heap = [entry for entry in self._heap if entry[2].live]
        heapify(self._heap)
        self._sweep_at = max(SWEEP_ABOVE, 2 * len(self._heap))

    @enable_ki_protection
    async def run(self) -> None:
        """Expire what is due, for ever."""
        while True:
            deadline = self._heap[0][0] if self._heap else math.inf
            with trio.CancelScope(deadline=deadline) as self._sleep:
                await trio.sleep_forever()
            self._sleep = trio.CancelScope()
            for item in self._due(self.now()):
                if item.live:
                    item.expire()

    def _due(self, now: float) -> list[Expirable]:
        due: list[Expirable] = []
        while self._heap and self._heap[0][0] <= now and len(due) < AT_ONCE:
            due.append(heappop(self._heap)[2])
        return due


class Timer:
    """A message that will be sent, once or again and again, until it is cancelled or the receiver ends."""

    __slots__ = ("_cancelled", "_due", "_message", "_period", "_process")

    def __init__(self, process: Process, seconds: float, message: object, *, again: bool) -> None:
        now = process.system.timers.now()
        if not is_number(seconds) or not (now + seconds > now if again else seconds >= 0):
            least = "enough to be seen on the clock" if again else "0 or more"
            msg = f"a timer of {process.ref} waits {seconds!r} seconds; allowed is a number, {least}"
            raise ValueError(msg)
        self._process = process
        self._message = message
        self._period = seconds if again else None
        self._due = now + seconds
        self._cancelled = False
        process.system.timers.add(self._due, self)

    def __repr__(self) -> str:
        state = f"due at {self._due}" if self.live else "done"
        return f"<Timer of {self._process.ref}: {state}>"

    @property
    def live(self) -> bool:
        """Whether it will send something yet."""
        return not self._cancelled and self._process.reason is None

    def cancel(self) -> bool:
        """Send nothing more. Returns False if there was nothing left to cancel.

        A message that is already in the mailbox stays there.
        """
        was_live, self._cancelled = self.live, True
        return was_live

    def expire(self) -> None:
        """Send the message; if it is to be sent again, wait a period, or what is left of it when this is late."""
        self._process.wake_first()
        self._process.put(Tick(self._message))
        if self._period is None:
            self._cancelled = True
        else:
            self._due = max(self._due + self._period, self._process.system.timers.now())
            self._process.system.timers.add(self._due, self)


class IdleTimer:
    """A `Timeout` that is sent unless a message arrives first."""

    __slots__ = ("_process", "_turn")

    def __init__(self, process: Process, seconds: float) -> None:
        self._process = process
        self._turn = process.turn
        if seconds == 0:
            process.put_first(Alarm(self))
        else:
            process.system.timers.add(process.system.timers.now() + seconds, self)

    @property
    def live(self) -> bool:
        """Whether it has not been replaced, and no message has arrived since."""
        process = self._process
        wanted = process.idle_timer is self and process.reason is None
        return wanted and process.turn == self._turn and not process.mailbox

    def expire(self) -> None:
        """Send the `Timeout`."""
        self._process.put(Alarm(self))
