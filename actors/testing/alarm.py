"""A limit in real time that a signal keeps, such as pytest-timeout's: its alarm raises wherever the program is."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALARM: int | None = getattr(signal, "SIGALRM", None)
"""None where there is no such signal."""


@contextmanager
def orderly_alarm(end: Callable[[BaseException], None]) -> Iterator[None]:
    """Have an alarm that finds no task at work call *end*, in the run of trio, with what it would have raised.

    Raised in the middle of trio's own loop that would leave the run as it is, and the next test would be told that
    it is inside of it. In a task, which may never come back to the loop, it is raised as always.
    """
    given = _handler_of_the_alarm()
    if given is None:
        yield
        return
    token = trio.lowlevel.current_trio_token()

    def ring(number: int, frame: Any) -> None:
        __tracebackhide__ = True
        try:
            given(number, frame)
        except BaseException as error:
            if _a_task_is_at_work():
                raise
            token.run_sync_soon(end, error)

    assert ALARM is not None
    signal.signal(ALARM, ring)
    try:
        yield
    finally:
        if signal.getsignal(ALARM) is ring:
            signal.signal(ALARM, given)


def _handler_of_the_alarm() -> Callable[[int, Any], Any] | None:
    if ALARM is None or threading.current_thread() is not threading.main_thread():
        return None
    handler = signal.getsignal(ALARM)
    return handler if callable(handler) else None


def _a_task_is_at_work() -> bool:
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True
