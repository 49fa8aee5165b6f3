"""Looking into a living actor: its state, and holding it still (OTP's ``sys``).

A request of this module overtakes the messages that wait; it is served between two messages, so it never sees
a handler's changes half done.
"""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from actors.current import admit, current_process
from actors.errors import CallingSelfError, CallTimeoutError, NoProcessError
from actors.name_ref import NameRef, process_of
from actors.options import check_timeout, seconds_of
from actors.ref import ActorRef
from actors.report import status_of
from actors.show import shown
from actors.state import set_state_of, state_of
from actors.statistics import Statistics, statistics_of
from actors.trace import Trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence

    from actors.process import Process
    from actors.report import Status
    from actors.trace import TraceEvent

T = TypeVar("T")


class Child(Protocol):
    """What an actor with children knows of one of them."""

    @property
    def id(self) -> str:
        """What its parent calls it."""
        ...

    @property
    def ref(self) -> ActorRef | None:
        """Its process; None if it has none now."""
        ...

    @property
    def state(self) -> str:
        """Whether it is running, restarting, or undefined: just a specification."""
        ...

    @property
    def restarts(self) -> int:
        """How often its parent has restarted it because it failed."""
        ...


@runtime_checkable
class Children(Protocol):
    """An actor that keeps children alive, and can tell about them at once: a supervisor."""

    def list_children(self) -> Sequence[Child]:
        """Return all children, the oldest first."""
        ...

    def find_child(self, ref: ActorRef) -> Child | None:
        """Return the child whose process *ref* is, in constant time."""
        ...


@attrs.frozen
class RestartPolicy:
    """How an actor restarts its children, and how much of that it has used up."""

    strategy: str
    restarts: int
    """How many restarts there were within the last *period* seconds."""
    intensity: int
    """How many there may be."""
    period: float


@runtime_checkable
class Restarting(Children, Protocol):
    """An actor that restarts its children by rules that it can tell, and on request: a supervisor."""

    def restart_policy(self, now: float) -> RestartPolicy:
        """Return the rules, and how often there was a restart of late, when trio's clock shows *now*."""
        ...

    def restart_requests(self, ref: ActorRef) -> Sequence[object]:
        """Return what to call it with, in this order, to have it stop its child *ref* and start it again.

        None, if it restarts only children that fail.
        """
        ...


Command: TypeAlias = "Callable[[Mapping[str, Any]], Iterator[Any] | AsyncIterator[Any]]"
"""What answers a command: given its arguments by name, it yields rows of plain data."""


@runtime_checkable
class Commands(Protocol):
    """An actor that offers commands of its own to whoever looks at its node."""

    def shell_commands(self) -> Mapping[str, Command]:
        """Return the commands by their names; the first line of a function's docstring says what it shows."""
        ...


async def get_state(ref: ActorRef | NameRef, *, timeout: float | None = 5.0) -> Any:
    """Return the state of an actor: its public attributes, or what its `get_state` returns.

    Waits until the running handler has returned. Raises `NoProcessError` if the actor is dead, and
    `CallTimeoutError`.
    """
    return await _between_messages(ref, lambda process: state_of(process.actor), timeout)


async def replace_state(ref: ActorRef | NameRef, function: Callable[[Any], Any], *, timeout: float | None = 5.0) -> Any:
    """Replace the state of an actor by what *function* makes of it, and return the new state.

    If *function* raises, so does this, and the state is as it was. Waits and raises as `get_state`.
    """

    def replace(process: Process) -> Any:
        state = function(state_of(process.actor))
        set_state_of(process.actor, state)
        return state

    return await _between_messages(ref, replace, timeout)


async def get_status(ref: ActorRef | NameRef, *, timeout: float | None = 5.0) -> Status:
    """Return the last message and the state of an actor, as its `format_status` shows them."""
    return await _between_messages(ref, status_of, timeout)


def get_statistics(ref: ActorRef | NameRef) -> Statistics:
    """Return what is known of the mailbox and the handlers of an actor, at once.

    Raises `NoProcessError` if the actor is dead.
    """
    return statistics_of(_living(ref))


