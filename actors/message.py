"""What actors send each other: typed calls, priorities, and the messages that the runtime itself sends.

A message is any object; use frozen classes, because sender and receiver share it.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs

if TYPE_CHECKING:
    from actors.exit import ExitReason
    from actors.monitor import Monitor
    from actors.ref import ActorRef

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


class Priority(enum.IntEnum):
    """How urgent a message is; it matters to an actor whose mailbox has priorities (`Mailbox.priority`)."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


NORMAL_PRIORITY: Final = Priority.NORMAL
