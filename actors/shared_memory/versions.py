"""Versions: what a write makes of what is there. Nothing here waits, asks for the time or remembers anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.shared_memory.entry import Broken, Entry, Tombstone
from actors.shared_memory.errors import VersionConflictError

if TYPE_CHECKING:
    from actors.shared_memory.entry import Record
    from actors.shared_memory.key import Key
    from actors.shared_memory.requests import Delete, Put


def version_of(record: Record | None) -> int:
    """Return the version that can be expected of a key: 0 where there is no entry."""
    return record.version if type(record) is Entry else 0


def entry_after(record: Record | None, put: Put, now: float, change: int) -> Entry:
    """Return the entry that *put* makes of *record*; raises `VersionConflictError`.

    The first version is 1. Versions go on after a tombstone that was kept, and after what cannot be read.
    """
    expected = put.expected_version
    if type(record) is Entry:
        if (expected and expected != record.version) or put.create_only:
            raise conflict(put.where, expected, record.version)
        version, by, at = record.version + 1, record.created_by, record.created_at
    else:
        if expected:
            raise conflict(put.where, expected, 0)
        version, by, at = (1 if record is None else record.version + 1), put.agent_id, now
    return Entry(
        put.where,
        put.value,
        version,
        by,
        at,
        put.agent_id,
        now,
        put.metadata,
        put.compressed,
        change,
    )


def tombstone_after(record: Record | None, delete: Delete, now: float, change: int) -> Tombstone | None:
    """Return what *delete* leaves of *record*; None if there is nothing to delete.

    Raises `VersionConflictError` if there is, in another version than is expected.
    """
    if record is None or type(record) is Tombstone:
        return None
    expected = delete.expected_version
    if expected and (expected != record.version or type(record) is Broken):
        raise conflict(delete.where, expected, record.version)
    return Tombstone(delete.where, record.version, delete.agent_id, now, delete.tombstone, change)


def conflict(where: Key, expected: int, version: int) -> VersionConflictError:
    """Return the error that names both versions."""
    has = f"has version {version}" if version else "is not there"
    wanted = f"version {expected}" if expected else "no such entry"
    return VersionConflictError(f"{where} {has}; expected was {wanted}", where, expected, version)
