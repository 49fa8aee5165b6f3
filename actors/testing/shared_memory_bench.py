"""What the suite for stores of the shared memory stands on: entries, and a store with a system in virtual time."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol

import trio
from trio.testing import MockClock

from actors.shared_memory.behaviour import Change
from actors.shared_memory.client import SharedMemoryClient
from actors.shared_memory.entry import NO_METADATA, Entry
from actors.shared_memory.key import Key, Namespace
from actors.shared_memory.shared_memory import SharedMemory
from actors.system import open_system

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

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


async def refusal(asked: Awaitable[object]) -> Exception | None:
    """Return what *asked* raises."""
    try:
        await asked
    except Exception as error:  # noqa: BLE001 -- whatever it is, a test looks at it
        return error
    return None


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
        told: list[Exception | None] = []
        event = trio.Event()

        def done(error: Exception | None) -> None:
            told.append(error)
            event.set()

        self.store.commit(epoch, changes, done)
        assert len(told) == 1 or not self.store.prompt
        await event.wait()
        assert len(told) == 1
        return told[0]

    async def records(self) -> list[Record]:
        """Return what the store has."""
        async with aclosing(self.store.records()) as slices:
            return [record async for records in slices for record in records]


class MakesStores(Protocol):
    """A suite."""

    def new_store(self, folder: Path) -> EntryStore:
        """Return a store in *folder*."""


def in_virtual_time(test: Callable[[Any, Bench], Awaitable[None]]) -> Callable[[Any, Path], None]:
    """Return *test* as pytest is to run it, with a store that is new."""

    def run(self: MakesStores, tmp_path: Path) -> None:
        async def main() -> None:
            async with open_system() as system:
                await test(self, Bench(system, self.new_store(tmp_path)))

        trio.run(main, clock=MockClock(autojump_threshold=0))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run
