"""The topic bus: messages for whoever has subscribed to their topics, at most once and without waiting for anybody."""

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
from actors.bus.message import TopicMessage

__all__ = [
    "BadTopicError",
    "BusClosedError",
    "BusError",
    "BusRequestError",
    "OutcomeUnknownError",
    "TopicFilter",
    "TopicMessage",
    "UnknownSubscriptionError",
    "UnknownTopicError",
]
