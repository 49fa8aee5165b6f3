"""The store repairs itself, and says what it cannot do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorExitedError, open_system
from actors.delivery.codec import decode, encode
from actors.store import (
    IntegrityError,
    MemoryReferenceStore,
    Reference,
    ReferenceType,
    SqliteReferenceStore,
    Store,
    StoreClient,
    StoreFailedError,
    StoreInUseError,
    StoreOptions,
)
from actors.store.requests import Collect
from supervision import ChildSpec, Supervisor, SupervisorSpec

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem, Caller
    from actors.store.behaviour import Batch, Done

LARGE = bytes(range(256)) * 4096 * 5


class FailingStore(MemoryReferenceStore):
    """A disk that is full while *full*."""

    full = False

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        if self.full:
            done(StoreFailedError("values.db has no room"))
        else:
            super().commit(epoch, batch, done)


async def supervised(system: ActorSystem, store: Any, actor: type[Store] = Store) -> StoreClient:
    children = [ChildSpec("store", actor, (store,), name="store")]
    await system.start(Supervisor, SupervisorSpec(children, intensity=1000))
    return StoreClient(system.named("store"))


def test_a_reference_is_a_part_of_any_durable_message() -> None:
    reference = Reference("f00", ReferenceType.TRACE, "sqlite", 1.5, 0.0, 3, "text/plain")

    assert decode(encode({"content": reference}, "message")) == {"content": reference}
    assert Reference.from_dict(reference.as_dict()) == reference


async def test_a_handler_that_fails_half_way_is_repaired_by_the_restart(system: ActorSystem) -> None:
    class Clumsy(Store):
        failures = 0

        def _put(self, request: Any, caller: Caller) -> Any:
            done = super()._put(request, caller)
            type(self).failures += 1
            if self.failures % 3 == 0:
                raise RuntimeError("after the value was stored, and before anybody was told")
            return done

    client = await supervised(system, MemoryReferenceStore(), Clumsy)
    reference = await client.store(b"tea")
    for _ in range(9):
        await client.store(b"tea")

    assert Clumsy.failures > 10
    assert await client.release(reference) == 9


async def test_an_index_that_was_corrupted_is_made_anew(system: ActorSystem) -> None:
    class Spoilt(Store):
        def handle_info(self, message: object) -> None:
            if message == "spoil":
                self.ledger.rows.clear()
                raise RuntimeError("the index is gone")
            super().handle_info(message)

    client = await supervised(system, MemoryReferenceStore(), Spoilt)
    reference = await client.store(b"tea")

    system.named("store").send("spoil")

    assert await client.resolve(reference) == b"tea"
    assert await client.release(reference) == 0


async def test_what_could_not_be_stored_is_undone_and_said(system: ActorSystem) -> None:
    store = FailingStore()
    client = await supervised(system, store)
    reference = await client.store(b"tea")
    before = await client.stats()

    store.full = True
    for change in (
        partial(client.store, b"cup"),
        partial(client.retain, reference),
        partial(client.release, reference),
        partial(client.store, bytearray(LARGE), compression="gzip"),
    ):
        with pytest.raises(StoreFailedError, match="no room"):
            await change()

    assert await client.resolve(reference) == b"tea"
    store.full = False
    assert await client.stats() == before
    assert await client.release(reference) == 0


async def test_a_large_value_is_stored_across_restarts(system: ActorSystem, tmp_path: Path) -> None:
    client = await supervised(system, SqliteReferenceStore(tmp_path / "values.db", inline=True))
    found: list[Reference] = []

    async def store() -> None:
        found.append(await client.store(LARGE))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(store)
        while not found:
            system.named("store").kill()
            for _ in range(40):
                await trio.lowlevel.checkpoint()

    assert await client.resolve(found[0]) == LARGE
    assert await client.release(found[0]) == 0


async def test_a_second_store_on_a_file_is_refused(system: ActorSystem, tmp_path: Path) -> None:
    store = SqliteReferenceStore(tmp_path / "values.db", inline=True)
    await system.start(Store, store, name="store")

    with pytest.raises((StoreInUseError, ActorExitedError), match="needs a file of its own"):
        await system.start(Store, SqliteReferenceStore(tmp_path / "values.db", inline=True))


@pytest.mark.slow
async def test_a_thread_that_writes_stores_the_same(tmp_path: Path) -> None:
    async with open_system() as system:
        client = await supervised(system, SqliteReferenceStore(tmp_path / "values.db"))
        references: list[Reference] = []

        async def work(number: int) -> None:
            references.append(await client.store(b"%d" % number))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.store, LARGE)
            for number in range(64):
                nursery.start_soon(work, number)

        assert {await client.resolve(reference) for reference in references} == {b"%d" % number for number in range(64)}
        assert (await client.stats()).current_bytes == len(LARGE) + 10 + 54 * 2


async def test_a_missing_piece_is_an_integrity_failure(system: ActorSystem) -> None:
    store = MemoryReferenceStore()
    client = await supervised(system, store)
    reference = await client.store(b"tea")

    store._pieces.clear()

    with pytest.raises(IntegrityError, match="piece 0 of 1 is missing"):
        await client.resolve(reference)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"max_bytes": 0}, "max_bytes is 0; allowed is an int from 1"),
        ({"gc_strategy": "some"}, "gc_strategy is 'some'; allowed is any, ref_counting, ttl, manual"),
        ({"gc_interval": -1}, "gc_interval is -1"),
        ({"ttl": float("inf")}, "ttl is inf"),
        ({"compression": "lz4"}, "compression is 'lz4'; allowed is none, gzip, zstd"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        StoreOptions(**options)


def test_an_interval_of_zero_is_the_default() -> None:
    """L-FAC-3."""
    assert StoreOptions(gc_interval=0).gc_interval == 300


async def test_zstd_keeps_large_values_small_by_itself(system: ActorSystem) -> None:
    await system.start(Store, MemoryReferenceStore(), StoreOptions(compression="zstd"), name="store")
    client = StoreClient(system.named("store"))
    small, large = bytes(102_400), bytes(102_401)

    await client.store(small)
    before = await client.stats()
    reference = await client.store(large)

    assert before.stored_bytes == len(small)
    assert (await client.stats()).stored_bytes < before.stored_bytes + 1000
    assert await client.resolve(reference) == large
    assert await system.named("store").call(Collect()) == 0
