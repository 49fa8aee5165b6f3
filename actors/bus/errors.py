"""What a topic bus refuses with."""

from __future__ import annotations

from actors import errors
from actors.errors import ActorError


class BusError(ActorError):
    """Base of what is raised about a topic bus."""


class BusClosedError(BusError):
    """The bus was closed; nothing was published or subscribed."""

    kind = "channel_closed"


class BadTopicError(BusError, ValueError):
    """A text is no topic: it is empty, too long, or has an empty segment or a character that no topic has."""

    kind = "invalid_message"


class BusRequestError(BusError, ValueError):
    """What a bus is asked, or a message, is not what it must be. Nothing was done."""

    kind = "invalid_message"


class UnknownTopicError(BusError, LookupError):
    """Nothing was ever published or subscribed to under this name, or that was forgotten."""

    kind = "agent_not_found"

    def __init__(self, message: str, topic: str) -> None:
        super().__init__(message)
        self.topic = topic


class UnknownSubscriptionError(BusError, LookupError):
    """The bus has no subscription with this id: it has ended, or never was."""

    kind = "agent_not_found"

    def __init__(self, message: str, subscription_id: str) -> None:
        super().__init__(message)
        self.subscription_id = subscription_id


class OutcomeUnknownError(BusError, errors.OutcomeUnknownError):
    """The bus was gone or slow while it was asked: a message may have reached all of its subscribers, some, or none.

    To publish it again may have some receive it twice; all else may be asked again.
    """

    kind = "delivery_failed"
