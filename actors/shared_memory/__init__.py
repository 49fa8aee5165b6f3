"""The shared memory: small notes under keys, with versions, which all agents read, write and watch."""

from actors.shared_memory.actor_watch import ActorWatch, ChangesMissed
from actors.shared_memory.behaviour import Change, Done, EntryStore, Outcome
from actors.shared_memory.client import SharedMemoryClient
from actors.shared_memory.entry import Broken, Entry, Record, Tombstone
from actors.shared_memory.errors import (
    CorruptEntryError,
    FencedError,
    FileTakenError,
    InvalidEntryError,
    NotStoredError,
    OutcomeUnknownError,
    SharedMemoryClosedError,
    SharedMemoryError,
    UnknownNamespaceError,
    VersionConflictError,
)
from actors.shared_memory.key import Key, Namespace
from actors.shared_memory.memory import MemoryEntries
from actors.shared_memory.requests import DeleteResult, KeyList, NamespaceStatistics, PutResult
from actors.shared_memory.shared_memory import SharedMemory
from actors.shared_memory.sqlite import SqliteEntries
from actors.shared_memory.watch import Watch

__all__ = [
    "ActorWatch",
    "Broken",
    "Change",
    "ChangesMissed",
    "CorruptEntryError",
    "DeleteResult",
    "Done",
    "Entry",
    "EntryStore",
    "FencedError",
    "FileTakenError",
    "InvalidEntryError",
    "Key",
    "KeyList",
    "MemoryEntries",
    "Namespace",
    "NamespaceStatistics",
    "NotStoredError",
    "Outcome",
    "OutcomeUnknownError",
    "PutResult",
    "Record",
    "SharedMemory",
    "SharedMemoryClient",
    "SharedMemoryClosedError",
    "SharedMemoryError",
    "SqliteEntries",
    "Tombstone",
    "UnknownNamespaceError",
    "VersionConflictError",
    "Watch",
]
