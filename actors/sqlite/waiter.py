"""A task that waits until the writer tells it something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from trio.lowlevel import current_task, wait_task_rescheduled

if TYPE_CHECKING:
    from collections.abc import Callable


class Waiter:
    """One wait of one task; a cancelled wait takes back nothing that was appended."""

    __slots__ = ("_error", "_task")

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None
        self._error: BaseException | None = None

    def tell(self, error: BaseException | None = None) -> None:
        """Let the task go on, or raise *error*."""
        self._error = error
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    async def wait(self) -> None:
        """Wait until it is told, which is still to come, and raise what it is told to raise."""
        self._task = current_task()
        await wait_task_rescheduled(self._give_up)
        if self._error is not None:
            raise self._error

    def _give_up(self, _: Callable[[], None]) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
