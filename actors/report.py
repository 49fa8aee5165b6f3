"""Reports about the lives of processes, through the standard library's logging.

Each log record carries a structured report as ``record.report``. Crashes are errors, starts are information.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors.asking import Asking
from actors.envelope import content
from actors.errors import ActorError
from actors.exit import Crash, ExitReason, is_clean
from actors.show import shown, told
from actors.state import state_of
from actors.telemetry import ACTOR_EXITED, ACTOR_STARTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from actors.actor import Actor
    from actors.ending import Ending
    from actors.heirlooms import Quarantined
    from actors.process import Process
    from actors.ref import ActorRef
    from actors.trace import TraceEvent

logger: Final = logging.getLogger("actors")


@attrs.frozen
class Status:
    """What an actor was doing; `Actor.format_status` returns it without what must not be seen."""

    message: object
    """The last message."""
    state: Any
    reason: ExitReason | None
    """The exit reason; None while the actor lives."""


@attrs.frozen
class CrashReport:
    """A process ended, and not in an orderly way."""

    ref: ActorRef
    actor: str
    """The class of the actor, by its full name."""
    reason: ExitReason | str
    message: object
    state: object
    parent: ActorRef | None
    caller: ActorRef | None
    """The actor whose call was being handled."""
    caller_stack: tuple[str, ...]
    """Where whoever called was waiting, innermost last."""
    trace: tuple[TraceEvent, ...] = ()
    """What happened last, oldest first, if it was traced (`start_trace`)."""

    def __str__(self) -> str:
        lines = [
            f"{self.ref} crashed: {self.reason}",
            f"  class: {self.actor}",
            f"  last message: {shown(self.message)}",
            f"  state: {shown(self.state)}",
            f"  parent: {self.parent}",
        ]
        if self.caller_stack:
            lines.append(f"  called by {self.caller or 'a task outside every actor'}, waiting at:")
            lines += [f"    {place}" for place in self.caller_stack]
        if self.trace:
            lines += ["  what happened last:", *(f"    {event}" for event in self.trace)]
        return "\n".join(lines)


@attrs.frozen
class ProgressReport:
    """A process has started."""

    ref: ActorRef
    parent: ActorRef | None

    def __str__(self) -> str:
        return f"{self.ref} started"


@attrs.frozen
class BlockedReport:
    """A callback does not let go of its thread, so that its node does nothing else."""

    ref: ActorRef | None
    """The actor whose callback it is; None if it is nobody's."""
    message: str | None
    """The type of the message it handles."""
    seconds: float
    """How long the node has been blocked, at least."""
    stack: str
    """Where it is now, innermost last, without the frames of the runtime."""

    def __str__(self) -> str:
        message = f", handling {self.message}" if self.message else ""
        return f"{_blocker(self.ref)} blocks its node for {self.seconds:.1f} s{message}:\n{self.stack.rstrip()}"


def started(process: Process) -> None:
    """Report that *process* is up."""
    if ACTOR_STARTED.listeners:
        ACTOR_STARTED.emit({}, {"actor": process.ref, "parent": _parent(process)})
    if heard(logger, logging.INFO):
        report = ProgressReport(process.ref, _parent(process))
        _log(logging.INFO, "%s", report, extra={"report": report})


def exited(process: Process) -> None:
    """Tell those who listen that *process* is dead."""
    ACTOR_EXITED.emit({}, {"actor": process.ref, "parent": _parent(process), "reason": process.reason})


def ended(process: Process, reason: ExitReason, status: Status) -> None:
    """Report the crash of *process*, which showed *status* of itself when it began to end."""
    try:
        _report_crash(process, reason, status)
    except BaseException as error:  # noqa: BLE001 -- what a strange message does to its report must not keep a process from ending
        _log(logging.ERROR, "%s crashed, and could not be reported", process.ref, exc_info=error)


def _report_crash(process: Process, reason: ExitReason, status: Status) -> None:
    caller = process.message if type(process.message) is Asking else None
    report = CrashReport(
        ref=process.ref,
        actor=f"{type(process.actor).__module__}.{type(process.actor).__qualname__}",
        reason=status.reason or "hidden",
        message=status.message,
        state=status.state,
        parent=_parent(process),
        caller=None if caller is None or caller.sender is None else caller.sender.ref,
        caller_stack=() if caller is None else _stack_of(caller),
        trace=() if process.callbacks.trace is None else tuple(process.callbacks.trace.events()),
    )
    _log(logging.ERROR, "%s", report, extra={"report": report}, exc_info=_shown_error(status, reason))


def status_at(process: Process, ending: Ending) -> Status | None:
    """Return what *process* shows of itself, if its *ending* is to be reported.

    Asked when it begins to end, so that `terminate` cannot hide what there was.
    """
    if not ending.should_report or is_clean(ending.reason) or not heard(logger, logging.ERROR):
        return None
    if not process.started and _speaks_for_itself(ending.reason):
        return None
    try:
        return status_of(process, ending.reason)
    except BaseException as error:  # noqa: BLE001 -- nor what a strange attribute does
        hidden = f"<could not be looked at: {told(error)}>"
        return Status(hidden, hidden, ending.reason)


def _speaks_for_itself(reason: ExitReason) -> bool:
    return isinstance(reason, Crash) and isinstance(reason.cause, ActorError) and reason.cause.speaks_for_itself


def leftover(process: Process, error: BaseException) -> None:
    """Report what a callback raised while it was being cut off."""
    _log(logging.ERROR, "%s raised while it was cancelled", process.ref, exc_info=error)


def overran(process: Process) -> None:
    """Report a `terminate` that was cut off."""
    _log(logging.ERROR, "terminate of %s took longer than %s s and was cancelled", process.ref, process.shutdown)


