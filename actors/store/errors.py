"""What a store of references refuses with."""

from __future__ import annotations

from actors import errors
from actors.errors import ActorError


class StoreError(ActorError):
    """Base of what is raised about a store of references."""


class StoreClosedError(StoreError):
    """The store was closed; nothing was done."""

    kind = "channel_closed"


class ValueRefusedError(StoreError, ValueError):
    """A value, or what is said about it, is not what it may be; nothing was stored."""

    kind = "invalid_message"


class ValueTooLargeError(ValueRefusedError):
    """The value has more bytes than the store takes; nothing was stored."""

    kind = "invalid_message"

    def __init__(self, message: str, size: int, max_bytes: int) -> None:
        super().__init__(message)
        self.size = size
        self.max_bytes = max_bytes


class InvalidReferenceError(StoreError, TypeError):
    """What was given is no reference."""

    kind = "invalid_message"


class ReferenceNotFoundError(StoreError, LookupError):
    """The store has no such value: it never had it, or it was released, deleted or collected."""

    kind = "agent_not_found"

    def __init__(self, message: str, reference_id: str) -> None:
        super().__init__(message)
        self.reference_id = reference_id


class ReferenceExpiredError(StoreError):
    """The time of the value is over, whether it was collected yet or not."""

    kind = "agent_not_found"

    def __init__(self, message: str, reference_id: str) -> None:
        super().__init__(message)
        self.reference_id = reference_id


class IntegrityError(StoreError):
    """What is kept of the value is not what was stored. It is in quarantine until the value is stored again."""

    kind = "serialization"

    def __init__(self, message: str, reference_id: str) -> None:
        super().__init__(message)
        self.reference_id = reference_id


class CompressionMissingError(StoreError):
    """The library for this compression is not installed."""

    kind = "router_not_initialised"


class StoreFailedError(StoreError):
    """It could not be stored or read, so it was not done: the disk is full, damaged, or cannot be written."""

    kind = "delivery_failed"


class StoreInUseError(StoreError):
    """Another store of references has the file; two in one would count against each other. Nothing was done."""

    kind = "duplicate_agent"
    speaks_for_itself = True


class StaleStoreError(StoreError):
    """A later incarnation of the store has taken over; nothing was stored."""

    kind = "channel_closed"


class OutcomeUnknownError(StoreError, errors.OutcomeUnknownError):
    """The store was gone or slow, and whether it did what it was asked is not known.

    To ask again may hold or release a value once more than was meant.
    """

    kind = "delivery_failed"
