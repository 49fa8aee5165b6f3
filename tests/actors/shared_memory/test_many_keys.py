"""A place with many keys: what is asked of all of them is answered in steps, and is as of one moment all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import pace
from actors.pace import AT_ONCE
from actors.shared_memory import MemoryEntries, Namespace, SharedMemory, SharedMemoryClient
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.probe import Probe, received
from tests.actors.turns import turns_during

if TYPE_CHECKING:
    from actors import ActorSystem

GLOBAL, SESSION = Namespace.GLOBAL, Namespace.SESSION
NAMES = [f"k{number:04}" for number in range(50 * AT_ONCE)]


@pytest.fixture(autouse=True)
def slices_that_are_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "SLICE_SECONDS", 0.0)


@pytest.fixture
async def many(ann: SharedMemoryClient) -> SharedMemoryClient:
    """Return ann, who has put all names, the last one first."""
    for name in reversed(NAMES):
        await ann.put(GLOBAL, name, b"old")
    return ann


async def put_all(client: SharedMemoryClient) -> None:
    for name in NAMES:
        await client.put(GLOBAL, name, b"new")
        await trio.lowlevel.checkpoint()


async def begun(client: SharedMemoryClient) -> None:
    """Return when somebody watches, who has not gathered all initial values yet."""
    while (await client.statistics())[GLOBAL].watcher_count == 0:
        await trio.lowlevel.checkpoint()


async def test_others_have_turns_while_many_keys_are_listed(many: SharedMemoryClient) -> None:
    async def ask() -> None:
        assert (await many.list(GLOBAL, "k*")).keys == tuple(NAMES)

    assert await turns_during(ask) >= len(NAMES) // AT_ONCE


async def test_others_have_turns_while_many_initial_values_are_gathered(many: SharedMemoryClient) -> None:
    async def ask() -> None:
        async with many.watch(GLOBAL, "k*", initial=True) as watch:
            assert [(await anext(watch)).key for _ in NAMES] == NAMES

    assert await turns_during(ask) >= len(NAMES) // AT_ONCE


async def test_a_pattern_picks_some_of_many_keys(many: SharedMemoryClient) -> None:
    assert await many.list(GLOBAL, "k000[3-5]") == (("k0003", "k0004", "k0005"), 3)


async def test_a_place_with_few_keys_is_seen_beside_one_with_many(many: SharedMemoryClient) -> None:
    await many.put(SESSION, "a", b"1", scope="tea")

    async with many.watch(SESSION, scope="tea", initial=True) as watch:
        assert (await anext(watch)).key == "a"
    assert (await many.list(SESSION, scope="tea")).keys == ("a",)


async def test_initial_values_are_those_of_one_moment_while_somebody_writes(many: SharedMemoryClient) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(put_all, many)
        for _ in range(10):
            await trio.lowlevel.checkpoint()
        async with many.watch(GLOBAL, initial=True, buffer=len(NAMES)) as watch:
            initial: list[Any] = [await anext(watch) for _ in NAMES]
            changed = [entry.key for entry in initial if entry.value == b"new"]
            after: list[Any] = [await anext(watch) for _ in NAMES[len(changed) :]]

    assert [entry.key for entry in initial] == NAMES
    assert 0 < len(changed) < len(NAMES)
    assert changed + [entry.key for entry in after] == NAMES
    assert {entry.value for entry in after} == {b"new"}


async def test_changes_need_no_room_while_initial_values_are_gathered(many: SharedMemoryClient) -> None:
    told: list[Any] = []

    async def watch_all() -> None:
        async with many.watch(GLOBAL, initial=True, tombstones=True, buffer=1) as watch:
            told.extend([await anext(watch) for _ in range(len(NAMES) + 3)])
            assert watch.dropped == 0

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_all)
        await begun(many)
        for name in NAMES[:2]:
            await many.put(GLOBAL, name, b"new")
        await many.delete(GLOBAL, NAMES[2])

    assert [change.key for change in told] == NAMES + NAMES[:3]
    assert {entry.value for entry in told[: len(NAMES)]} == {b"old"}


async def test_an_actor_is_sent_what_changes_while_its_initial_values_are_gathered(
    system: ActorSystem, many: SharedMemoryClient
) -> None:
    probe = await system.start(Probe)

    def watch(_: Probe) -> Any:
        return many.watch_actor(GLOBAL, initial=True, buffer=1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe.call, watch)
        await begun(many)
        await many.put(GLOBAL, NAMES[0], b"new")
        await many.put(GLOBAL, NAMES[0], b"newer")

    got: list[Any] = await probe.call(received)
    assert [(entry.key, entry.value) for entry in got[-3:]] == [
        (NAMES[-1], b"old"),
        (NAMES[0], b"new"),
        (NAMES[0], b"newer"),
    ]
    assert [entry.key for entry in got[: len(NAMES)]] == NAMES


async def test_a_restart_in_between_changes_nothing(system: ActorSystem) -> None:
    store = MemoryEntries()
    spec = ChildSpec("shared_memory", SharedMemory, (store,), name="shared_memory")
    await system.start(Supervisor, SupervisorSpec([spec]))
    ann = SharedMemoryClient(system.named("shared_memory"), "ann")
    for name in NAMES:
        await ann.put(GLOBAL, name, b"old")
    told: list[Any] = []

    async def watch_all() -> None:
        async with ann.watch(GLOBAL, initial=True) as watch:
            told.extend([await anext(watch) for _ in range(len(NAMES) + 1)])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_all)
        await begun(ann)
        system.named("shared_memory").kill()
        await ann.put(GLOBAL, NAMES[0], b"new")

    assert [(entry.key, entry.value) for entry in told] == [*((name, b"old") for name in NAMES), (NAMES[0], b"new")]