def left_behind(process: Process) -> None:
    """Report a zombie: a process that was cancelled and does not end."""
    grace = process.system.kill_grace
    _log(logging.ERROR, "%s is still running %s s after it was cancelled; it is left behind", process.ref, grace)


def unexpected(process: Process, message: object) -> None:
    """Report a message that nobody should send."""
    _log(logging.ERROR, "%s got the unexpected message %s", process.ref, shown(message))


def undelivered(signal: str, error: Exception) -> None:
    """Report a signal whose delivery failed, which is a fault of this runtime."""
    _log(logging.ERROR, "the delivery of a signal failed in %s", signal, exc_info=error)


def blocked(report: BlockedReport) -> None:
    """Report a callback that blocks its node."""
    _log(logging.ERROR, "%s", report, extra={"report": report})


def unblocked(ref: ActorRef | None, seconds: float) -> None:
    """Report that a node goes on which was reported as blocked."""
    _log(logging.WARNING, "%s lets its node go on, which was blocked for %.1f s", _blocker(ref), seconds)


def unwatched(error: Exception) -> None:
    """Report that the watchdog could not look at a system, which is a fault of this runtime."""
    _log(logging.ERROR, "the watchdog could not look at a system", exc_info=error)


def unsent(message: object, error: Exception) -> None:
    """Report a message of another thread that could not be sent, since the thread went on long ago."""
    _log(logging.ERROR, "%s of another thread could not be sent", shown(message), exc_info=error)


def raised_in_abandoned_thread(name: str, error: BaseException) -> None:
    """Report what a blocking function raised after everybody had stopped waiting for it."""
    _log(logging.ERROR, "the abandoned thread %s raised", name, exc_info=error)


def quarantined(entry: Quarantined) -> None:
    """Report the content of a heirloom that failed its check."""
    _log(logging.ERROR, "%s", entry, exc_info=entry.error)


def still_registered(process: Process, error: Exception) -> None:
    """Report a registry that would not take back a name."""
    _log(logging.ERROR, "the name of %s could not be freed", process.ref, exc_info=error)


def heard(logger: logging.Logger, level: int) -> bool:
    """Tell whether anybody will see what *logger* is told at *level*; if not, it need not be made.

    As logging itself does, it takes a logger without any handler for one that writes to stderr.
    """
    if not logger.isEnabledFor(level):
        return False
    found = False
    at: logging.Logger | None = logger
    while at is not None:
        for handler in at.handlers:
            if type(handler) is not logging.NullHandler:
                return True
            found = True
        at = at.parent if at.propagate else None
    return not found and logging.lastResort is not None and level >= logging.lastResort.level


def _log(level: int, message: str, *args: object, **kwargs: Any) -> None:
    try:
        logger.log(level, message, *args, **kwargs)
    except BaseException as error:  # noqa: BLE001 -- a logging filter or handler must not keep a process from ending
        sys.stderr.write(f"{message % args}\n(this could not be logged: {told(error)})\n")


def status_of(process: Process, reason: ExitReason | None = None) -> Status:
    """Return what *process* shows of itself; nothing, if its `format_status` fails."""
    return viewer(process.actor)(content(process.message), reason)


def viewer(actor: Actor) -> Callable[[object, ExitReason | None], Status]:
    """Return what tells how *actor* shows a message and a reason, beside its state as it is now."""
    try:
        state = state_of(actor)
    except BaseException as error:  # noqa: BLE001 -- what cannot be looked at is not shown
        hidden = _hidden(actor, f"raised {type(error).__name__}")
        return lambda _message, _reason: hidden
    return lambda message, reason: _formatted(actor, Status(message, state, reason))


def _formatted(actor: Actor, status: Status) -> Status:
    try:
        formatted: object = actor.format_status(status)
    except BaseException as error:  # noqa: BLE001 -- a failing formatter must hide everything
        return _hidden(actor, f"raised {type(error).__name__}")
    return formatted if isinstance(formatted, Status) else _hidden(actor, f"returned a {type(formatted).__name__}")


def _hidden(actor: Actor, what: str) -> Status:
    hidden = f"<format_status of {type(actor).__name__} {what}>"
    return Status(hidden, hidden, None)


def _shown_error(status: Status, reason: ExitReason) -> BaseException | None:
    visible = status.reason is reason and isinstance(reason, Crash) and isinstance(reason.cause, BaseException)
    return reason.cause if visible else None  # type: ignore[union-attr, return-value]


def _blocker(ref: ActorRef | None) -> str:
    return "something that is no actor's" if ref is None else str(ref)


def _parent(process: Process) -> ActorRef | None:
    return None if process.parent is None else process.parent.ref


def _stack_of(caller: Asking) -> tuple[str, ...]:
    task = caller.waiting_task()
    if task is None:
        return ()
    running = task is trio.lowlevel.current_task()
    frames = list(_running_frames(task) if running else task.iter_await_frames())
    places = [(frame.f_code, line) for frame, line in frames if not _is_machinery(frame)]
    return tuple(f"{code.co_filename}:{line} in {code.co_qualname}" for code, line in places)


def _running_frames(task: trio.lowlevel.Task) -> Iterator[tuple[FrameType, int]]:
    """Yield the frames of the task that is running, outermost first, up to the call whose handler failed."""
    frames: list[FrameType] = []
    frame: FrameType | None = sys._getframe()  # noqa: SLF001 -- how the standard library looks at its own stack
    while frame is not None:
        frames.append(frame)
        frame = None if frame is getattr(task.coro, "cr_frame", None) else frame.f_back
    yield from ((frame, frame.f_lineno) for frame in reversed(frames))


def _is_machinery(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in {
        "actors",
        "contextlib",
        "logging",
        "outcome",
        "trio",
    }
