"""Parent: what both kinds of supervisors are, an actor that starts, stops and reports children."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import trio

from actors import NO_REPLY, Actor, ActorExitedError, Crash, Exit, IgnoredError, NameTakenError
from actors.telemetry import SUPERVISOR_RESTARTED
from supervision.children import Child, ChildCounts, ChildInfo, RestartDue
from supervision.errors import (
    AlreadyStartedError,
    ChildStartError,
    SupervisionError,
    UnsupportedRequestError,
)
from supervision.report import log_delay, log_error, log_progress, logger
from supervision.shutdown import is_shutdown_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors import ActorRef, Backoff, Caller, ExitReason, Stop
    from supervision.children import Kind
    from supervision.report import Context


class Parent(Actor):
    """An actor with children. It traps exits, and takes as long to stop as its children do."""

    trap_exit = True
    shutdown = math.inf

    async def handle_call(self, message: object, caller: Caller) -> Any:
        """Answer a request; one that cannot be met is refused, and the supervisor lives on."""
        try:
            return await self._answer(message)
        except SupervisionError as error:
            caller.refuse(error)
            return NO_REPLY

    async def handle_cast(self, message: object) -> Stop | None:
        """Log and ignore what nobody should send."""
        logger.error("%s got the unexpected message %r", self.ref, message)
        return None

    async def handle_info(self, message: object) -> Stop | None:
        """Act on the exit of a child, or on the end of a delay; log and ignore what nobody should send."""
        match message:
            case Exit(ref=ref, reason=reason):
                return await self._exited(ref, reason)
            case RestartDue():
                return await self._due(message)
            case _:
                logger.error("%s got the unexpected message %r", self.ref, message)
                return None

    async def _answer(self, message: object) -> object:
        raise UnsupportedRequestError(f"{self.ref} does not answer {message!r}")

    async def _exited(self, ref: ActorRef | None, reason: ExitReason) -> Stop | None:
        raise NotImplementedError

    async def _due(self, due: RestartDue) -> Stop | None:
        raise NotImplementedError

    async def _start(self, child: Child, *, requested: bool = False) -> ActorRef | None:
        """Start *child* and return its process, or None if it chose not to start. Raises `ChildStartError`."""
        spec = child.spec
        options = child.options
        if options.kept is None:
            child.kept.give_up()  # its specification was replaced since it ended
        try:
            ref = await self.start_child(spec.actor, spec.args, spec.kwargs, options)
        except IgnoredError:
            return None
        except (trio.Cancelled, KeyboardInterrupt):
            raise
        except BaseException as error:
            reason = error.reason if isinstance(error, ActorExitedError) else Crash(error)
            raise ChildStartError(f"{self.ref}: child {spec.id!r} did not start: {reason}", spec.id, reason) from error
        log_progress(self.ref, spec, ref, requested=requested)
        return ref

    async def _start_requested(self, child: Child) -> ActorRef | None:
        """Start *child* because somebody asked for it."""
        try:
            return await self._start(child, requested=True)
        except ChildStartError as error:
            child.kept.give_up()
            taken, name = error.__cause__, child.spec.name
            if isinstance(taken, NameTakenError) and name is not None and taken.ref.name == name:
                raise AlreadyStartedError(str(taken), taken.ref) from None
            raise

    async def _shut_down(self, child: Child) -> None:
        """Stop the process of *child* by the shutdown protocol, as long as that takes."""
        if child.ref is None:
            return
        reason = await child.ref.shut_down(child.spec.shutdown)
        if is_shutdown_error(child.spec.restart, child.spec.shutdown, reason):
            self._report("shutdown_error", child, reason)

    def _next_delay(self, child: Child, default: Backoff | None) -> float | None:
        """Count a restart of *child*, which is down, and return the seconds to wait before it; None for not at all."""
        delays = child.delayed_by(child.spec.backoff or default)
        if delays is None:
            return None
        delays.went_down(trio.current_time())
        return delays.next()

    def _send_when_due(self, child: Child, key: str | ActorRef, seconds: float) -> RestartDue:
        """Begin the delay of the restart of *child*, which the supervisor knows by *key*."""
        due = RestartDue(key)
        self.ref.send_after(seconds, due)
        log_delay(self.ref, child.spec, seconds)
        return due

    def _restarted(self, child: Child) -> None:
        """Tell those who listen that *child* has come back."""
        if SUPERVISOR_RESTARTED.listeners and child.ref is not None:
            told = {"actor": child.ref, "child": child.id, "supervisor": self.ref}
            SUPERVISOR_RESTARTED.emit({"restarts": child.restarts}, told)

    def _report(self, context: Context, child: Child, reason: ExitReason | str) -> None:
        log_error(self.ref, context, reason, child.spec, child.ref)


def describe(child: Child) -> ChildInfo:
    """Tell about *child*."""
    kind: Kind = "supervisor" if issubclass(child.spec.actor, Parent) else "worker"
    return ChildInfo(child.spec.id, child.ref, child.state, kind)


def count(children: Iterable[Child]) -> ChildCounts:
    """Count *children*."""
    specs = active = supervisors = 0
    for child in children:
        specs += 1
        active += child.ref is not None and child.ref.alive
        supervisors += issubclass(child.spec.actor, Parent)
    return ChildCounts(specs, active, supervisors, specs - supervisors)
