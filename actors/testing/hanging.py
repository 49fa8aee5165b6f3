"""Hangs: tests in virtual time in which everybody waits, and no deadline is left for the clock to jump to.

Such a test fails, and says who waits, instead of going on for ever. It is found by looking: trio comes by again and
again when nothing is to be done, and only then is anything asked.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import trio
from trio.abc import Instrument

from actors.testing.who_waits import is_ours, tasks_under, waits_for_outside, who_waits

if TYPE_CHECKING:
    from types import TracebackType

    from trio.lowlevel import Task

GRACE: Final = 1.0
"""Seconds of real time in which nobody does anything, before a test counts as hanging."""

GRACE_FOR_THREADS: Final = 10.0
"""The same, where a thread is alive that has begun in the test and is no daemon: it may wake somebody."""

SELDOM: Final = 64
"""One in so many times that trio comes by is a look taken, until one finds nothing left to happen."""

PAUSE: Final = 0.001
"""Seconds to sleep between two looks, so that threads get on."""


class HangError(AssertionError):
    """A test waits for what can never come."""


class HangWatch(Instrument):
    """What ends a test that hangs: it cancels *scope*, which is around all of *test*, and has what to raise then."""

    def __init__(self, test: Task, scope: trio.CancelScope) -> None:
        self.failure: HangError | None = None
        self._test, self._scope = test, scope
        self._steps: Steps | None = None
        self._since = 0.0
        self._times = 0
        self._threads_before = set(threading.enumerate())

    def before_io_wait(self, timeout: float) -> None:
        """Look whether anything is still to happen."""
        self._times += 1
        if self._steps is None and self._times % SELDOM:
            return
        if timeout or not _nothing_is_due():
            self._trust()
        elif self._steps is None or self._steps.taken:
            self._suspect()
        else:
            time.sleep(PAUSE)
            if self._is_over():
                self._suspect()
                self.end(f"everybody waits for ever: nothing is due any more at {trio.current_time():g} s of the clock")

    def fail(self, error: BaseException | None = None) -> None:
        """Raise `failure`, if there is one; *error* is what the test was cancelled with."""
        __tracebackhide__ = True
        if self.failure is not None and error is not None:
            raise self.failure.with_traceback(_in_the_test(error)) from None
        if self.failure is not None:
            raise self.failure from None

    def end(self, why: BaseException | str) -> None:
        """Cancel the test; if that was no use before, whatever it has shielded as well."""
        self._scope.cancel()
        if self.failure is None:
            self.failure = HangError(str(why))
            self.failure.args = (f"{why}\n{who_waits(self._test)}",)
        else:
            for task in tasks_under(self._test):
                _unshield(task)

    def _trust(self) -> None:
        if self._steps is not None:
            trio.lowlevel.remove_instrument(self._steps)
            self._steps = None

    def _suspect(self) -> None:
        self._trust()
        self._steps, self._since = Steps(), time.perf_counter()
        trio.lowlevel.add_instrument(self._steps)

    def _is_over(self) -> bool:
        threads = set(threading.enumerate()) - self._threads_before
        grace = GRACE if all(thread.daemon for thread in threads) else GRACE_FOR_THREADS
        if time.perf_counter() - self._since < grace or waits_for_outside(self._test):
            return False
        return _nothing_is_due()  # a thread that has ended since the last look has left what it had to say


class Steps(Instrument):
    """Whether any task has taken a step, but for the one of trio's that others wake the loop by."""

    def __init__(self) -> None:
        self.taken = False

    def before_task_step(self, task: Task) -> None:
        """Note it."""
        self.taken = self.taken or task.name != "<TrioToken.run_sync_soon task>"


def _nothing_is_due() -> bool:
    now = trio.lowlevel.current_statistics()
    return not now.tasks_runnable and now.seconds_to_next_deadline == math.inf and not now.run_sync_soon_queue_size


def _unshield(task: Task) -> None:
    status: Any = task._cancel_status  # noqa: SLF001 -- there is no other way to end a shield from outside
    while status is not None:
        status._scope.shield = False  # noqa: SLF001 -- as above
        status = status._parent  # noqa: SLF001 -- as above


def _in_the_test(error: BaseException) -> TracebackType | None:
    """Return the traceback of *error* down to the last line that is the user's."""
    last, entry = None, error.__traceback__
    while entry is not None:
        last = last if is_ours(str(entry.tb_frame.f_globals.get("__name__"))) else entry
        entry = entry.tb_next
    if last is None:
        return None
    last.tb_next = None
    return error.__traceback__
