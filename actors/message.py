"""What travels between actors: typed calls, and the messages that the runtime itself sends.

A message is any object; use frozen classes, because sender and receiver share it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from actors.exit import ExitReason
    from actors.ref import ActorRef, Monitor
    from actors.timer import IdleTimer

R_co = TypeVar("R_co", covariant=True)


class Question:
    """What every `Call` is, whatever it is answered with; keeps its reply from passing as anything."""

    __slots__ = ()


class Call(Question, Generic[R_co]):
    """Base of a message that is answered with an *R*, so that a type checker knows the reply.

    With ``class Total(Call[int])``, ``await till.call(Total())`` is an ``int``. Deriving from it is a
    convenience; any object can be sent with `call`.
    """

    __slots__ = ()


@attrs.frozen
class Down:
    """A monitored process ended, or was not there; sent once per monitor, to `handle_info`."""

    ref: ActorRef
    reason: ExitReason
    monitor: Monitor
    """What `ActorRef.monitor` returned."""


@attrs.frozen
class Exit:
    """A linked process ended, or somebody sent an exit signal; sent to an actor that traps exits."""

    ref: ActorRef | None
    """Who ended or signalled; None when the signal came from outside every actor."""
    reason: ExitReason


@attrs.frozen
class Timeout:
    """No message arrived in the time that `Actor.timeout_after` was given."""


class Info:
    """A message for `handle_info`, on its way."""

    __slots__ = ("message",)

    def __init__(self, message: object) -> None:
        self.message = message


class Cast:
    """A message for `handle_cast` that would be taken for something else as it is."""

    __slots__ = ("message",)

    def __init__(self, message: object) -> None:
        self.message = message


class Alarm:
    """A `Timeout` on its way, which counts only while *timer* is the actor's idle timer."""

    __slots__ = ("timer",)

    def __init__(self, timer: IdleTimer) -> None:
        self.timer = timer


class Order:
    """An order to stop, in its place among the messages."""

    __slots__ = ("reason",)

    def __init__(self, reason: ExitReason) -> None:
        self.reason = reason


class Continuation:
    """What `handle_continue` is to be given, ahead of every waiting message."""

    __slots__ = ("argument",)

    def __init__(self, argument: object) -> None:
        self.argument = argument


class Startup:
    """The order to run `init`: the first thing that a process does."""

    __slots__ = ()


def content(item: Any) -> object:
    """Return what an actor was sent, without the envelope; None if that is the runtime's own business.

    It goes by the type, since a message may lie about its class, or fail when it is asked for it.
    """
    kind = type(item)
    if kind is Info or kind is Cast:
        return item.message
    if kind is Continuation:
        return item.argument
    if kind is Alarm:
        return Timeout()
    return None if kind is Order or kind is Startup else item
