"""What the suite for stores of the shared memory stands on: entries, and a store with a system in virtual time."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from actors.shared_memory.behaviour import Change
from actors.shared_memory.client import SharedMemoryClient
from actors.shared_memory.entry import NO_METADATA, Entry
from actors.shared_memory.key import Key, Namespace
from actors.shared_memory.shared_memory import SharedMemory
from actors.testing import suite
from actors.testing.suite import answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.ref import ActorRef
    from actors.shared_memory.behaviour import EntryStore
    from actors.shared_memory.entry import Record
    from actors.system import ActorSystem


def entry(
    number: int, name: str, *, namespace: Namespace = Namespace.SESSION, scope: str = "s1", **fields: Any
) -> Entry:
    """Return the entry of change *number*, as a shared memory makes it."""
    return Entry(
        where=Key(namespace, scope, name),
        value=b"tea",
        version=1,
        created_by="ann",
        created_at=1_000_000.0,
        updated_by="bob",
        updated_at=1_000_001.5,
        metadata=NO_METADATA,
        compressed=False,
        change=number,
    )._replace(**fields)


def change(made: Entry) -> Change:
    """Return the change that stores *made*."""
    return Change(f"id {made.change}", made, created=made.version == 1)


class Bench:
    """A store under test: with a system, and with a shared memory on it once that is started."""

    def __init__(self, system: ActorSystem, store: EntryStore) -> None:
        self.system = system
        self.store = store

    async def start(self) -> ActorRef:
        """Start a shared memory."""
        return await self.system.start(SharedMemory, self.store, name="shared_memory")

    def client(self, agent_id: str = "") -> SharedMemoryClient:
        """Return a client for *agent_id*."""
        return SharedMemoryClient(self.system.named("shared_memory"), agent_id)

    async def commit(self, epoch: int, changes: Sequence[Change]) -> Exception | None:
        """Have the store keep *changes*, and return what it says."""
        return await answer(lambda done: self.store.commit(epoch, changes, done))

    async def records(self) -> list[Record]:
        """Return what the store has."""
        async with aclosing(self.store.records()) as slices:
            return [record async for records in slices for record in records]


in_virtual_time: Final = suite.in_virtual_time(Bench)
