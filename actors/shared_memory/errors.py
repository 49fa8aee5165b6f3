"""What a shared memory refuses with."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from actors import errors
from actors.errors import ActorError

if TYPE_CHECKING:
    from actors.errors import ErrorKind
    from actors.shared_memory.key import Key


class SharedMemoryError(ActorError):
    """Base of what is raised about a shared memory."""


class InvalidEntryError(SharedMemoryError, ValueError):
    """A key, a value, or what is asked about one, is not what it must be. Nothing was done."""

    kind: ClassVar[ErrorKind] = "invalid_message"


class UnknownNamespaceError(InvalidEntryError):
    """There is no such namespace. Nothing was done."""


class VersionConflictError(SharedMemoryError):
    """The key does not have the version that was expected. Nothing was changed."""

    kind = "invalid_message"

    def __init__(self, message: str, key: Key, expected_version: int, version: int) -> None:
        super().__init__(message)
        self.key = key
        self.expected_version = expected_version
        """0 if the key was expected not to be there."""
        self.version = version
        """The version that it has; 0 if it is not there."""


class CorruptEntryError(SharedMemoryError):
    """What is stored of an entry cannot be read back. The next put replaces it."""

    kind = "serialization"


class SharedMemoryClosedError(SharedMemoryError):
    """The shared memory was closed; nothing was done."""

    kind = "channel_closed"


class NotStoredError(SharedMemoryError):
    """The store did not take it, so nothing was changed: the disk is full, or cannot be written."""

    kind = "delivery_failed"


class OutcomeUnknownError(SharedMemoryError, errors.OutcomeUnknownError):
    """The shared memory was gone or slow, and whether it did what it was asked is not known."""

    kind = "delivery_failed"


class FencedError(SharedMemoryError):
    """A later incarnation of the shared memory has taken its store over; nothing was stored."""

    kind = "delivery_failed"


class FileTakenError(SharedMemoryError):
    """Another shared memory has the file; one file holds one. Nothing was read or written."""

    kind = "duplicate_agent"
    speaks_for_itself = True