@enable_ki_protection
def start_trace(ref: ActorRef | NameRef, *, last: int = 100) -> None:
    """Remember the *last* events of an actor, from its next message on, until `stop_trace` or its end (OTP's sys:log).

    They can be seen with `get_trace`, and are shown in its crash report. Tracing keeps the messages alive and makes
    each cost some microseconds more; whoever is not traced pays nothing. Starting again begins anew. An actor may
    trace itself, from its `init` on.

    Raises `NoProcessError` if the actor is dead.
    """
    if not isinstance(last, int) or isinstance(last, bool) or last < 1:
        msg = f"the trace of {ref} is to keep {last!r} events; allowed is an int of 1 or more"
        raise ValueError(msg)
    Trace(_living(ref), last).start()


def get_trace(ref: ActorRef | NameRef) -> list[TraceEvent]:
    """Return the latest events of an actor, the oldest first, at once; none if it is not traced.

    A handler that has not returned is there without its end. Each message and reply in turn, and each reason, is shown
    as the actor's `format_status` shows it as a status; where that fails, nothing of it is shown. Raises
    `NoProcessError` if the actor is dead.
    """
    trace = _living(ref).callbacks.trace
    return [] if trace is None else trace.events()


@enable_ki_protection
def stop_trace(ref: ActorRef | NameRef) -> None:
    """Trace an actor no longer, and forget its events. It does nothing to one that is not traced.

    Raises `NoProcessError` if the actor is dead.
    """
    trace = _living(ref).callbacks.trace
    if trace is not None:
        trace.stop()


async def suspend(ref: ActorRef | NameRef, *, timeout: float | None = 5.0) -> None:
    """Have an actor handle no message until `resume`; what is sent to it waits.

    Exit signals and this module still reach it. Suspending twice is suspending once.
    """

    def hold(process: Process) -> None:
        process.suspended = True
        process.attention = True
        process.idle = False

    await _between_messages(ref, hold, timeout)


async def resume(ref: ActorRef | NameRef, *, timeout: float | None = 5.0) -> None:
    """Let a suspended actor go on. It does nothing to one that is not suspended."""

    def let_go(process: Process) -> None:
        if process.suspended:
            process.suspended = False
            process.attention = process.ending is not None
            if not process.running:
                process.release()

    await _between_messages(ref, let_go, timeout)


@enable_ki_protection
async def _between_messages(ref: ActorRef | NameRef, action: Callable[[Process], T], timeout: float | None) -> T:
    check_timeout(timeout)
    process = _living(ref)
    if not process.running:
        return action(process)
    if current_process() is process:
        msg = f"{ref} cannot inspect itself from within its own callback"
        raise CallingSelfError(msg)
    inspection = _Inspection(process, action)
    try:
        with trio.move_on_after(seconds_of(timeout)):
            await inspection.done.wait()
            return cast("T", inspection.result())
    finally:
        inspection.wanted = False
    doing = "busy with one message" if process.ending is None else "stopping"
    msg = f"{ref} was {doing} for more than {timeout} s"
    raise CallTimeoutError(msg)


def check_ref(what: str, given: object) -> None:
    """Refuse *given* unless it is a reference; *what* is who takes it."""
    __tracebackhide__ = True
    if not isinstance(given, ActorRef | NameRef):
        hint = "; its .ref is one" if isinstance(getattr(given, "ref", None), ActorRef) else ""
        raise TypeError(f"{what} takes a reference to an actor, or to a name; got {shown(given)}{hint}")


def _living(ref: ActorRef | NameRef) -> Process:
    check_ref("an inspection", ref)
    process = process_of(ref)
    if process is None or process.reason is not None:
        msg = f"{ref} is dead and cannot be inspected"
        raise NoProcessError(msg)
    if get_ident() != process.system.open_to:
        admit(process.system, ref)
    return process


class _Inspection:
    """An action that waits for the end of the running callback."""

    def __init__(self, process: Process, action: Callable[[Process], Any]) -> None:
        self.wanted = True
        self.done = trio.Event()
        self._process = process
        self._action = action
        self._value: Any = None
        self._error: Exception | None = None
        if process.inspections is None:
            process.inspections = []
        process.inspections.append(self.run)
        process.attention = True

    def run(self) -> None:
        """Act, if somebody still waits for it, or say that the process is dead."""
        if not self.wanted:
            return
        if self._process.reason is not None:
            msg = f"{self._process.ref} exited before it could be inspected: {self._process.reason}"
            self._error = NoProcessError(msg)
        else:
            try:
                self._value = self._action(self._process)
            except Exception as error:  # noqa: BLE001 -- it is raised where it was asked for
                self._error = error
        self.done.set()

    def result(self) -> Any:
        """Return what the action returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._value
