"""Ways to die: what a handler does that ends its actor, and victims of every kind to do it.

A `Blow` is a message whose handling is the end of the actor. Tests are run with every blow against every kind of
handlers, the mixed kinds included.
"""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors import (
    IGNORE,
    KILLED,
    NO_REPLY,
    NORMAL,
    SHUTDOWN,
    Actor,
    BadReturnError,
    Continue,
    Crash,
    ExitReason,
    Shutdown,
    Stop,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import Caller


@attrs.frozen(eq=False)
class Blow:
    """A message whose handling ends the actor with *reason*."""

    act: Callable[[Victim], Any]
    reason: ExitReason | type[BaseException]
    """How the actor ends; the class of its crash where the runtime makes the exception."""

    def explains(self, reason: ExitReason | None) -> bool:
        """Tell whether an actor that was dealt this blow ends with *reason*."""
        if isinstance(self.reason, type):
            return isinstance(reason, Crash) and isinstance(reason.cause, self.reason)
        return reason == self.reason


class Victim(Actor):
    """Does what its messages say, and notes what it got and how it ended."""

    def __init__(self, ends: list[ExitReason] | None = None) -> None:
        self.ends = [] if ends is None else ends
        self.seen: list[object] = []
        self.held: list[Caller] = []
        self.last_words: BaseException | None = None

    def do(self, message: object, caller: Caller | None = None) -> Any:
        """Do what *message* says."""
        if isinstance(message, Blow):
            return message.act(self)
        self.seen.append(message)
        if message == "hold" and caller is not None:
            self.held.append(caller)
            return NO_REPLY
        return None

    def finish(self, reason: ExitReason) -> None:
        """Note *reason*, and fail if that was wished for."""
        self.ends.append(reason)
        if self.last_words is not None:
            raise self.last_words


class DefVictim(Victim):
    """All its callbacks are ``def``, even when what they do waits."""

    def handle_call(self, message: object, caller: Caller) -> Any:
        return self.do(message, caller)

    def handle_cast(self, message: object) -> Any:
        return self.do(message)

    def handle_info(self, message: object) -> Any:
        return self.do(message)

    def handle_continue(self, argument: BaseException) -> None:
        raise argument

    def terminate(self, reason: ExitReason) -> None:
        self.finish(reason)


async def done(result: Any) -> Any:
    """Return *result*, or what it is when it has been awaited."""
    return await result if inspect.isawaitable(result) else result


class AsyncVictim(Victim):
    """All its callbacks are ``async def``, and wait only when what they do waits."""

    async def handle_call(self, message: object, caller: Caller) -> Any:
        return await done(self.do(message, caller))

    async def handle_cast(self, message: object) -> Any:
        return await done(self.do(message))

    async def handle_info(self, message: object) -> Any:
        return await done(self.do(message))

    async def handle_continue(self, argument: BaseException) -> None:
        raise argument

    async def terminate(self, reason: ExitReason) -> None:
        self.finish(reason)


class WaitingVictim(AsyncVictim):
    """All its callbacks wait before they do anything."""

    async def handle_call(self, message: object, caller: Caller) -> Any:
        await trio.lowlevel.checkpoint()
        return await super().handle_call(message, caller)

    async def handle_cast(self, message: object) -> Any:
        await trio.lowlevel.checkpoint()
        return await super().handle_cast(message)

    async def handle_continue(self, argument: BaseException) -> None:
        await trio.lowlevel.checkpoint()
        raise argument

    async def terminate(self, reason: ExitReason) -> None:
        await trio.lowlevel.checkpoint()
        self.finish(reason)


class DefCallVictim(AsyncVictim):
    """Answers calls with ``def``, and all the rest with ``async def``."""

    def handle_call(self, message: object, caller: Caller) -> Any:
        return self.do(message, caller)


class AsyncCallVictim(DefVictim):
    """Answers calls with ``async def``, and all the rest with ``def``."""

    async def handle_call(self, message: object, caller: Caller) -> Any:
        return await done(self.do(message, caller))


VICTIMS: Final[dict[str, type[Victim]]] = {
    "def": DefVictim,
    "async": AsyncVictim,
    "waiting": WaitingVictim,
    "def-call": DefCallVictim,
    "async-call": AsyncCallVictim,
}


def raising(error: BaseException) -> Blow:
    """Return the blow that raises *error*."""

    def act(victim: Victim) -> None:
        raise error

    return Blow(act, Crash(error))


async def an_exception() -> Blow:
    return raising(ValueError("boom"))


async def an_exception_group() -> Blow:
    return raising(ExceptionGroup("two", [ValueError("boom"), KeyError("till")]))


async def a_base_exception() -> Blow:
    return raising(BaseException("neither an error nor an exit"))


async def a_generator_exit() -> Blow:
    return raising(GeneratorExit())


async def a_stray_cancellation() -> Blow:
    """Return the blow that raises a cancellation whose scope is long over."""
    stray: list[BaseException] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as cancelled:
            stray.append(cancelled)
            raise
    return raising(stray[0])


async def leaving_the_program() -> Blow:
    return Blow(lambda victim: sys.exit(3), SystemExit)


async def a_normal_stop() -> Blow:
    return Blow(lambda victim: Stop(), NORMAL)


async def an_orderly_stop() -> Blow:
    return Blow(lambda victim: Stop(Shutdown("moved")), Shutdown("moved"))


async def a_stop_with_a_failure() -> Blow:
    return Blow(lambda victim: Stop(Crash("tired")), Crash("tired"))


async def a_bad_return() -> Blow:
    return Blow(lambda victim: IGNORE, BadReturnError)


async def a_crash_in_continue() -> Blow:
    error = ValueError("boom")
    return Blow(lambda victim: Continue(error), Crash(error))


async def a_crash_in_terminate() -> Blow:
    error = ValueError("last words")

    def act(victim: Victim) -> Stop:
        victim.last_words = error
        return Stop()

    return Blow(act, Crash(error))


async def killing_itself() -> Blow:
    return Blow(lambda victim: victim.ref.kill(), KILLED)


async def an_exit_signal_to_itself() -> Blow:
    return Blow(lambda victim: victim.ref.exit(SHUTDOWN), SHUTDOWN)


async def a_normal_exit_signal_to_itself() -> Blow:
    return Blow(lambda victim: victim.ref.exit(NORMAL), NORMAL)


async def a_group_from_its_nursery() -> Blow:
    async def act(victim: Victim) -> None:
        async def child() -> None:
            await trio.lowlevel.checkpoint()
            raise ValueError("boom")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            nursery.start_soon(trio.sleep_forever)

    return Blow(act, ExceptionGroup)


async def killed_while_it_waits() -> Blow:
    async def act(victim: Victim) -> None:
        victim.ref.kill()
        await trio.sleep_forever()

    return Blow(act, KILLED)


async def signalled_while_it_waits() -> Blow:
    async def act(victim: Victim) -> None:
        victim.ref.exit(Shutdown("moved"))
        await trio.sleep_forever()

    return Blow(act, Shutdown("moved"))


async def a_failing_cleanup_after_a_kill() -> Blow:
    async def act(victim: Victim) -> None:
        victim.ref.kill()
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("while cleaning up")

    return Blow(act, KILLED)


async def a_crash_after_waiting() -> Blow:
    error = ValueError("boom")

    async def act(victim: Victim) -> None:
        await trio.lowlevel.checkpoint()
        raise error

    return Blow(act, Crash(error))


BLOWS_WITHOUT_REPLY: Final[tuple[Callable[[], Awaitable[Blow]], ...]] = (
    an_exception,
    an_exception_group,
    a_base_exception,
    a_generator_exit,
    a_stray_cancellation,
    leaving_the_program,
    a_normal_stop,
    an_orderly_stop,
    a_stop_with_a_failure,
    a_bad_return,
    a_crash_in_continue,
    a_crash_in_terminate,
    a_group_from_its_nursery,
    killed_while_it_waits,
    signalled_while_it_waits,
    a_failing_cleanup_after_a_kill,
    a_crash_after_waiting,
    killing_itself,
)
"""Those that leave a call without a reply, so that it fails."""

BLOWS: Final = (
    *BLOWS_WITHOUT_REPLY,
    an_exit_signal_to_itself,
    a_normal_exit_signal_to_itself,
)
