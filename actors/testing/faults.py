"""Faults: what goes wrong in an actor because a test says so.

A faulty class is the class itself, but for the messages that a fault strikes. It is started, and restarted by a
supervisor, as the class would be.
"""

from __future__ import annotations

import inspect
import types
from functools import wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar, cast

import attrs

from actors.actor import Actor
from actors.envelope import NEWS
from actors.options import check_seconds
from actors.result import Continue, Stop
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.process import Process

A = TypeVar("A", bound=Actor)
Effect: TypeAlias = Literal["crash", "drop", "duplicate", "delay"]

HANDLERS: Final = ("handle_call", "handle_cast", "handle_info")


class InjectedError(Exception):
    """What an actor crashes with because of a fault, unless that was given another error."""


@attrs.define(eq=False)
class Fault:
    """Something that goes wrong with some messages; made by `crash`, `drop`, `duplicate` and `delay`.

    It counts the messages that *when* is true of, in all actors and incarnations of the classes that it was given to,
    and strikes the *on*-th, or each *every*-th, or all.
    """

    effect: Effect
    on: int | None
    every: int | None
    when: Callable[[Any], bool] | None
    error: BaseException | type[BaseException] | None = None
    seconds: float = 0.0
    seen: int = 0
    """How many messages it has counted."""
    struck: int = 0
    """How often it has struck."""

    def __attrs_post_init__(self) -> None:
        for name, number in (("on", self.on), ("every", self.every)):
            if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
                raise ValueError(f"{self.effect}: {name} is {number!r}; allowed is an int of 1 or more")
        if self.error is not None and not _can_be_raised(self.error):
            raise TypeError(f"{self.effect} raises an exception; got {self.error!r} (for the n-th message: on=n)")
        if self.when is not None and not callable(self.when):
            raise TypeError(f"{self.effect}: when is a function of the message; got {self.when!r}")
        if self.on is not None and self.every is not None:
            raise ValueError(f"{self.effect}: on is {self.on} and every is {self.every}; give one of them")
        check_seconds("seconds", self.seconds)

    def strikes(self, message: object) -> bool:
        """Count *message*, and tell whether it is struck."""
        if self.when is not None and not self.when(message):
            return False
        self.seen += 1
        struck = self.seen == self.on if self.on is not None else self.seen % (self.every or 1) == 0
        self.struck += struck
        return struck


def _can_be_raised(error: object) -> bool:
    return isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))


def crash(
    error: BaseException | type[BaseException] | None = None,
    *,
    on: int | None = None,
    every: int | None = None,
    when: Callable[[Any], bool] | None = None,
) -> Fault:
    """Have the actor raise *error*, or an `InjectedError`, instead of handling the message."""
    return Fault("crash", on, every, when, error)


def drop(*, on: int | None = None, every: int | None = None, when: Callable[[Any], bool] | None = None) -> Fault:
    """Lose the message: nobody is told before the actor ends, so a call goes on until its timeout.

    To the runtime it is set aside: it counts against the bound of the mailbox, and is unread when the actor ends, so
    that a mailbox that is kept has it handled then.
    """
    return Fault("drop", on, every, when)


def duplicate(*, on: int | None = None, every: int | None = None, when: Callable[[Any], bool] | None = None) -> Fault:
    """Have the message handled twice in a row; a caller gets the first reply."""
    return Fault("duplicate", on, every, when)


def delay(
    seconds: float, *, on: int | None = None, every: int | None = None, when: Callable[[Any], bool] | None = None
) -> Fault:
    """Hand the message on *seconds* later, ahead of what waits then; others overtake it meanwhile."""
    return Fault("delay", on, every, when, None, seconds)


def faulty(actor: type[A], *faults: Fault) -> type[A]:
    """Return a subclass of *actor* in which *faults* strike; of several that would, the first one does.

    They strike calls, casts and infos that somebody sent. What the runtime sends (`Down`, `Exit`, `Timeout`) comes as
    it is and is not counted, nor is a message that a fault has delayed when it comes at last.
    """
    if not (isinstance(actor, type) and issubclass(actor, Actor)):
        raise TypeError(f"only a subclass of Actor can be made faulty; got {actor!r}")
    if not faults or not all(isinstance(fault, Fault) for fault in faults):
        raise TypeError(f"faulty takes faults, such as crash(on=3); got {faults!r}")
    plan = Plan(faults)
    members: dict[str, object] = {name: _struck(getattr(actor, name), plan) for name in HANDLERS}
    members |= {"unstash": _unstash_of(actor), "__module__": actor.__module__, "__qualname__": actor.__qualname__}
    made = types.new_class(actor.__name__, (actor,), exec_body=lambda namespace: namespace.update(members))
    return cast("type[A]", made)


