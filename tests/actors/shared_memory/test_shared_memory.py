"""Who sees which entries, what is refused, and what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import NoProcessError, PatternError, UndefinedHandlerError
from actors.shared_memory import (
    InvalidEntryError,
    MemoryEntries,
    Namespace,
    NotStoredError,
    SharedMemory,
    SharedMemoryClient,
    SharedMemoryClosedError,
    VersionConflictError,
)
from tests.actors.shared_memory.slow_store import SlowEntries

if TYPE_CHECKING:
    from actors import ActorSystem

AGENT, GLOBAL, SESSION = Namespace.AGENT, Namespace.GLOBAL, Namespace.SESSION


async def test_what_an_agent_keeps_for_itself_nobody_else_finds(
    ann: SharedMemoryClient, bob: SharedMemoryClient
) -> None:
    """L-SHM-17: nor lists, nor deletes; the same key of two agents is two entries."""
    await ann.put(AGENT, "key", b"of ann")

    assert await bob.get(AGENT, "key") is None
    assert (await bob.list(AGENT)).keys == ()
    assert await bob.delete(AGENT, "key") == (False, 0)
    assert (await bob.put(AGENT, "key", b"of bob")).version == 1
    assert (await ann.list(AGENT, "k*")).keys == ("key",)


async def test_an_agent_whose_id_has_a_colon_reads_nothing_of_another(system: ActorSystem) -> None:
    """L-SHM-18."""
    await system.start(SharedMemory, MemoryEntries(), name="shared_memory")
    a, ab = (SharedMemoryClient(system.named("shared_memory"), agent) for agent in ("a", "a:b"))
    await a.put(AGENT, "b:c", b"secret")

    assert await ab.get(AGENT, "c") is None


async def test_scopes_of_a_namespace_are_apart(ann: SharedMemoryClient) -> None:
    """L-SHM-23."""
    for scope in ("", "s1", "s2"):
        await ann.put(SESSION, "motto", scope.encode(), scope=scope)

    found = [await ann.get(SESSION, "motto", scope=scope) for scope in ("", "s1", "s2")]

    assert [entry.value for entry in found if entry is not None] == [b"", b"s1", b"s2"]
    assert await ann.get(Namespace.WORKFLOW, "motto", scope="s1") is None


async def test_keys_are_listed_in_order_by_a_pattern(ann: SharedMemoryClient) -> None:
    """L-SHM-11."""
    for key in ("b.two", "a.one", "b.one", "b.one.x"):
        await ann.put(GLOBAL, key, b"")

    assert await ann.list(GLOBAL) == (("a.one", "b.one", "b.one.x", "b.two"), 4)
    assert (await ann.list(GLOBAL, "b.*")).keys == ("b.one", "b.two")
    assert (await ann.list(GLOBAL, "b.**")).keys == ("b.one", "b.one.x", "b.two")
    with pytest.raises(PatternError, match=r"'a\.\.b' is no pattern: segment 2 is empty"):
        await ann.list(GLOBAL, "a..b")


async def test_who_writes_or_watches_has_to_be_said(system: ActorSystem, ann: SharedMemoryClient) -> None:
    """L-SHM-20."""
    nobody = SharedMemoryClient(system.named("shared_memory"))

    assert await nobody.get(GLOBAL, "motto") is None
    assert await nobody.delete(GLOBAL, "motto") == (False, 0)
    with pytest.raises(InvalidEntryError, match="has no agent_id"):
        await nobody.put(GLOBAL, "motto", b"tea")
    with pytest.raises(InvalidEntryError, match="has no agent_id"):
        async with nobody.watch(GLOBAL):
            pass
    with pytest.raises(InvalidEntryError, match="there is no agent_id"):
        await nobody.get(AGENT, "motto")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"expected_version": -1}, "expected_version is -1"),
        ({"expected_version": True}, "expected_version is True"),
        ({"expected_version": 1, "create_only": True}, "create_only expects no entry"),
        ({"idempotency_key": ""}, "an idempotency key is a str that is not empty"),
        ({"idempotency_key": "\ud800"}, r"the idempotency key '\\ud800' is no text"),
        ({"metadata": {"a": 1}}, "both str"),
        ({"scope": "s1"}, "the global namespace has no scopes"),
    ],
)
async def test_a_put_that_makes_no_sense_is_refused(ann: SharedMemoryClient, fields: Any, fault: str) -> None:
    with pytest.raises(InvalidEntryError, match=fault):
        await ann.put(GLOBAL, "motto", b"tea", **fields)

    assert await ann.get(GLOBAL, "motto") is None


async def test_an_agent_whose_id_no_file_takes_is_refused(system: ActorSystem) -> None:
    with pytest.raises(InvalidEntryError, match=r"the agent_id '\\ud800' is no text"):
        SharedMemoryClient(system.named("shared_memory"), "\ud800")


async def test_a_conflict_names_the_key_and_both_versions(ann: SharedMemoryClient) -> None:
    await ann.put(GLOBAL, "motto", b"tea")

    with pytest.raises(VersionConflictError, match="'motto' of global has version 1; expected was version 7") as raised:
        await ann.put(GLOBAL, "motto", b"milk", expected_version=7)

    assert (raised.value.key.name, raised.value.expected_version, raised.value.version) == ("motto", 7, 1)


async def test_each_namespace_is_counted_by_itself(ann: SharedMemoryClient) -> None:
    """L-SHM-21: a delete is neither read nor write; a get of nothing is a read, a conflict no write."""
    for key in ("a", "b", "b"):
        await ann.put(GLOBAL, key, b"12345")
    await ann.delete(GLOBAL, "a")
    await ann.get(GLOBAL, "nothing")
    await ann.list(GLOBAL)
    for expected in (7, 8):
        with pytest.raises(VersionConflictError):
            await ann.put(GLOBAL, "b", b"", expected_version=expected)
    async with ann.watch(GLOBAL), ann.watch(GLOBAL, "b"):
        statistics = await ann.statistics()

    counted = statistics[GLOBAL]
    assert (counted.key_count, counted.total_bytes) == (1, 5)
    assert (counted.read_count, counted.write_count, counted.conflict_count, counted.watcher_count) == (2, 3, 2, 2)
    assert counted.last_access_at is not None
    assert statistics[SESSION].last_access_at is None
    assert (await ann.statistics())[GLOBAL].watcher_count == 0


async def test_what_is_no_request_is_refused(system: ActorSystem, ann: SharedMemoryClient) -> None:
    with pytest.raises(UndefinedHandlerError, match="knows no 'tea'"):
        await system.named("shared_memory").call("tea")


async def test_what_is_no_store_is_refused(system: ActorSystem) -> None:
    with pytest.raises(TypeError, match="has the methods of EntryStore; 7 lacks"):
        await system.start(SharedMemory, 7)


async def test_everything_but_closing_is_refused_once_it_is_closed(ann: SharedMemoryClient) -> None:
    """L-SHM-22, Y9."""
    await ann.close()

    async def watch() -> None:
        async with ann.watch(GLOBAL):
            pass

    for refused in (
        ann.get(GLOBAL, "motto"),
        ann.put(GLOBAL, "motto", b"tea"),
        ann.delete(GLOBAL, "motto"),
        ann.list(GLOBAL),
        ann.statistics(),
        watch(),
    ):
        with pytest.raises(SharedMemoryClosedError, match=r"the shared memory <shared_memory #2> is closed"):
            await refused
    await ann.close()


async def test_without_a_shared_memory_nobody_waits_for_long(system: ActorSystem) -> None:
    begin = trio.current_time()

    with pytest.raises(NoProcessError):
        await SharedMemoryClient(system.named("shared_memory"), "ann", patience=2).put(GLOBAL, "motto", b"tea")

    assert trio.current_time() - begin == pytest.approx(2)


# -- with a store that takes its time


@pytest.fixture
async def slow(system: ActorSystem) -> SlowEntries:
    store = SlowEntries()
    await system.start(SharedMemory, store, name="shared_memory")
    store.held = []
    return store


async def test_nobody_reads_what_is_not_stored_yet(system: ActorSystem, slow: SlowEntries) -> None:
    client = SharedMemoryClient(system.named("shared_memory"), "ann")
    async with client.watch(GLOBAL) as watch, trio.open_nursery() as nursery:
        nursery.start_soon(client.put, GLOBAL, "motto", b"tea")
        await wait_all_tasks_blocked()

        before = await client.get(GLOBAL, "motto"), repr(watch)
        slow.report()
        told = await anext(watch)

    assert before == (None, "<Watch of all in global: 0 waiting, 0 dropped>")
    assert told == await client.get(GLOBAL, "motto")


async def test_what_comes_meanwhile_is_stored_together_and_decided_in_order(
    system: ActorSystem, slow: SlowEntries
) -> None:
    client = SharedMemoryClient(system.named("shared_memory"), "ann")
    results: dict[bytes, object] = {}

    async def put(value: bytes, expected: int) -> None:
        try:
            results[value] = (await client.put(GLOBAL, "motto", value, expected_version=expected)).version
        except VersionConflictError as error:
            results[value] = str(error)

    async with trio.open_nursery() as nursery:
        for value, expected in ((b"1", 0), (b"2", 1), (b"x", 1), (b"3", 2)):
            nursery.start_soon(put, value, expected)
            await wait_all_tasks_blocked()
        slow.report()

    refused = "'motto' of global has version 2; expected was version 1"
    assert results == {b"1": 1, b"2": 2, b"x": refused, b"3": 3}
    assert slow.commits == [1, 2]


async def test_what_the_store_does_not_take_is_not_done(system: ActorSystem, slow: SlowEntries) -> None:
    client = SharedMemoryClient(system.named("shared_memory"), "ann")
    slow.failure = NotStoredError("the disk is full")
    async with client.watch(GLOBAL) as watch:
        with pytest.raises(NotStoredError, match="the disk is full"):
            await client.put(GLOBAL, "motto", b"tea")
        slow.failure = slow.held = None

        assert await client.get(GLOBAL, "motto") is None
        assert (await client.put(GLOBAL, "motto", b"milk")).version == 1
        assert (await anext(watch)).version == 1
