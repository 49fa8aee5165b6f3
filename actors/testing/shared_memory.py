"""The suite that a store of the shared memory must pass, for those who write one.

Derive a class whose name begins with ``Test`` from `EntryStoreSuite`, or from `DurableEntryStoreSuite` if what is
stored outlives the program, and say how a store is made::

    class TestMyStore(EntryStoreSuite):
        def new_store(self, folder):
            return MyStore(folder / "entries")

Each test is an ordinary function that runs trio by itself, in virtual time, so no plugin is needed; it takes pytest's
``tmp_path``. For readable failures call ``pytest.register_assert_rewrite("actors.testing.shared_memory")`` before the
import.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import trio

from actors.exit import KILLED
from actors.shared_memory.behaviour import Change, Outcome
from actors.shared_memory.entry import Tombstone
from actors.shared_memory.errors import FencedError, SharedMemoryClosedError, VersionConflictError
from actors.shared_memory.key import Namespace
from actors.testing.shared_memory_bench import Bench, change, entry, in_virtual_time
from actors.testing.suite import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from actors.shared_memory.behaviour import EntryStore

SESSION = Namespace.SESSION


class EntryStoreSuite:
    """What every store does, by itself and under a shared memory."""

    def new_store(self, folder: Path) -> EntryStore:
        """Return a store that is empty; *folder* is its own. It must work beside trio's ``MockClock``."""
        raise NotImplementedError

    # -- the store by itself

    @in_virtual_time
    async def test_entries_come_back_as_they_were_stored(self, bench: Bench) -> None:
        """Every field, also the empty value and names in any script."""
        epoch = await bench.store.open(bench.system)
        entries = [
            entry(1, "caf\u00e9", value=bytes(range(256)) * 30, metadata={"kind": "draft"}),
            entry(2, "empty", value=b""),
            entry(3, "a:b", namespace=Namespace.AGENT, scope="x:y", version=7),
        ]

        assert await bench.commit(epoch, [change(one) for one in entries]) is None

        assert await bench.records() == entries
        assert bench.store.last_change() == entries[-1].change

    @in_virtual_time
    async def test_a_later_entry_takes_the_place_of_an_earlier_one(self, bench: Bench) -> None:
        """Also within one commit."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, [change(entry(1, "motto")), change(entry(2, "motto", version=2))])
        await bench.commit(epoch, [change(entry(3, "motto", version=3))])

        assert await bench.records() == [entry(3, "motto", version=3)]

    @in_virtual_time
    async def test_a_tombstone_stays_only_if_it_is_kept(self, bench: Bench) -> None:
        """The number of the change is used up in either case."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, [change(entry(1, "a")), change(entry(2, "b"))])
        kept = Tombstone(entry(1, "a").where, 1, "bob", 5.0, kept=True, change=3)
        gone = Tombstone(entry(2, "b").where, 1, "bob", 5.0, kept=False, change=4)

        await bench.commit(epoch, [Change("x", kept, created=False), Change("y", gone, created=False)])

        assert await bench.records() == [kept]
        assert bench.store.last_change() == gone.change

    @in_virtual_time
    async def test_what_became_of_a_write_is_remembered(self, bench: Bench) -> None:
        """By its idempotency key, until it is asked for again."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, [Change("first", entry(1, "a"), created=True)])
        await bench.commit(epoch, [Change("second", entry(2, "a", version=2), created=False)])

        assert bench.store.outcome("first") == Outcome(1, created=True)
        assert bench.store.outcome("second") == Outcome(2, created=False)
        assert bench.store.outcome("third") is None

    @in_virtual_time
    async def test_an_earlier_incarnation_can_store_nothing(self, bench: Bench) -> None:
        """A zombie commits nothing after its successor has begun (the epoch is its fence)."""
        earlier = await bench.store.open(bench.system)
        later = await bench.store.open(bench.system)

        refused = await bench.commit(earlier, [change(entry(1, "a"))])
        stored = await bench.commit(later, [change(entry(1, "b"))])

        assert later > earlier
        assert type(refused) is FencedError
        assert stored is None
        assert await bench.records() == [entry(1, "b")]

    @in_virtual_time
    async def test_many_entries_are_read_in_slices(self, bench: Bench) -> None:
        """All of them, however many there are."""
        epoch = await bench.store.open(bench.system)
        entries = [entry(number, f"k{number}") for number in range(1, 1201)]
        await bench.commit(epoch, [change(one) for one in entries])

        assert sorted(await bench.records(), key=lambda record: getattr(record, "change", 0)) == entries

    @in_virtual_time
    async def test_a_store_that_was_closed_can_be_opened_again(self, bench: Bench) -> None:
        """It may be closed twice, too: each incarnation does so at its end."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, [change(entry(1, "a"))])

        bench.store.close()
        bench.store.close()
        epoch = await bench.store.open(bench.system)

        assert await bench.commit(epoch, [change(entry(2, "a", version=2))]) is None
        assert await bench.records() == [entry(2, "a", version=2)]

    # -- a shared memory on the store

    @in_virtual_time
    async def test_versions_start_at_1_and_go_on_by_1(self, bench: Bench) -> None:
        """L-SHM-2, 3, 6, 9: whatever the value; who created it stays."""
        await bench.start()

        results = [await bench.client(who).put(SESSION, "motto", b"tea") for who in ("ann", "bob", "bob")]

        assert [(result.version, result.created) for result in results] == [(1, True), (2, False), (3, False)]
        found = await bench.client().get(SESSION, "motto")
        assert found is not None
        assert (found.value, found.version, found.created_by, found.updated_by) == (b"tea", 3, "ann", "bob")
        assert found.checksum == results[0].checksum == sha256(b"tea").hexdigest()

    @in_virtual_time
    async def test_another_version_than_expected_changes_nothing(self, bench: Bench) -> None:
        """L-SHM-4: nor does create-only where there is something."""
        await bench.start()
        client = bench.client("ann")
        await client.put(SESSION, "motto", b"tea", create_only=True)

        refused = [
            await refusal(client.put(SESSION, "motto", b"milk", expected_version=2)),
            await refusal(client.put(SESSION, "motto", b"milk", create_only=True)),
            await refusal(client.put(SESSION, "other", b"milk", expected_version=1)),
            await refusal(client.delete(SESSION, "motto", expected_version=2)),
        ]

        assert [type(error) for error in refused] == [VersionConflictError] * 4
        assert (await client.list(SESSION)).keys == ("motto",)
        assert (await client.put(SESSION, "motto", b"tea", expected_version=1)).version == 1 + 1

    @in_virtual_time
    async def test_one_of_many_writers_with_the_same_expectation_wins(self, bench: Bench) -> None:
        """L-SHM-5."""
        await bench.start()
        await bench.client("ann").put(SESSION, "seat", b"")
        won: list[str] = []

        async def take(who: str) -> None:
            if await refusal(bench.client(who).put(SESSION, "seat", who.encode(), expected_version=1)) is None:
                won.append(who)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(take, f"agent {number}")

        found = await bench.client().get(SESSION, "seat")
        assert found is not None
        assert [found.value.decode()] == won

    @in_virtual_time
    async def test_the_versions_of_a_deleted_key_begin_anew_unless_a_tombstone_is_left(self, bench: Bench) -> None:
        """L-SHM-3, 10."""
        await bench.start()
        client = bench.client("ann")
        for key in ("a", "b"):
            await client.put(SESSION, key, b"1")
            await client.put(SESSION, key, b"2")

        deleted = [await client.delete(SESSION, "a"), await client.delete(SESSION, "b", tombstone=True)]

        assert deleted == [(True, 2), (True, 2)]
        assert await client.delete(SESSION, "b", expected_version=9) == (False, 0)
        assert [await client.get(SESSION, key) for key in ("a", "b")] == [None, None]
        results = [await client.put(SESSION, key, b"3", create_only=True) for key in ("a", "b")]
        assert [(result.version, result.created) for result in results] == [(1, True), (3, True)]

    @in_virtual_time
    async def test_a_long_value_is_compressed_where_it_is_stored(self, bench: Bench) -> None:
        """L-SHM-7, 8, 9, 14: nobody else sees that, whoever watches neither."""
        await bench.start()
        client = bench.client("ann")
        value = b"tea " * 1000
        async with client.watch(SESSION) as watch:
            result = await client.put(SESSION, "long", value)

            told = await anext(watch)

        assert result.size_bytes < len(value)
        assert result.checksum == sha256(value).hexdigest()
        assert told == await client.get(SESSION, "long")
        assert (told.value, told.compressed) == (value, False)

    @in_virtual_time
    async def test_the_next_incarnation_has_everything(self, bench: Bench) -> None:
        """DESIGN 4.10: entries, tombstones, versions, and what was done under which idempotency key."""
        first = await bench.start()
        client = bench.client("ann")
        await client.put(SESSION, "motto", b"tea" * 1000, metadata={"kind": "draft"}, idempotency_key="mine")
        await client.put(SESSION, "other", b"x")
        await client.delete(SESSION, "other", tombstone=True)
        before = await client.get(SESSION, "motto")
        first.kill()
        assert await first.wait() == KILLED

        await bench.start()

        assert await client.get(SESSION, "motto") == before
        assert (await client.put(SESSION, "other", b"y")).version == 1 + 1
        assert (await client.put(SESSION, "motto", b"tea" * 1000, idempotency_key="mine")).version == 1

    @in_virtual_time
    async def test_a_watch_goes_on_with_the_next_incarnation(self, bench: Bench) -> None:
        """Every change once, and in order."""
        first = await bench.start()
        client = bench.client("ann")
        async with client.watch(SESSION, "*", initial=True) as watch:
            await client.put(SESSION, "a", b"1")
            first.kill()
            await first.wait()
            await bench.start()
            await client.put(SESSION, "a", b"2")

            told: list[Any] = [await anext(watch), await anext(watch)]

        assert [(one.value, one.version) for one in told] == [(b"1", 1), (b"2", 2)]

    @in_virtual_time
    async def test_a_closed_shared_memory_refuses(self, bench: Bench) -> None:
        """L-SHM-22: to close it twice is fine, watches end, and what it has is kept."""
        await bench.start()
        client = bench.client("ann")
        await client.put(SESSION, "motto", b"tea")
        async with client.watch(SESSION, initial=True) as watch:
            await client.close()
            await client.close()

            told = [change async for change in watch]

        assert [change.key for change in told] == ["motto"]
        assert type(await refusal(client.get(SESSION, "motto"))) is SharedMemoryClosedError
        assert len(await bench.records()) == 1


