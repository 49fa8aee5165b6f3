"""What is said about a value, what becomes of it at its time, and what those are told who ask for what is not there."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import open_system
from actors.sqlite import find_database
from actors.store import (
    IntegrityError,
    MemoryReferenceStore,
    ReferenceExpiredError,
    ReferenceNotFoundError,
    ReferenceType,
    SqliteReferenceStore,
    Store,
    StoreClient,
    StoreOptions,
    ValueRefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from actors import ActorSystem
    from actors.store import ReferenceStore

NOON = 1_700_000_000.25


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ReferenceStore:
    in_file = request.param == "sqlite"
    return SqliteReferenceStore(tmp_path / "values.db", inline=True) if in_file else MemoryReferenceStore()


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> float:
        return self.time


async def opened(system: ActorSystem, store: ReferenceStore, **options: Any) -> tuple[StoreClient, Clock]:
    clock = Clock()
    await system.start(Store, store, StoreOptions(**options), clock=clock, name="store")
    return StoreClient(system.named("store")), clock


async def test_a_reference_says_when_it_was_made_and_when_it_expires(
    system: ActorSystem, store: ReferenceStore
) -> None:
    """L-REF-3, L-MEM-2: in seconds since 1970, and 0 for never."""
    client, _ = await opened(system, store)

    tea, cup = await client.store(b"tea"), await client.store(b"cup", ttl=1.5)

    assert (tea.created_at, tea.expires_at) == (NOON, 0)
    assert (cup.created_at, cup.expires_at) == (NOON, NOON + 1.5)


async def test_at_the_very_moment_of_its_expiry_a_value_is_still_there_on_every_path(
    system: ActorSystem, store: ReferenceStore
) -> None:
    """Y8, L-SQL-4: the original's file rounded to whole seconds, and its listings were stricter than its resolve."""
    client, clock = await opened(system, store, gc_strategy="manual")
    tea = await client.store(b"tea", ttl=0.5)

    clock.time = NOON + 0.5
    assert await client.resolve(tea) == b"tea"
    assert await client.list() == [tea]
    assert await client.collect() == 0
    await client.retain(tea)

    clock.time = NOON + 0.5001
    assert await client.list() == []
    for ask in (client.resolve, client.retain):
        with pytest.raises(ReferenceExpiredError, match=f"reference {tea.id} expired .* ago in the {store.kind} store"):
            await ask(tea)
    assert await client.collect() == 1
    with pytest.raises(ReferenceNotFoundError):
        await client.resolve(tea)


async def test_the_store_says_how_long_values_are_kept_unless_that_is_said(
    system: ActorSystem, store: ReferenceStore
) -> None:
    """L-MEM-1."""
    client, _ = await opened(system, store, ttl=60)

    kept = [await client.store(b"tea"), await client.store(b"cup", ttl=5), await client.store(b"pot", ttl=0)]

    assert [reference.expires_at for reference in kept] == [NOON + 60, NOON + 5, 0]


async def test_garbage_is_collected_every_fraction_of_a_second_if_that_is_asked_for(
    system: ActorSystem, store: ReferenceStore
) -> None:
    """L-SQL-8."""
    client, _ = await opened(system, store, gc_interval=0.25)

    await trio.sleep(1.1)

    assert (await client.stats()).gc_runs == 4


@pytest.mark.parametrize("options", [{"gc_enabled": False}, {"gc_strategy": "manual"}])
async def test_nothing_is_collected_by_itself_where_that_is_off(
    system: ActorSystem, store: ReferenceStore, options: dict[str, Any]
) -> None:
    """L-FAC-4: the original's collector ran regardless."""
    client, clock = await opened(system, store, gc_interval=1, **options)
    await client.store(b"tea", ttl=1)
    clock.time += 5

    await trio.sleep(5)

    stats = await client.stats()
    assert (stats.gc_runs, stats.active_refs) == (0, 1)


async def test_a_value_can_be_of_any_type_or_of_none(system: ActorSystem, store: ReferenceStore) -> None:
    """L-REF-21."""
    client, _ = await opened(system, store)

    references = [await client.store(kind.value.encode(), type=kind) for kind in ReferenceType]

    assert [reference.type.value for reference in await client.list()] == [
        *("unspecified", "session_state", "workflow_context", "collaboration_state"),
        *("tool_result", "pattern_data", "trace", "large_payload"),
    ]
    assert await client.list() == references


