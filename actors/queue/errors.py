"""What a queue refuses with."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from actors import errors
from actors.errors import ActorError

if TYPE_CHECKING:
    from collections.abc import Collection

    from actors.errors import ErrorKind


class QueueError(ActorError):
    """Base of what is raised about a queue."""


class QueueClosedError(QueueError):
    """The queue was closed; nothing was done."""

    kind = "channel_closed"


class MessageRefusedError(QueueError, ValueError):
    """A message, or what is asked about one, is not what it must be. Nothing was done."""

    kind: ClassVar[ErrorKind] = "invalid_message"


class CorruptMessageError(MessageRefusedError):
    """What is stored of a message cannot be read back."""

    kind = "serialization"


class UnknownRecipientError(QueueError):
    """The validator of the queue knows no such recipient; nothing was stored."""

    kind = "agent_not_found"

    def __init__(self, message: str, recipient: str, known: Collection[str]) -> None:
        super().__init__(message)
        self.recipient = recipient
        self.known = known
        """Whom the queue has messages for."""


class LeaseLostError(QueueError):
    """The message is not in flight under this lease: it was acknowledged or returned, or its time was over."""

    kind = "invalid_message"

    def __init__(self, message: str, message_id: str) -> None:
        super().__init__(message)
        self.message_id = message_id


class RetriesExceededError(QueueError):
    """The message cannot be returned once more; it is a dead letter now."""

    kind = "delivery_failed"
    retryable = False

    def __init__(self, message: str, message_id: str) -> None:
        super().__init__(message)
        self.message_id = message_id


class NoDeadLetterError(QueueError, LookupError):
    """No dead letter of the queue has this id."""

    kind = "agent_not_found"


class NoAnswerError(QueueError, TimeoutError):
    """No reply came in time. The request may still be handled; its late reply goes to the requester's queue."""

    kind = "message_timeout"

    def __init__(self, message: str, request_id: str) -> None:
        super().__init__(message)
        self.request_id = request_id


class OutcomeUnknownError(QueueError, errors.OutcomeUnknownError):
    """The queue was gone or slow, and whether it did what it was asked is not known.

    To ask again with the same *message_id* is safe: a message that is there already is not put twice.
    """

    kind = "delivery_failed"

    def __init__(self, message: str, message_id: str | None = None) -> None:
        super().__init__(message, message_id)
        self.message_id = message_id


class StoreFailedError(QueueError):
    """The store did not take it, so it was not done: the disk is full, or cannot be written."""

    kind = "delivery_failed"


class StoreTakenError(QueueError):
    """Another queue has the file; two in one would take the messages from each other. Nothing was read or written."""

    kind = "duplicate_agent"
    speaks_for_itself = True


class FencedError(QueueError):
    """A later incarnation of the queue has taken its store over; nothing was stored."""

    kind = "delivery_failed"
