"""What is in a mailbox besides the messages that were cast, which are in it as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.asking import Asking
from actors.message import Down, Exit, Timeout
from actors.settlement import Delivery

if TYPE_CHECKING:
    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.telemetry import SpanContext
    from actors.timer import IdleTimer


class Info:
    """A message for `handle_info`, on its way."""

    __slots__ = ("message", "span")

    span: SpanContext | None
    """What it was sent in, if somebody listened."""

    def __init__(self, message: object) -> None:
        self.message = message


class Carried:
    """A message for `handle_cast` with the span that it was sent in; cast while somebody listens."""

    __slots__ = ("message", "span")

    def __init__(self, message: object, span: SpanContext | None) -> None:
        self.message = message
        self.span = span


class Tick(Info):
    """A message for `handle_info` that a timer sends, and that ends with the process it was for."""

    __slots__ = ()


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

    __slots__ = ("argument", "caller")

    def __init__(self, argument: object, caller: Caller | None = None) -> None:
        self.argument = argument
        self.caller = caller
        """Kept, so that a call which goes on here is not taken for forgotten."""


class Startup:
    """The order to run `init`: the first thing that a process does."""

    __slots__ = ()


CARRIERS: Final = frozenset({Asking, Carried, Delivery, Info, Tick})
"""The envelopes with a message in them that somebody sent."""

ERRANDS: Final = frozenset({Alarm, Continuation, Order, Startup})
"""What the runtime itself has a process do."""

NEWS: Final = frozenset({Down, Exit, Timeout})
"""The messages of the runtime to `handle_info`."""


def is_news(item: Any) -> bool:
    """Tell whether the runtime itself has sent *item*, which only the process it is for cares about."""
    kind = type(item)
    return kind in ERRANDS or (kind is Info and type(item.message) in NEWS)


def content(item: Any) -> object:
    """Return what an actor was sent, without the envelope; None if that is the runtime's own business.

    It goes by the type, since a message may lie about its class, or fail when it is asked for it.
    """
    kind = type(item)
    if kind in CARRIERS:
        return item.message
    if kind is Continuation:
        return item.argument
    if kind is Alarm:
        return Timeout()
    return None if kind is Order or kind is Startup else item