class DurableEntryStoreSuite(EntryStoreSuite):
    """What a store does as well that outlives the program: `new_store` of the same folder has what was stored there."""

    def test_the_next_program_has_everything(self, tmp_path: Path) -> None:
        """As it was stored, with greater epochs."""
        kept: list[Any] = []

        @in_virtual_time
        async def first(_: EntryStoreSuite, bench: Bench) -> None:
            await bench.start()
            client = bench.client("ann")
            await client.put(SESSION, "motto", b"tea" * 1000, metadata={"kind": "draft"}, idempotency_key="mine")
            await client.put(Namespace.AGENT, "motto", b"mine")
            await client.put(SESSION, "other", b"x")
            await client.delete(SESSION, "other", tombstone=True)
            kept.append(await client.get(SESSION, "motto"))
            kept.append(await bench.store.open(bench.system))

        @in_virtual_time
        async def second(_: EntryStoreSuite, bench: Bench) -> None:
            assert await bench.store.open(bench.system) > kept[1]
            await bench.start()
            client = bench.client("ann")

            assert await client.get(SESSION, "motto") == kept[0]
            assert (await client.list(Namespace.AGENT)).keys == ("motto",)
            assert (await client.put(SESSION, "other", b"y")).version == 1 + 1
            assert (await client.put(SESSION, "motto", b"tea" * 1000, idempotency_key="mine")).version == 1

        first(self, tmp_path)
        second(self, tmp_path)
