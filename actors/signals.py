"""Exit signals, links and monitors.

Signals travel through one queue: a process that dies of a signal puts its own signals at the end of it, so
that a chain of links of any length dies without recursion.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from trio.lowlevel import enable_ki_protection

from actors import report
from actors.asking import Asking
from actors.envelope import Info, Order
from actors.exit import NOPROC, ExitReason, Normal
from actors.message import Down, Exit
from actors.settlement import Delivery, Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.monitor import Monitor
    from actors.process import Process
    from actors.unread import Unread


class SignalQueue:
    """The signals of one system that are on their way."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._delivering = False

    @enable_ki_protection
    def _deliver(self) -> None:
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._queue:
                action, arguments = self._queue.popleft()
                try:
                    action(*arguments)
                except Exception as error:  # noqa: BLE001 -- the signals behind this one must still arrive
                    report.undelivered(action.__name__, error)
        finally:
            self._delivering = False

    def send_exit(self, source: Process | None, target: Process, reason: ExitReason) -> None:
        """Send *target* an exit signal."""
        self._queue.append((_receive_exit, (source, target, reason)))
        self._deliver()

    def announce_end(self, process: Process, unread: Unread) -> None:
        """Tell everyone concerned that *process* is dead: links, monitors, callers, in this order.

        A caller that dies of a link to *process* must not run on with the error of its call.
        """
        reason = process.reason
        assert reason is not None
        process.system.forget(process)
        parent = process.parent
        queue = self._queue
        for other in process.links or ():
            queue.append((_receive_link, (process, other, reason)))
        if parent is not None and parent.links is not None and process in parent.links:
            if process.started or not parent.actor.trap_exit:
                queue.append((_receive_link, (process, parent, reason)))
            else:
                # A failed start is told by the start itself, not a second time by a message.
                del parent.links[process]
        for monitor in process.monitors or ():
            queue.append((_fire, (monitor, reason)))
        for monitor in list(process.monitoring or ()):
            monitor.cancel()
        callers = _callers(process, unread)
        if callers or process.starter is not None or process.ended is not None:
            queue.append((_tell_callers, (process, callers, reason)))
        if type(process.message) is Delivery:
            queue.append((process.message.settle, (Failed(reason),)))
        if unread.items:
            queue.append((process.system.dead_letters.bury_all, (unread, process)))
        for kept in process.keeping or ():
            queue.append((kept.close, ()))
        process.links = process.monitors = process.monitoring = process.owed = None
        self._deliver()


def _receive_exit(source: Process | None, target: Process, reason: ExitReason) -> None:
    if target.reason is not None or target.ending is not None:
        return
    if target.actor.trap_exit:
        if source is not None and source is target.parent:
            _order_to_stop(target, reason)
        else:
            target.put(Info(Exit(None if source is None else source.ref, reason)))
    elif not isinstance(reason, Normal) or source is target:
        target.end_by_signal(reason)


def _order_to_stop(target: Process, reason: ExitReason) -> None:
    if target.suspended:
        target.end(reason)
    else:
        target.put(Order(reason))


def _receive_link(source: Process, target: Process, reason: ExitReason) -> None:
    if target.links is not None:
        target.links.pop(source, None)
    _receive_exit(source, target, reason)


def _fire(monitor: Monitor, reason: ExitReason) -> None:
    if monitor.active:
        monitor.cancel()
        monitor.watcher.put(Info(Down(monitor.ref, reason, monitor)))


def _callers(process: Process, unread: Unread) -> list[Asking]:
    if not process.owed and not unread.items and type(process.message) is not Asking:
        return []
    waiting = [*(process.owed or ())]
    if Asking in map(type, unread.items):
        waiting += [item for item in unread.items if type(item) is Asking]
    if type(process.message) is Asking:
        waiting.insert(0, process.message)
    return [caller for caller in waiting if not caller.answered]


def _tell_callers(process: Process, callers: list[Asking], reason: ExitReason) -> None:
    for caller in callers:
        caller.fail(reason)
    process.wake_starter()
    if process.ended is not None:
        process.ended.set()


def link(one: Process, other: Process) -> None:
    """Tie the fates of two processes; linking twice is linking once."""
    if one is other or one.parent is other or other.parent is one:
        _restore_family_link(one, other)
        return
    if other.reason is not None:
        one.system.signals.send_exit(other, one, NOPROC)
        return
    for process, linked in ((one, other), (other, one)):
        if process.links is None:
            process.links = {}
        process.links[linked] = None


def _restore_family_link(one: Process, other: Process) -> None:
    parent, child = (one, other) if other.parent is one else (other, one)
    if child.reason is not None:
        one.system.signals.send_exit(other, one, NOPROC)
    elif parent is not child and parent.reason is None:
        if parent.links is None:
            parent.links = {}
        parent.links[child] = None


def unlink(one: Process, other: Process) -> None:
    """Undo the link between two processes, if there is one."""
    for process, linked in ((one, other), (other, one)):
        if process.links is not None:
            process.links.pop(linked, None)
