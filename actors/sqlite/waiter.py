"""A task that waits until the writer tells it something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable


class Waiter:
    """One wait of one task; a cancelled wait takes back nothing that was appended."""

    __slots__ = ("_error", "_task", "_told")

    def __init__(self) -> None:
        self._task: trio.lowlevel.Task | None = None
        self._told = False
        self._error: BaseException | None = None

    def tell(self, error: BaseException | None = None) -> None:
        """Let the task go on, or raise *error*."""
        self._told = True
        self._error = error
        if self._task is not None:
            trio.lowlevel.reschedule(self._task)
            self._task = None

    async def wait(self) -> None:
        """Wait until it is told, and raise what it is told to raise."""
        if self._told:
            await trio.lowlevel.checkpoint()
        else:
            self._task = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._give_up)
        if self._error is not None:
            raise self._error

    def _give_up(self, _: Callable[[], None]) -> trio.lowlevel.Abort:
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED
