"""The spare task of a system: it has served a process, shows no trace of that, and serves the next that needs one.

A task with its cancel scope costs more to make than most callbacks cost to run, and most end without having waited for
anything. Then nothing of them is in their task any more, but for what they opened there and did not close.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import trio
from trio.lowlevel import Abort, reschedule, wait_task_rescheduled

from actors.woken import WOKEN

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextvars import Context

    from actors.process import Process

UNTOUCHED: Final = object()
"""What is in ``custom_sleep_data`` of a task, which trio clears whenever it wakes one, until the task has waited."""


def watch(task: trio.lowlevel.Task) -> None:
    """From now on, let `is_untouched` tell about *task*, which is the running one."""
    task.custom_sleep_data = UNTOUCHED


def is_untouched(task: trio.lowlevel.Task) -> bool:
    """Tell whether *task*, which is the running one, has not waited since `watch`, nor been cancelled or left open."""
    return (
        task.custom_sleep_data is UNTOUCHED
        and not task.child_nurseries
        and trio.current_effective_deadline() == math.inf
    )


class Spare:
    """Where a task waits for the next process; there is room for one, as long as there are *processes* but the root."""

    __slots__ = ("_closed", "_context", "_processes", "_task")

    def __init__(self, context: Context, processes: Collection[object]) -> None:
        self._context = context
        self._processes = processes
        self._task: trio.lowlevel.Task | None = None
        self._closed = False

    async def next(self) -> Process | None:
        """Wait in the running task until a process needs it; return None at once if the task is not needed."""
        if self._closed or self._task is not None or len(self._processes) <= 1:
            return None
        self._task = task = trio.lowlevel.current_task()
        task.context = self._context  # that of the last process would keep it in memory
        await wait_task_rescheduled(_never_aborted)
        process: Process | None = task.custom_sleep_data
        return process

    def give(self, process: Process) -> bool:
        """Have the task that waits here serve *process*, in its context; tell whether there was one."""
        task, self._task = self._task, None
        if task is None:
            return False
        task.context = process.context
        reschedule(task, WOKEN)
        task.custom_sleep_data = process  # after `reschedule`, which clears it
        return True

    def close(self) -> None:
        """Let the task end, and keep no other."""
        self._closed = True
        self.let_go()

    def let_go(self) -> None:
        """Let the task end."""
        task, self._task = self._task, None
        if task is not None:
            reschedule(task, WOKEN)


def _never_aborted(_raise_cancel: Any) -> Abort:
    return Abort.FAILED