async def test_who_asks_for_what_is_not_there_is_told_of_what_and_where(
    system: ActorSystem, store: ReferenceStore
) -> None:
    """L-REF-10, 20: whether it was never there or is not any more."""
    client, _ = await opened(system, store)
    gone = await client.store(b"tea")
    await client.release(gone)

    asks: list[Callable[[], Any]] = [
        lambda: client.resolve(gone),
        lambda: client.retain(gone),
        lambda: client.release(gone),
        lambda: client.value(gone),
    ]
    for ask in asks:
        with pytest.raises(ReferenceNotFoundError, match=f"{gone.id} not found in the {store.kind} store") as raised:
            await ask()
        assert raised.value.reference_id == gone.id


async def test_what_no_row_can_count_is_refused_and_harms_nobody_else(
    system: ActorSystem, store: ReferenceStore
) -> None:
    client, _ = await opened(system, store)
    tea = await client.store(b"tea")
    await client.retain(tea, 2**61)

    async def hold_too_often() -> None:
        with pytest.raises(ValueRefusedError, match=f"is held {2**61 + 1} times, and cannot be {2**63} times more"):
            await client.retain(tea, 2**63)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hold_too_often)
        nursery.start_soon(client.store, b"milk")

    assert (await client.value(tea)).holders == 2**61 + 1
    assert len(await client.list()) == 2


@pytest.mark.parametrize("checked", [True, False])
async def test_a_checksum_is_verified_only_where_that_was_asked_for(
    system: ActorSystem, tmp_path: Path, *, checked: bool
) -> None:
    """L-REF-2: the original never did."""
    client, _ = await opened(system, SqliteReferenceStore(tmp_path / "values.db", inline=True))
    tea = await client.store(b"tea", compute_checksum=checked)
    await find_database(system, tmp_path / "values.db").commit(("UPDATE store_pieces SET data = ?", (b"cup",)))

    if not checked:
        assert await client.resolve(tea) == b"cup"
        return
    with pytest.raises(IntegrityError, match=f"reference {tea.id} of 3 bytes is not what was stored"):
        await client.resolve(tea)


@pytest.mark.parametrize("data", [bytes(range(256)) * 300, b"\0", b"'; DROP TABLE store_values; --"])
async def test_bytes_and_texts_come_back_as_they_are(system: ActorSystem, store: ReferenceStore, data: bytes) -> None:
    """L-SQL-7."""
    client, _ = await opened(system, store)

    reference = await client.store(memoryview(data), content_type="text/'x\"; DROP TABLE store_values; -- \u00e9")

    assert await client.resolve(reference) == data
    assert await client.list() == [reference]
    assert reference.content_type.endswith("\u00e9")


async def test_a_value_of_many_pieces_is_in_memory_once_when_it_is_resolved(
    system: ActorSystem, tmp_path: Path
) -> None:
    """To join its pieces at the end would take its size a second time, and stop the loop meanwhile."""
    client, _ = await opened(system, SqliteReferenceStore(tmp_path / "values.db", inline=True))
    size = 16 * 2**20
    stored = await client.store(bytes(size))
    tracemalloc.start()
    try:
        assert len(await client.resolve(stored)) == size
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1.5 * size


async def test_any_client_of_a_store_resolves_what_another_stored(system: ActorSystem, store: ReferenceStore) -> None:
    """L-REF-19: also one that has nothing but the id."""
    ann, _ = await opened(system, store)
    bob = StoreClient(system.named("store"))

    reference = await ann.store(b"tea")

    assert await bob.resolve(reference) == b"tea"
    assert await bob.retain(reference.id) == reference
    assert await ann.release(reference) == 1


def test_what_is_in_memory_is_gone_with_the_program_and_what_is_in_a_file_is_in_its_log(tmp_path: Path) -> None:
    """L-MEM-4, L-SQL-1, 2."""

    async def stored(store: ReferenceStore) -> None:
        async with open_system() as system:
            client, _ = await opened(system, store)
            await client.store(b"tea")
            if isinstance(store, SqliteReferenceStore):
                (mode,) = await find_database(system, store.path).read(
                    lambda one: one.execute("PRAGMA journal_mode").fetchone()
                )
                assert mode == "wal"

    async def found(store: ReferenceStore) -> int:
        async with open_system() as system:
            client, _ = await opened(system, store)
            return len(await client.list())

    path = tmp_path / "values.db"
    trio.run(stored, MemoryReferenceStore())
    trio.run(stored, SqliteReferenceStore(path))

    assert trio.run(found, MemoryReferenceStore()) == 0
    assert trio.run(found, SqliteReferenceStore(path)) == 1
