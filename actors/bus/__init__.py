"""The topic bus: messages for whoever has subscribed to their topics, at most once and without waiting for anybody."""

from actors.bus.client import BusClient
from actors.bus.errors import (
    BadTopicError,
    BusClosedError,
    BusError,
    BusRequestError,
    OutcomeUnknownError,
    UnknownSubscriptionError,
    UnknownTopicError,
)
from actors.bus.filters import TopicFilter
from actors.bus.message import TopicMessage, size_of
from actors.bus.options import BusOptions
from actors.bus.requests import (
    BusStatistics,
    MessagesMissed,
    Published,
    SubscriptionInfo,
    TopicInfo,
    TopicStatistics,
    Unsubscribed,
)
from actors.bus.subscription import Subscription
from actors.bus.topic_bus import TopicBus

__all__ = [
    "BadTopicError",
    "BusClient",
    "BusClosedError",
    "BusError",
    "BusOptions",
    "BusRequestError",
    "BusStatistics",
    "MessagesMissed",
    "OutcomeUnknownError",
    "Published",
    "Subscription",
    "SubscriptionInfo",
    "TopicBus",
    "TopicFilter",
    "TopicInfo",
    "TopicMessage",
    "TopicStatistics",
    "UnknownSubscriptionError",
    "UnknownTopicError",
    "Unsubscribed",
    "size_of",
]