class Plan:
    """The faults of one class, and what they have delayed."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self._faults = faults
        self._late: list[tuple[Process, object]] = []
        """What was delayed and is about to be handled, with who will."""

    def fault_for(self, process: Process, message: object) -> Fault | None:
        """Return what is to strike *message*, if anything is."""
        if type(message) in NEWS:
            return None
        for place, (owner, late) in enumerate(self._late):
            if owner is process and late is message:
                del self._late[place]
                return None
        struck = [fault for fault in self._faults if fault.strikes(message)]
        return struck[0] if struck else None

    def hand_on(self, process: Process, message: object) -> None:
        """Let *message* through when *process* comes to it."""
        self._late = [entry for entry in self._late if entry[0].reason is None]
        self._late.append((process, message))


class Held(tuple[Any, "Process | None"]):
    """A message that a fault has set aside, with its sender; `Actor.unstash` is not to find it."""

    __slots__ = ()


class Late:
    """A message that was delayed, on its way back."""

    def __init__(self, process: Process, held: Held, message: object, plan: Plan) -> None:
        self._process, self._held, self._message, self._plan = process, held, message, plan

    @property
    def live(self) -> bool:
        """Whether somebody is there to handle it."""
        return self._process.reason is None

    def expire(self) -> None:
        """Put it ahead of what waits."""
        process = self._process
        rest = [entry for entry in process.stash or () if entry is not self._held]
        self._plan.hand_on(process, self._message)
        process.stash = [self._held]
        process.take_back()
        process.stash = rest or None


def _struck(handler: Callable[..., Any], plan: Plan) -> Callable[..., Any]:
    """Return what does as *handler*, unless a fault of *plan* strikes."""

    def strike(actor: Actor, message: object, *caller: Any) -> Any:
        fault = plan.fault_for(actor._process, message)  # noqa: SLF001 -- what is set aside is the runtime's business
        if fault is None:
            return handler(actor, message, *caller)
        match fault.effect:
            case "crash":
                raise fault.error or InjectedError(f"{actor.ref} was to crash with {shown(message)}")
            case "duplicate":
                return _twice(actor, handler, message, *caller)
            case _:
                return _set_aside(actor, fault, message, plan)

    if not inspect.iscoroutinefunction(handler):
        return wraps(handler)(strike)

    async def strike_and_wait(actor: Actor, message: object, *caller: Any) -> Any:
        result = strike(actor, message, *caller)
        return await result if isinstance(result, CoroutineType) else result

    return wraps(handler)(strike_and_wait)


def _twice(actor: Actor, handler: Callable[..., Any], *args: Any) -> Any:
    first = handler(actor, *args)
    if isinstance(first, CoroutineType):
        return _twice_waiting(actor, handler, first, *args)
    if not isinstance(first, Continue | Stop):
        handler(actor, *args)
    return first


async def _twice_waiting(actor: Actor, handler: Callable[..., Any], begun: Any, *args: Any) -> Any:
    first = await begun
    if not isinstance(first, Continue | Stop):
        second = handler(actor, *args)
        if isinstance(second, CoroutineType):
            await second
    return first


def _set_aside(actor: Actor, fault: Fault, message: object, plan: Plan) -> Any:
    process = actor._process  # noqa: SLF001 -- as above
    result = actor.stash()
    assert process.stash
    process.stash[-1] = held = Held(process.stash[-1])
    if fault.effect == "delay":
        timers = process.system.timers
        timers.add(timers.now() + fault.seconds, Late(process, held, message, plan))
    return result


def _unstash_of(actor: type[Actor]) -> Callable[[Actor], int]:
    original = actor.unstash

    @wraps(original)
    def unstash(self: Actor) -> int:
        process = self._process
        stash = process.stash or []
        held = [entry for entry in stash if type(entry) is Held]
        process.stash = [entry for entry in stash if type(entry) is not Held] or None
        count = original(self)
        process.stash = [*held, *(process.stash or ())] or None
        return count

    return unstash
