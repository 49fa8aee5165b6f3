"""SQLite files: one writer for each, which commits what all actors append, and tells them when it is on the disk."""

from actors.sqlite.batch import OnCommit, Parameters, Statement
from actors.sqlite.database import Database, DatabaseStatistics
from actors.sqlite.epoch import Epoch
from actors.sqlite.errors import (
    DatabaseAccessError,
    DatabaseClosedError,
    DatabaseCorruptError,
    DatabaseError,
    DatabaseFullError,
    DatabaseLockedError,
    DatabaseWriteError,
    NewerSchemaError,
    StaleEpochError,
    StatementError,
    VirtualTimeError,
)
from actors.sqlite.filed import FiledStore, in_groups
from actors.sqlite.opening import find_database, open_database
from actors.sqlite.part import Part, Step

__all__ = [
    "Database",
    "DatabaseAccessError",
    "DatabaseClosedError",
    "DatabaseCorruptError",
    "DatabaseError",
    "DatabaseFullError",
    "DatabaseLockedError",
    "DatabaseStatistics",
    "DatabaseWriteError",
    "Epoch",
    "FiledStore",
    "NewerSchemaError",
    "OnCommit",
    "Parameters",
    "Part",
    "StaleEpochError",
    "Statement",
    "StatementError",
    "Step",
    "VirtualTimeError",
    "find_database",
    "in_groups",
    "open_database",
]
