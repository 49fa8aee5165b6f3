"""The store repairs itself, and says what it cannot do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorExitedError, open_system
from actors.delivery.codec import decode, encode
from actors.sqlite import find_database
from actors.store import (
    IntegrityError,
    MemoryReferenceStore,
    Reference,
    ReferenceType,
    SqliteReferenceStore,
    Store,
    StoreClient,
    StoreClosedError,
    StoreFailedError,
    StoreInUseError,
    StoreOptions,
    ValueRefusedError,
    ValueTooLargeError,
)
from actors.store.ledger import Facts
from actors.store.requests import Collect, Fetch, Put, Quarantine, asked_again, new_key
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


class DeadlyStore(SqliteReferenceStore):
    """Whoever has something stored is killed every other time, before it is told so."""

    def __init__(self, path: Path, system: ActorSystem) -> None:
        super().__init__(path, inline=True)
        self._system = system
        self.commits = self.kills = 0

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        super().commit(epoch, batch, done)
        self.commits += 1
        if self.commits % 2:
            self._system.named("store").kill()
            self.kills += 1


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
    store = DeadlyStore(tmp_path / "values.db", system)
    client = await supervised(system, store)

    reference = await client.store(LARGE)
    kills = store.kills

    assert kills == 4  # at its begin, twice while its pieces come, and at its end
    assert await client.resolve(reference) == LARGE
    assert await client.release(reference) == 0


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


async def test_pieces_of_a_value_whose_release_could_not_be_stored_stay(system: ActorSystem) -> None:
    store = FailingStore()
    client = await supervised(system, store)
    reference = await client.store(bytearray(LARGE), encoding="base64")

    store.full = True
    with pytest.raises(StoreFailedError, match="no room"):
        await client.release(reference)
    store.full = False
    await client.store(b"tea")
    await trio.sleep(1)

    assert await client.resolve(reference) == LARGE
    assert await client.release(reference) == 0
    await trio.sleep(1)
    assert store.loose() == []
    assert len(store._pieces) == 1


async def test_pieces_that_could_not_be_deleted_are_deleted_later(system: ActorSystem) -> None:
    store = FailingStore()
    client = await supervised(system, store)
    reference = await client.store(bytearray(LARGE), encoding="base64")

    assert await client.release(reference) == 0
    store.full = True
    await trio.sleep(1)
    store.full = False
    await client.store(b"tea")
    await trio.sleep(600)

    assert store.loose() == []
    assert len(store._pieces) == 1


async def test_what_is_held_once_more_while_it_is_found_to_be_damaged_is_set_apart_all_the_same(
    system: ActorSystem,
) -> None:
    client = await supervised(system, MemoryReferenceStore())
    reference = await client.store(b"tea")
    row, _ = await system.named("store").call(Fetch(reference.id))
    await client.retain(reference)

    await system.named("store").call(Quarantine(row, "it has 2 bytes"))

    with pytest.raises(IntegrityError, match="it has 2 bytes"):
        await client.resolve(reference)
    assert await client.release(reference) == 1


@pytest.mark.parametrize("damage", ["expires_at = 'never'", "holders = x'00'", "size = 'large'", "pieces = 'x'"])
async def test_a_damaged_row_is_in_quarantine_and_harms_no_other(
    system: ActorSystem, tmp_path: Path, damage: str
) -> None:
    """The columns have types, but SQLite keeps what it is given."""
    client = await supervised(system, SqliteReferenceStore(tmp_path / "values.db", inline=True))
    bad, good = [await client.store(data) for data in (b"tea", b"cup")]
    database = find_database(system, tmp_path / "values.db")
    await database.commit((f"UPDATE store_values SET {damage} WHERE id = ?", (bad.id,)))  # noqa: S608 -- of words above
    system.named("store").kill()

    assert await client.resolve(good) == b"cup"
    with pytest.raises(IntegrityError, match=f"its row is damaged: {damage.split(maxsplit=1)[0]} is "):
        await client.resolve(bad)
    [(apart, why)] = await client.quarantined()
    assert (apart.id, "damaged" in why) == (bad.id, True)

    assert (await client.store(b"tea")).id == bad.id
    assert await client.resolve(bad) == b"tea"
    assert await client.quarantined() == ()


async def test_garbage_that_could_not_be_collected_is_logged_and_collected_the_next_time(
    system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    """L-SQL-6: the original said nothing."""
    store = FailingStore()
    await system.start(Store, store, StoreOptions(gc_interval=10), name="store")
    client = StoreClient(system.named("store"))
    await client.store(b"tea", ttl=1)

    store.full = True
    await trio.sleep(15)
    failed = await client.stats()
    store.full = False
    await trio.sleep(10)

    assert "could not store a batch" in caplog.text
    assert "values.db has no room" in caplog.text
    assert (failed.active_refs, failed.eviction_count) == (1, 0)
    assert ((await client.stats()).active_refs, (await client.stats()).eviction_count) == (0, 1)


async def test_nothing_is_collected_after_the_store_was_closed(system: ActorSystem, tmp_path: Path) -> None:
    """L-REF-18."""
    store = SqliteReferenceStore(tmp_path / "values.db", inline=True)
    await system.start(Store, store, StoreOptions(gc_interval=10), name="store")
    client = StoreClient(system.named("store"))
    await client.store(b"tea", ttl=1)

    await client.close()
    await trio.sleep(25)

    assert (await client.stats()).gc_runs == 0
    assert len(store.rows(0, 9)) == 1


async def test_a_client_that_knows_an_older_limit_is_refused_as_well(system: ActorSystem) -> None:
    store = MemoryReferenceStore()
    ref = await system.start(Store, store, name="store")
    client = StoreClient(system.named("store"))
    await client.store(b"tea")
    await ref.stop()
    await system.start(Store, store, StoreOptions(max_bytes=10), name="store")

    with pytest.raises(ValueTooLargeError, match=r"11 bytes is too large: <store #.*> takes 10"):
        await client.store(b"x" * 11)
    with pytest.raises(ValueTooLargeError, match="takes 10"):
        await client.store(bytearray(LARGE), encoding="base64")


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"content_type": None}, "the content_type of a value is None; allowed is a str"),
        ({"content_type": "\ud800"}, "which is no text"),
        ({"type": "trace"}, "the type of a value is 'trace'; allowed is a ReferenceType"),
        ({"ttl": -1}, "the ttl of a value is -1; allowed is a finite number of seconds, 0 for ever"),
        ({"ttl": float("nan")}, "the ttl of a value is nan"),
        ({"compute_checksum": "no"}, "compute_checksum is 'no'; allowed is a bool"),
        ({"compression": "lz4"}, "compression is 'lz4'; allowed is none, gzip, zstd"),
        ({"encoding": "hex"}, "encoding is 'hex'; allowed is none, base64"),
    ],
)
async def test_what_cannot_be_said_about_a_value_is_refused_by_name(
    system: ActorSystem, facts: dict[str, Any], fault: str
) -> None:
    client = await supervised(system, MemoryReferenceStore())

    with pytest.raises(ValueRefusedError, match=fault):
        await client.store(b"tea", **facts)
    assert await client.list() == []


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "cannot store empty data"),
        (bytearray(), "cannot store empty data"),
        (memoryview(b""), "cannot store empty data"),
        ("tea", "a value is bytes, a bytearray or a memoryview; got str"),
        (None, "got NoneType"),
    ],
)
async def test_what_is_no_value_is_refused(system: ActorSystem, data: Any, fault: str) -> None:
    """L-REF-5."""
    client = await supervised(system, MemoryReferenceStore())

    with pytest.raises(ValueRefusedError, match=fault):
        await client.store(data)


async def test_a_closed_store_is_closed_after_a_restart(system: ActorSystem) -> None:
    client = await supervised(system, MemoryReferenceStore())
    await client.close()

    system.named("store").kill()

    with pytest.raises(StoreClosedError, match="is closed"):
        await client.store(b"tea")


async def test_a_store_that_was_closed_is_open_in_the_next_system() -> None:
    store = MemoryReferenceStore()
    async with open_system() as system:
        client = await supervised(system, store)
        await client.close()
        with pytest.raises(StoreClosedError):
            await client.store(b"tea")

    async with open_system() as system:
        client = await supervised(system, store)

        assert await client.resolve(await client.store(b"tea")) == b"tea"


class Clumsy(Store):
    """Falls when it has done what it was asked, before it can answer."""

    def handle_call(self, message: object, caller: Caller) -> Any:
        answer = super().handle_call(message, caller)
        if isinstance(message, Put) and not message.again:
            raise ValueError("fell")
        return answer


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_what_was_done_by_a_store_that_fell_is_told_by_one_that_was_closed(
    system: ActorSystem, tmp_path: Path, kind: str
) -> None:
    keeper = MemoryReferenceStore() if kind == "memory" else SqliteReferenceStore(tmp_path / "values.db", inline=True)
    client = await supervised(system, keeper, Clumsy)
    put = Put(new_key(), Facts("f00", 3, 3, 1, "", "", 0.0, False), 0, b"tea")  # noqa: FBT003 -- as the field is named
    with pytest.raises(ActorExitedError):
        await system.named("store").call(put)
    while not system.named("store").alive:
        await trio.lowlevel.checkpoint()
    await client.stats()

    await client.close()

    assert (await system.named("store").call(asked_again(put))).id == "f00"
    with pytest.raises(StoreClosedError):
        await system.named("store").call(asked_again(Put(new_key(), *put[1:])))
