"""What an agent refuses with."""

from __future__ import annotations

from actors.errors import ActorError


class AgentError(ActorError):
    """Base of what sending and receiving as an agent raises."""


class NameMissingError(AgentError):
    """The agent was started without a name, so nobody could answer it; nothing was sent."""

    kind = "router_not_initialised"


class StoreMissingError(AgentError):
    """The agent was given no store of references."""

    kind = "router_not_initialised"


class PolicyMissingError(AgentError):
    """The agent was given no policies; nothing was sent."""

    kind = "router_not_initialised"


class QueueMissingError(AgentError):
    """The agent was given no queue; nothing was done."""

    kind = "router_not_initialised"


class NotSerialisableError(AgentError, ValueError):
    """The data is not what JSON can hold; nothing was stored or sent."""

    kind = "serialization"


class MessageMissingError(AgentError, TypeError):
    """There is no message where one was to be received, or something that is none."""

    kind = "invalid_message"


class PayloadMissingError(AgentError, ValueError):
    """The message has no payload."""

    kind = "invalid_message"


class PayloadEmptyError(AgentError, ValueError):
    """The payload has neither bytes nor a reference."""

    kind = "invalid_message"


class PayloadNotResolvedError(AgentError):
    """The value that the payload refers to could not be had; the cause is what the store says.

    What may help is to try again if that is so of its cause.
    """

    kind = "serialization"

    def __init__(self, message: str, reference_id: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.reference_id = reference_id
        self.retryable = retryable  # type: ignore[misc] # its cause knows better than its class


class PayloadCorruptError(AgentError, ValueError):
    """The bytes of the payload are not those that were sent: their checksum is another."""

    kind = "serialization"


class PayloadNotDecodedError(AgentError, ValueError):
    """The bytes of the payload are no JSON."""

    kind = "serialization"


class AckTimeoutError(AgentError, TimeoutError):
    """The receiver did not acknowledge the message in time. It may still handle it."""

    kind = "message_timeout"

    def __init__(self, message: str, message_id: str) -> None:
        super().__init__(message)
        self.message_id = message_id
