"""Stepping: one message at a time, with what came of it.

A `Stepper` stands in the place of the callbacks of the process that it holds, as a trace does, and lets one message
through.
"""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs
import trio

from actors.envelope import Alarm, Continuation, Info, Order, Tick, content, is_news
from actors.errors import NoProcessError
from actors.inspect import check_ref, resume, suspend
from actors.name_ref import process_of
from actors.options import seconds_of
from actors.result import NO_REPLY, Continue, Stop
from actors.show import shown
from actors.state import state_of
from actors.testing.expectation import ExpectationError
from actors.testing.overhearing import Sent, is_overheard, overheard
from actors.trace import is_void

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.name_ref import NameRef
    from actors.process import Process
    from actors.ref import ActorRef

Kind: TypeAlias = Literal["call", "cast", "info", "stop"]

INFOS: Final = (Alarm, Info, Tick)


@attrs.frozen
class Step:
    """One message that an actor has handled, with what came of it."""

    kind: Kind
    """Which handler it was for; ``stop`` is an order to stop, which has none."""
    message: Any = attrs.field(repr=shown)
    sender: ActorRef | None
    """The actor that sent it; None if it came from outside every actor, or from the runtime."""
    reply: Any
    """What the handler answered a call with; `NO_REPLY` if it has not."""
    error: BaseException | None
    """What the handler raised."""
    reason: ExitReason | None
    """Why the actor exited; None if it lives."""
    state: Any = attrs.field(repr=shown)
    """Its state afterwards, as `get_state` shows it; None if it is dead."""
    sent: tuple[Sent, ...]
    """What it sent meanwhile, in order."""
    started: tuple[ActorRef, ...]
    """The children that it started meanwhile and that live."""
    seconds: float
    """How long it took, on trio's clock."""


async def step(ref: ActorRef | NameRef, *, timeout: float | None = 5.0) -> Step:
    """Have an actor handle exactly one message, with what it continues with, and return what came of it.

    The actor is suspended before and afterwards, until `resume`: suspend it first, and what it is sent waits for the
    steps. If nothing waits, the next message that comes is the one. Other actors go on meanwhile.

    Raises `NoProcessError` if the actor is dead, or exits before it gets a message, ``RuntimeError`` if another step
    has it, and `ExpectationError` if no message came, or its handler did not return, within *timeout* seconds.
    """
    __tracebackhide__ = True
    check_ref("step", ref)
    seconds = seconds_of(timeout)
    process = process_of(ref)
    if process is None:
        raise NoProcessError(f"nobody has the name of {ref}, so nobody handles a message")
    if process.reason is not None:
        raise NoProcessError(f"{ref} is dead and handles no message: {process.reason}")
    if is_overheard(process):
        raise RuntimeError(f"{ref} is in another step, which is not over; one actor takes one step at a time")
    with trio.move_on_after(seconds):
        with overheard(process) as sent:
            await suspend(process.ref, timeout=None)
            stepper = Stepper(process)
            try:
                await stepper.handle_one()
            finally:
                await stepper.let_go()
            return stepper.step(tuple(sent))
    doing = f"handles {shown(content(process.message))} still" if process.running else "has got no message"
    raise ExpectationError(f"{process.ref} {doing} after {seconds:g} s")


class Stepper:
    """What lets one message through to the callbacks of a process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._callbacks = process.callbacks
        self._handle_call, self._handle_cast = process.handle_call, process.handle_cast
        self._children_before = set(process.links or ())
        self._kind: Kind | None = None
        self._message: object = None
        self._sender: ActorRef | None = None
        self._reply: Any = NO_REPLY
        self._error: BaseException | None = None
        self._over = trio.Event()
        self._began = self._ended = trio.current_time()

    async def handle_one(self) -> None:
        """Let one message through, and all that its handler continues with, and wait for its end."""
        process = self._process
        process.callbacks = attrs.evolve(process.callbacks, invoke=self._invoke)
        process.handle_call, process.handle_cast = self._call, self._cast
        while True:
            await resume(process.ref, timeout=None)
            await self._until_over()
            self._ended = trio.current_time()
            if process.reason is not None:
                return
            if self._kind is not None and type(next(iter(process.mailbox), None)) is not Continuation:
                return
            self._over = trio.Event()

    async def _until_over(self) -> None:
        """Wait until a callback is over, or the process is dead."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_cancel_when_dead, self._process, nursery.cancel_scope)
            await self._over.wait()
            nursery.cancel_scope.cancel()

    async def let_go(self) -> None:
        """Hold the process again, and give it its callbacks back."""
        process = self._process
        if process.reason is None:
            process.callbacks = attrs.evolve(self._callbacks, trace=process.callbacks.trace)
            process.handle_call, process.handle_cast = self._handle_call, self._handle_cast
            self._hold()

    def step(self, sent: tuple[Sent, ...]) -> Step:
        """Return what came of it."""
        process, kind = self._process, self._kind
        if kind is None:
            raise NoProcessError(f"{process.ref} exited before it got a message: {process.reason}")
        children = [one.ref for one in process.links or () if one.parent is process]
        before = {one.ref for one in self._children_before}
        return Step(
            kind=kind,
            message=self._message,
            sender=self._sender,
            reply=self._reply,
            error=self._error,
            reason=process.reason,
            state=None if process.reason is not None else state_of(process.actor),
            sent=sent,
            started=tuple(child for child in children if child not in before),
            seconds=self._ended - self._began,
        )

    def _hold(self) -> None:
        process = self._process
        process.suspended = process.attention = True
        process.idle = False

    # -- in the place of the callbacks

    def _call(self, message: object, caller: Caller) -> Any:
        return self._run("call", message, caller.sender, self._handle_call, message, caller)

    def _cast(self, message: object) -> Any:
        return self._run("cast", message, self._current_sender(), self._handle_cast, message)

    def _invoke(self, process: Process, item: Any) -> Any:
        kind = type(item)
        if kind is Order:
            return self._run("stop", None, None, self._callbacks.invoke, process, item)
        if kind in INFOS and not is_void(process, item):
            sender = None if is_news(item) else self._current_sender()
            return self._run("info", content(item), sender, self._callbacks.invoke, process, item)
        if kind is Continuation:
            self._hold_when_over()
        return self._callbacks.invoke(process, item)

    def _run(
        self, kind: Kind, message: object, sender: ActorRef | None, callback: Callable[..., Any], *args: Any
    ) -> Any:
        self._kind, self._message, self._sender = kind, message, sender
        self._began = trio.current_time()
        self._hold_when_over()
        try:
            result = callback(*args)
        except BaseException as error:
            self._error = error
            raise
        if isinstance(result, CoroutineType):
            return self._follow(result)
        self._note(result)
        return result

    async def _follow(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            result = await coroutine
        except trio.Cancelled:
            raise  # an exit signal or a kill, of which `Step.reason` tells
        except BaseException as error:
            self._error = error
            raise
        self._note(result)
        return result

    def _note(self, result: object) -> None:
        if self._kind == "call":
            self._reply = result.reply if isinstance(result, Continue | Stop) else result

    def _hold_when_over(self) -> None:
        """Have the process look up, and be held, when what runs now is over."""
        self._hold()
        self._process.inspections = [*(self._process.inspections or ()), self._over.set]

    def _current_sender(self) -> ActorRef | None:
        sender = self._process.current_sender
        return None if sender is None else sender.ref


async def _cancel_when_dead(process: Process, scope: trio.CancelScope) -> None:
    await process.wait()
    scope.cancel()
