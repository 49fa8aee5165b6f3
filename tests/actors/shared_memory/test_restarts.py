"""A shared memory that is killed or fails, under load and at bad moments: nothing is lost, skipped or done twice."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import ActorSystem, OutcomeUnknownError, open_system
from actors.shared_memory import (
    MemoryEntries,
    Namespace,
    SharedMemory,
    SharedMemoryClient,
    SharedMemoryClosedError,
    VersionConflictError,
)
from actors.shared_memory.shelves import Shelves
from actors.shared_memory.watches import Watches
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.shared_memory.slow_store import SlowEntries

if TYPE_CHECKING:
    from actors.shared_memory import EntryStore, Watch

GLOBAL = Namespace.GLOBAL


async def supervised(system: ActorSystem, store: EntryStore) -> SharedMemoryClient:
    """Start a shared memory that comes back, and return its client."""
    children = [ChildSpec("shared_memory", SharedMemory, (store,), name="shared_memory")]
    await system.start(Supervisor, SupervisorSpec(children, intensity=1_000_000))
    return SharedMemoryClient(system.named("shared_memory"), "ann", patience=60)


class Load:
    """Writers, those who watch, and somebody who kills."""

    def __init__(self, client: SharedMemoryClient, system: ActorSystem, seed: int) -> None:
        self.client = client
        self.system = system
        self.random = Random(seed)  # noqa: S311 -- it only has to repeat itself
        self.puts: list[int] = []
        self.won: list[int] = []
        self.told: list[int] = []

    async def put(self, count: int) -> None:
        for _ in range(count):
            result = await self.client.put(GLOBAL, "puts", b"")
            self.puts.append(result.version)

    async def compare_and_set(self, count: int) -> None:
        while count:
            found = await self.client.get(GLOBAL, "counter")
            value, version = (b"0", 0) if found is None else (found.value, found.version)
            try:
                result = await self.client.put(
                    GLOBAL, "counter", b"%d" % (int(value) + 1), expected_version=version, create_only=found is None
                )
            except VersionConflictError:
                await trio.lowlevel.checkpoint()
                continue
            self.won.append(result.version)
            count -= 1

    async def watch(self, watch: Watch, count: int) -> None:
        self.told = [(await anext(watch)).version for _ in range(count)]

    async def kill(self, times: int) -> None:
        for _ in range(times):
            await trio.sleep(self.random.random() / 100)
            for _ in range(self.random.randrange(40)):
                await trio.lowlevel.checkpoint()
            ref = self.system.whereis("shared_memory")
            if ref is not None:
                ref.kill()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
async def test_a_shared_memory_that_is_killed_100_times_skips_repeats_and_loses_nothing(
    system: ActorSystem, store: EntryStore, seed: int
) -> None:
    """Issue: no version skipped or repeated, no acknowledged write missing, no put applied twice, no watch lost."""
    client = await supervised(system, store)
    load = Load(client, system, seed)

    async with client.watch(GLOBAL, "puts", buffer=10_000) as watch, trio.open_nursery() as nursery:
        nursery.start_soon(load.watch, watch, 8 * 60)
        nursery.start_soon(load.kill, 100)
        for _ in range(8):
            nursery.start_soon(load.put, 60)
            nursery.start_soon(load.compare_and_set, 25)

    assert sorted(load.puts) == list(range(1, 8 * 60 + 1))
    assert sorted(load.won) == list(range(1, 8 * 25 + 1))
    assert load.told == list(range(1, 8 * 60 + 1))
    found = await client.get(GLOBAL, "counter")
    assert found is not None
    assert (found.version, found.value) == (200, b"200")


class Once:
    """A function that raises before or after what it stands for, the first time it is called."""

    def __init__(self, original: Any, *, after: bool) -> None:
        self.original = original
        self.after = after
        self.left = 1

    def __get__(self, instance: object, owner: type) -> Any:
        return lambda *args: self(instance, *args)

    def __call__(self, *args: Any) -> Any:
        if self.left and not self.after:
            self.left = 0
            raise RuntimeError("half-way")
        found = self.original(*args)
        if self.left:
            self.left = 0
            raise RuntimeError("half-way")
        return found


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "method"), [(Shelves, "replace"), (Watches, "tell")], ids=["index", "watch"])
async def test_a_put_whose_handler_raises_half_way_is_done_once(
    *,
    system: ActorSystem,
    store: EntryStore,
    monkeypatch: pytest.MonkeyPatch,
    part: type,
    method: str,
    after: bool,
) -> None:
    """Let it crash is real: it was stored, the index had it or not, and those who watch are told once."""
    client = await supervised(system, store)
    await client.put(GLOBAL, "motto", b"1")
    once = Once(getattr(part, method), after=after)
    async with client.watch(GLOBAL) as watch:
        monkeypatch.setattr(part, method, once)

        result = await client.put(GLOBAL, "motto", b"2")
        await client.put(GLOBAL, "motto", b"3")

        assert [(await anext(watch)).version for _ in range(2)] == [2, 3]
    assert once.left == 0
    assert (result.version, result.created) == (2, False)


@pytest.mark.parametrize("attribute", ["shelves", "watches", "_handlers", "last_change"])
async def test_a_restart_repairs_a_damaged_index(system: ActorSystem, store: EntryStore, attribute: str) -> None:
    client = await supervised(system, store)
    await client.put(GLOBAL, "motto", b"1")
    async with client.watch(GLOBAL, tombstones=True) as watch:
        damaged = system.whereis("shared_memory")
        assert damaged is not None
        setattr(damaged._process.actor, attribute, "damaged")

        result = await client.put(GLOBAL, "motto", b"2", expected_version=1)

        assert (await anext(watch)).version == result.version == 2
    assert system.whereis("shared_memory") is not damaged
    assert (await client.list(GLOBAL)).keys == ("motto",)


async def test_a_put_whose_answer_was_lost_is_done_once(system: ActorSystem) -> None:
    """It was stored, and the actor died before it could say so; meanwhile somebody else has put."""
    store = SlowEntries()
    client = await supervised(system, store)
    store.held = []
    versions: list[int] = []

    async def put() -> None:
        versions.append((await client.put(GLOBAL, "motto", b"mine")).version)

    async with client.watch(GLOBAL) as watch, trio.open_nursery() as nursery:
        nursery.start_soon(put)
        await wait_all_tasks_blocked()
        first = system.whereis("shared_memory")
        assert first is not None
        first.kill()
        store.report()
        await first.wait()
        versions.append(
            (await SharedMemoryClient(system.named("shared_memory"), "bob").put(GLOBAL, "motto", b"b")).version
        )
        told = [(await anext(watch)).version for _ in range(2)]

    assert sorted(versions) == told == [1, 2]


async def test_a_put_whose_outcome_is_not_known_can_be_asked_for_again(system: ActorSystem) -> None:
    store = SlowEntries()
    await system.start(SharedMemory, store, name="shared_memory")
    client = SharedMemoryClient(system.named("shared_memory"), "ann", patience=1)
    store.held = []

    with pytest.raises(OutcomeUnknownError, match="whether 'motto' of global was put is not known") as unknown:
        await client.put(GLOBAL, "motto", b"tea")
    store.report()
    result = await client.put(GLOBAL, "motto", b"tea", idempotency_key=unknown.value.idempotency_key)

    assert unknown.value.retryable
    assert (result.version, result.created) == (1, True)


async def test_a_delete_that_is_asked_for_twice_is_done_once(system: ActorSystem, store: EntryStore) -> None:
    client = await supervised(system, store)
    await client.put(GLOBAL, "motto", b"tea")
    first = await client.delete(GLOBAL, "motto", idempotency_key="mine")
    await client.put(GLOBAL, "motto", b"new")

    second = await client.delete(GLOBAL, "motto", idempotency_key="mine")

    assert first == second == (True, 1)
    assert await client.get(GLOBAL, "motto") is not None


async def test_the_same_put_twice_on_its_way_is_done_once(system: ActorSystem) -> None:
    store = SlowEntries()
    client = await supervised(system, store)
    store.held = []
    versions: list[int] = []

    async def put(key: str, idempotency_key: str) -> None:
        versions.append((await client.put(GLOBAL, key, b"tea", idempotency_key=idempotency_key)).version)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(put, "other", "first")
        await wait_all_tasks_blocked()
        for _ in range(2):
            nursery.start_soon(put, "motto", "mine")
        await wait_all_tasks_blocked()
        store.report()

    assert versions == [1, 1, 1]


async def test_a_shared_memory_that_is_stopped_answers_what_is_on_its_way(system: ActorSystem) -> None:
    store = SlowEntries()
    ref = await system.start(SharedMemory, store, name="shared_memory")
    client = SharedMemoryClient(system.named("shared_memory"), "ann")
    store.held = []
    versions: list[int] = []

    async def put() -> None:
        versions.append((await client.put(GLOBAL, "motto", b"tea")).version)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(put)
        await wait_all_tasks_blocked()
        nursery.start_soon(ref.stop)
        await wait_all_tasks_blocked()
        store.report()

    assert versions == [1]


async def test_what_the_store_has_raised_at_is_waited_for_by_nobody(
    system: ActorSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SlowEntries()
    client = await supervised(system, store)
    commit = store.commit

    def fail_once(*_: object) -> None:
        monkeypatch.setattr(store, "commit", commit)
        raise RuntimeError("no paper")

    monkeypatch.setattr(store, "commit", fail_once)
    began = trio.current_time()

    assert (await client.put(GLOBAL, "motto", b"tea")).version == 1
    assert trio.current_time() - began < 1


async def test_those_who_are_told_together_are_stored_together_again(system: ActorSystem) -> None:
    """Else the first of them would have a commit of its own, and the others wait for that."""
    store = SlowEntries()
    await system.start(SharedMemory, store, name="shared_memory")
    client = SharedMemoryClient(system.named("shared_memory"), "ann")

    async def write(key: str) -> None:
        for _ in range(3):
            await client.put(GLOBAL, key, b"")

    store.held = []
    async with trio.open_nursery() as nursery:
        for key in "abcd":
            nursery.start_soon(write, key)
        for _ in range(6):
            await wait_all_tasks_blocked()
            store.report()
            store.held = []
            await trio.sleep(1)

    assert store.commits == [1, 4, 4, 3]


async def test_what_was_counted_is_not_forgotten_by_a_restart(system: ActorSystem, store: EntryStore) -> None:
    """L-SHM-21, and each put counts once, also one whose handler fails when it is stored."""
    client = await supervised(system, store)
    await client.put(GLOBAL, "motto", b"tea")
    await client.get(GLOBAL, "motto")
    with pytest.raises(VersionConflictError):
        await client.put(GLOBAL, "motto", b"milk", expected_version=7)
    before = (await client.statistics())[GLOBAL]

    system.named("shared_memory").kill()
    after = (await client.statistics())[GLOBAL]

    assert after == before
    assert (after.key_count, after.total_bytes) == (1, 3)
    assert (after.read_count, after.write_count, after.conflict_count) == (1, 1, 1)


async def test_a_closed_shared_memory_is_closed_after_a_restart(system: ActorSystem, store: EntryStore) -> None:
    """L-SHM-22."""
    client = await supervised(system, store)
    await client.put(GLOBAL, "motto", b"tea")
    await client.close()

    system.named("shared_memory").kill()

    with pytest.raises(SharedMemoryClosedError, match="is closed"):
        await client.get(GLOBAL, "motto")
    await client.close()


async def test_a_store_whose_shared_memory_was_closed_serves_the_next_system() -> None:
    store = MemoryEntries()
    for _ in range(2):
        async with open_system() as system:
            client = await supervised(system, store)
            await client.put(GLOBAL, "motto", b"tea")
            await client.close()

    assert store.last_change() == 2
