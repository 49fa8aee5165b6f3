"""How a process is to end, and how long it may take over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from actors import report
from actors.result import NO_REPLY

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from actors.asking import Asking
    from actors.exit import ExitReason
    from actors.process import Process
    from actors.report import Status


@attrs.define
class Ending:
    """How a process is about to end."""

    reason: ExitReason
    terminate: bool = True
    should_report: bool = True
    caller: Asking | None = None
    reply: object = NO_REPLY
    coroutine: Coroutine[Any, Any, Any] | None = None
    """What `terminate` returned, if it waits."""
    status: Status | None = None
    """What the actor showed of itself when it began to end, if that will be reported."""


class Limit:
    """The time that a process has to stop; one clock, so that whoever waits for the process may be cancelled."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def live(self) -> bool:
        """Whether it has not stopped."""
        return self._process.reason is None

    def expire(self) -> None:
        """Kill it."""
        self._process.kill()


class Grace(Limit):
    """The time that a process has to be gone once what it runs was cancelled."""

    def expire(self) -> None:
        """Carry on without it, unless somebody has given it more time meanwhile."""
        scope = self._process.scope
        if scope is None or not scope.cancel_called:
            return
        report.left_behind(self._process)
        self._process.system.leave_behind(self._process)
        self._process.finish()
