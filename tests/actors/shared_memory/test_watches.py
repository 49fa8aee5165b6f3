"""Whoever watches is told of everything once and in order, and learns of what it was not told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import Actor, NoProcessError
from actors.shared_memory import InvalidEntryError, MemoryEntries, Namespace, SharedMemory, SharedMemoryClient
from actors.shared_memory.legacy import legacy_of

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.shared_memory import Watch

AGENT, GLOBAL = Namespace.AGENT, Namespace.GLOBAL


async def told(watch: Watch, count: int) -> list[tuple[str, bytes]]:
    changes: list[Any] = [await anext(watch) for _ in range(count)]
    return [(change.key, change.value) for change in changes]


async def test_initial_values_come_first_and_no_change_twice(ann: SharedMemoryClient) -> None:
    """L-SHM-15."""
    for key in ("b", "a", "c.d"):
        await ann.put(GLOBAL, key, b"old")

    async with ann.watch(GLOBAL, "*", initial=True) as watch:
        await ann.put(GLOBAL, "b", b"new")

        assert await told(watch, 3) == [("a", b"old"), ("b", b"old"), ("b", b"new")]


async def test_an_agent_watches_its_own_keys_by_their_own_names(
    ann: SharedMemoryClient, bob: SharedMemoryClient
) -> None:
    """L-SHM-17, 19."""
    await ann.put(AGENT, "k1", b"1")

    async with ann.watch(AGENT, "k*", initial=True) as watch:
        await bob.put(AGENT, "k1", b"of bob")
        await ann.put(AGENT, "k2", b"2")

        assert await told(watch, 2) == [("k1", b"1"), ("k2", b"2")]


async def test_who_watches_one_key_is_told_of_that_alone(ann: SharedMemoryClient) -> None:
    async with ann.watch(GLOBAL, "a") as watch:
        for key in ("b", "a", "a.b"):
            await ann.put(GLOBAL, key, b"1")
        await ann.put(GLOBAL, "a", b"2")

        assert await told(watch, 2) == [("a", b"1"), ("a", b"2")]


async def test_only_who_asks_for_tombstones_gets_them(ann: SharedMemoryClient) -> None:
    """L-SHM-13."""
    async with ann.watch(GLOBAL) as puts, ann.watch(GLOBAL, tombstones=True) as everything:
        await ann.put(GLOBAL, "a", b"1")
        await ann.delete(GLOBAL, "a")
        await ann.put(GLOBAL, "b", b"2")

        assert await told(puts, 2) == [("a", b"1"), ("b", b"2")]
        changes = [await anext(everything) for _ in range(3)]

    assert [repr(change) for change in changes] == [
        "<Entry 'a' of global: version 1, b'1'>",
        "<Tombstone 'a' of global: version 1 deleted>",
        "<Entry 'b' of global: version 1, b'2'>",
    ]


async def test_what_has_no_room_is_dropped_and_counted(ann: SharedMemoryClient) -> None:
    """L-SHM-12, Y7: the first are kept, initial values take no room."""
    for number in range(5):
        await ann.put(GLOBAL, f"i{number}", b"")

    async with ann.watch(GLOBAL, initial=True, buffer=3) as watch:
        for number in range(10):
            await ann.put(GLOBAL, f"k{number}", b"")

        keys = [key for key, _ in await told(watch, 8)]

    assert keys == ["i0", "i1", "i2", "i3", "i4", "k0", "k1", "k2"]
    assert watch.dropped == 7


async def test_a_hundred_changes_wait_unless_told_otherwise(ann: SharedMemoryClient) -> None:
    async with ann.watch(GLOBAL) as watch:
        for number in range(101):
            await ann.put(GLOBAL, f"k{number}", b"")

    assert watch.dropped == 1
    assert len([change async for change in watch]) == 100


async def test_a_watch_ends_with_its_block(ann: SharedMemoryClient) -> None:
    """L-SHM-16."""
    async with ann.watch(GLOBAL) as watch:
        await ann.put(GLOBAL, "a", b"")
    await ann.put(GLOBAL, "b", b"")

    assert [change.key async for change in watch] == ["a"]


async def test_a_watch_ends_when_its_scope_is_cancelled_or_its_actor_is_killed(system: ActorSystem) -> None:
    """L-SHM-16."""
    store = MemoryEntries()
    await system.start(SharedMemory, store, name="shared_memory")
    client = SharedMemoryClient(system.named("shared_memory"), "ann")

    class Watcher(Actor):
        async def handle_cast(self, message: object) -> None:
            async with client.watch(GLOBAL) as watch:
                await anext(watch)

    watcher = await system.start(Watcher)
    watcher.cast("watch")
    with trio.move_on_after(1):
        async with client.watch(GLOBAL) as watch:
            await anext(watch)
    assert len(legacy_of(store).watches) == 1

    watcher.kill()
    await watcher.wait()

    assert len(legacy_of(store).watches) == 0
    assert (await client.statistics())[GLOBAL].watcher_count == 0


async def test_who_watches_what_is_gone_for_good_is_told_so(system: ActorSystem, ann: SharedMemoryClient) -> None:
    ref = system.whereis("shared_memory")
    assert ref is not None
    async with ann.watch(GLOBAL) as watch:
        await ref.stop()

        with pytest.raises(NoProcessError, match=r"<name shared_memory> has been gone for 5 s; nobody tells the watch"):
            await anext(watch)


@pytest.mark.parametrize("buffer", [0, -1, 1.5, None])
async def test_a_buffer_that_is_none_is_refused(ann: SharedMemoryClient, buffer: Any) -> None:
    with pytest.raises(InvalidEntryError, match="the buffer of a watch is"):
        async with ann.watch(GLOBAL, buffer=buffer):
            pass
