"""What opening, writing and reading a database raise; every error names the file."""

from __future__ import annotations

import sqlite3
from typing import Final

from actors.errors import ActorError


class DatabaseError(ActorError):
    """Base of the errors of this folder."""

    speaks_for_itself = True

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class DatabaseLockedError(DatabaseError):
    """Another process, or another system of this one, has the file open; nothing was read or written."""

    kind = "duplicate_agent"
    retryable = True

    def __init__(self, message: str, path: str, holder: int | None) -> None:
        super().__init__(message, path)
        self.holder = holder
        """The process that has it; None if that is not known."""


class DatabaseAccessError(DatabaseError):
    """The operating system does not let this process read or write the file, or make it."""


class DatabaseCorruptError(DatabaseError):
    """The file is damaged, or no database at all."""

    kind = "serialization"


class NewerSchemaError(DatabaseError):
    """The tables of a part were made by a later version of the program; nothing was changed."""

    kind = "serialization"


class DatabaseFullError(DatabaseError):
    """There is no room for what was to be stored; it is not stored."""

    kind = "mailbox_full"


class DatabaseWriteError(DatabaseError):
    """The disk failed, or another program kept the file locked; what was to be stored is not."""

    retryable = True


class StatementError(DatabaseError):
    """SQLite refused a statement; nothing of its unit is stored. ``__cause__`` says why."""

    kind = "invalid_message"
    speaks_for_itself = False


class StaleEpochError(DatabaseError):
    """The unit came from an incarnation that has a successor; nothing of it is stored."""

    kind = "channel_closed"


class DatabaseClosedError(DatabaseError):
    """The database is closed, or was never opened; nothing was done."""

    kind = "channel_closed"


class VirtualTimeError(DatabaseError):
    """The clock of this run jumps when every task waits, and a task that waits for a thread would be among them."""

    kind = "invalid_message"


_KINDS: Final[dict[int, tuple[type[DatabaseError], str]]] = {
    sqlite3.SQLITE_CORRUPT: (DatabaseCorruptError, "is damaged"),
    sqlite3.SQLITE_NOTADB: (DatabaseCorruptError, "is damaged, or no database"),
    sqlite3.SQLITE_FULL: (DatabaseFullError, "has no room"),
    sqlite3.SQLITE_PERM: (DatabaseAccessError, "may not be written"),
    sqlite3.SQLITE_READONLY: (DatabaseAccessError, "may not be written"),
    sqlite3.SQLITE_CANTOPEN: (DatabaseAccessError, "cannot be opened"),
    sqlite3.SQLITE_BUSY: (DatabaseWriteError, "is kept locked by another program"),
    sqlite3.SQLITE_IOERR: (DatabaseWriteError, "cannot be read or written"),
    sqlite3.SQLITE_NOMEM: (DatabaseWriteError, "cannot be read or written"),
}
"""By SQLite's primary result code, what it means for the whole file; any other concerns one statement."""


def explained(error: Exception, path: str) -> DatabaseError:
    """Return a new error that says which file met with *error*, and what that means."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    kind, fact = _KINDS.get(code, (StatementError, "refused a statement"))
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    found = kind(f"{path} {fact}: {error} ({name})", path)
    found.__cause__ = error
    return found
