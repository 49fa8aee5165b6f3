"""What a shared memory is called with. `SharedMemoryClient` has a method for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import attrs

from actors.message import Call
from actors.shared_memory.entry import checksum_of
from actors.shared_memory.key import Key, Namespace

if TYPE_CHECKING:
    from actors.shared_memory.interest import Interest


class Get(NamedTuple):
    """Find an entry. It is a tuple for the sake of speed, as those that write."""

    where: Key


class Put(NamedTuple):
    """Store a value under a key."""

    id: str
    """The idempotency key: what was done under it is not done again."""
    again: bool
    """Whether it may have been done already."""
    where: Key
    agent_id: str
    value: bytes
    compressed: bool
    metadata: Mapping[str, str]
    expected_version: int
    """0 for any."""
    create_only: bool


class Delete(NamedTuple):
    """Delete an entry."""

    id: str
    again: bool
    where: Key
    agent_id: str
    expected_version: int
    tombstone: bool


Write: TypeAlias = Put | Delete


class PutResult(NamedTuple):
    """What became of a put."""

    version: int
    created: bool
    """Whether there was no such entry before."""
    stored: bytes
    """The value as it is stored."""
    compressed: bool
    """Whether it is compressed there."""

    def __repr__(self) -> str:
        return f"<PutResult: version {self.version}{', created' * self.created}, {self.size_bytes} bytes stored>"

    @property
    def size_bytes(self) -> int:
        """How much is stored."""
        return len(self.stored)

    @property
    def checksum(self) -> str:
        """The SHA-256 of the value as it was put, in hexadecimal digits."""
        return checksum_of(self.stored, compressed=self.compressed)


class DeleteResult(NamedTuple):
    """What became of a delete."""

    deleted: bool
    """Whether there was such an entry."""
    deleted_version: int
    """Its version; 0 if there was none."""


class KeyList(NamedTuple):
    """The keys that were asked for."""

    keys: tuple[str, ...]
    """Sorted."""
    total_count: int


@attrs.frozen
class NamespaceStatistics:
    """What a namespace holds, and what was done with it since its store was made."""

    key_count: int
    total_bytes: int
    """Of the values as they are stored."""
    read_count: int
    """Gets, also of what is not there, and lists."""
    write_count: int
    """Puts that were stored."""
    conflict_count: int
    watcher_count: int
    last_access_at: float | None
    """When it was read or written last, in seconds since 1970."""


@attrs.frozen
class ListKeys(Call[list[str]]):
    """All names of a place, in no order: whoever asks sorts them, and picks those that are meant."""

    namespace: Namespace
    scope: str


@attrs.frozen(eq=False)
class StartWatch(Call[None]):
    """Tell a watch of what is there, if it wants that, and of every change from then on."""

    watch: Interest


@attrs.frozen
class GetStatistics(Call[Mapping[Namespace, NamespaceStatistics]]):
    """Count."""


@attrs.frozen
class Close(Call[None]):
    """End the watches, and refuse everything from now on."""
