"""What a topic bus is called with. `BusClient` has a method for each; the messages are for those who write another.

To publish, a `TopicMessage` is what it is called with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import trio

from actors.bus.errors import BusRequestError
from actors.message import Call
from actors.overflow import Overflow, fate

if TYPE_CHECKING:
    from actors.bus.box import Box
    from actors.bus.custody import Custody
    from actors.bus.filters import TopicFilter
    from actors.bus.index import Entry
    from actors.bus.packing import Packed
    from actors.bus.wake_up import WakeUp
    from actors.ref import ActorRef


class Promote(NamedTuple):
    """Answered in the place of `Published`: the payload is to go by reference, so it is to be stored first."""

    custody: Custody
    packed: Packed


class Unsubscribed(NamedTuple):
    """What there was of a subscription that was ended."""

    waiting: int
    """How many messages it has that nobody received; they still can be."""
    dropped: int
    """How many were dropped because it was full."""
    expired: int
    """How many were dropped because their time was over."""


class Names(NamedTuple):
    """What a bus had heard of at one moment, in no order; whoever asked makes an answer of it in its own time."""

    topics: list[str]
    """Those it counts for: what was published or subscribed to."""
    entries: list[Entry]
    """The subscriptions; the patterns of old ones may be counted for no more."""


class Published(NamedTuple):
    """What became of one message."""

    delivered: int
    """How many subscriptions it was given to."""
    dropped: int
    """For how many it was dropped, or an older one in its place."""


def _is_size(_record: object, _field: attrs.Attribute[Any], size: object) -> None:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise BusRequestError(f"the buffer of a subscription is for {size!r} messages; allowed is an int of 1 or more")


def _is_overflow(record: Subscribed, _field: attrs.Attribute[Any], overflow: Any) -> None:
    allowed = ("drop_newest",) if record.to_actor else ("drop_newest", "drop_oldest")
    if overflow not in allowed or fate(overflow, can_wait=False) != overflow:
        what = "a subscription that an actor is sent" if record.to_actor else "a subscription"
        said = f"the overflow of {what} is {overflow!r}; allowed is {' or '.join(map(repr, allowed))}"
        raise BusRequestError(f"{said}, for nobody waits for a subscriber")


@attrs.frozen(kw_only=True)
class Subscribed:
    """One subscription, as it outlives the bus."""

    id: str
    agent: str
    pattern: str
    filter: TopicFilter | None
    owner: ActorRef | None
    """The actor it ends with."""
    to_actor: bool
    """Whether the owner is sent the messages."""
    buffer_size: int = attrs.field(validator=_is_size)
    overflow: Overflow = attrs.field(validator=_is_overflow)
    created_at: float
    """In seconds since 1970."""


@attrs.frozen
class SubscriptionInfo:
    """One subscription, as others see it."""

    id: str
    agent: str
    pattern: str
    filter: TopicFilter | None
    owner: ActorRef | None
    created_at: float
    buffer_size: int
    overflow: Overflow
    dropped: int
    """How many messages were dropped because it was full."""
    expired: int
    """How many were dropped because their time was over when they were to be received."""


@attrs.frozen
class TopicInfo:
    """A name that was published or subscribed to."""

    name: str
    is_pattern: bool


@attrs.frozen
class TopicStatistics:
    """What has happened with one topic, or with one pattern, to which nothing is published."""

    topic: str
    published: int
    delivered: int
    dropped: int
    active_subscriptions: int
    """How many match the topic, whatever they filter; of a pattern, how many are for just that."""
    created_at: float
    """When it was heard of first, in seconds since 1970."""
    last_publish_at: float
    """0 for never."""


@attrs.frozen
class BusStatistics:
    """What a bus has done since its system was opened."""

    published: int
    delivered: int
    dropped: int
    subscriptions: int
    topics: int
    closed: bool


@attrs.frozen
class MessagesMissed:
    """So many messages of a subscription were dropped since the last; sent to its actor before the next."""

    subscription_id: str
    count: int


@attrs.frozen
class Subscribe(Call[int]):
    """Add a subscription, whose messages go to *box*. Asked twice, it is added once.

    Answered with how many there are to the same pattern now.
    """

    record: Subscribed
    box: Box


@attrs.frozen
class Unsubscribe(Call[Unsubscribed]):
    """End a subscription."""

    id: str
    again: bool = False
    """Whether it may have been ended by this request before."""


@attrs.frozen
class ListSubscriptions(Call["list[Entry]"]):
    """Answered with all subscriptions at this moment, the oldest first."""


@attrs.frozen
class ListNames(Call[Names]):
    """Answered with what was published or subscribed to."""


@attrs.frozen
class WhichActive(Call[list[str]]):
    """Answered with those of some names that somebody has subscribed to now. It takes as long as to publish to each."""

    names: tuple[str, ...]


@attrs.frozen
class GetTopicStatistics(Call[TopicStatistics]):
    """Answered with what has happened with one of these."""

    topic: str


@attrs.frozen
class GetBusStatistics(Call[BusStatistics]):
    """Answered with totals."""


@attrs.frozen
class SetWakeUp(Call[None]):
    """Have a channel told of what is delivered to a subscription, or with None no more; an unknown id is ignored."""

    id: str
    wake_up: WakeUp | None


@attrs.frozen
class GetWakeUp(Call["WakeUp | None"]):
    """Answered with the channel that is told, if there is one."""

    id: str


@attrs.frozen
class GetCustody(Call["Custody | None"]):
    """Answered with what keeps the values that go by reference, if the bus has a store."""


@attrs.frozen
class CloseBus(Call[trio.Event]):
    """Refuse what is published from now on, and end all subscriptions; answered with what is set when that is done."""
