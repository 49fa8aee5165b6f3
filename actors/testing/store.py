"""The suite that a ReferenceStore must pass, for those who write one.

Derive a class whose name begins with ``Test`` from `ReferenceStoreSuite`, or from `DurableReferenceStoreSuite` if what
is stored outlives the program, and say how a ReferenceStore is made::

    class TestMyStore(ReferenceStoreSuite):
        def new_store(self, folder):
            return MyReferenceStore(folder / "values")

Each test is an ordinary function that runs trio by itself, in virtual time, so no plugin is needed; it takes pytest's
``tmp_path``. For readable failures call ``pytest.register_assert_rewrite("actors.testing.store")`` before the import.
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import trio

from actors.store import ReferenceType, StoreOptions
from actors.store.behaviour import Batch, Loose, Piece
from actors.store.errors import (
    IntegrityError,
    InvalidReferenceError,
    ReferenceExpiredError,
    ReferenceNotFoundError,
    StoreClosedError,
    ValueRefusedError,
    ValueTooLargeError,
)
from actors.testing.store_bench import LARGE, Bench, in_virtual_time
from actors.testing.store_rows import ReferenceStoreRows
from actors.testing.suite import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from actors.store.behaviour import ReferenceStore
    from actors.store.coding import Compression, Encoding


class ReferenceStoreSuite(ReferenceStoreRows):
    """What every ReferenceStore does, by itself and under a store."""

    def new_store(self, folder: Path) -> ReferenceStore:
        """Return one that is empty; *folder* is its own. It must work beside trio's ``MockClock``."""
        raise NotImplementedError

    # -- a store on it

    @in_virtual_time
    async def test_a_reference_is_the_hash_of_what_was_stored(self, bench: Bench) -> None:
        """L-REF-3, 4; L-MEM-2: and 0 says that it never expires."""
        await bench.start()

        reference = await bench.client.store(b"tea", type=ReferenceType.TRACE, content_type="text/plain")

        assert reference.id == sha256(b"tea").hexdigest()
        assert (reference.type, reference.store) == (ReferenceType.TRACE, bench.store.kind)
        assert (reference.size, reference.content_type, reference.expires_at) == (3, "text/plain", 0)
        assert await bench.client.resolve(reference) == b"tea"

    @in_virtual_time
    async def test_empty_data_and_what_is_no_reference_are_refused(self, bench: Bench) -> None:
        """L-REF-5, 9: each with an error of its own."""
        await bench.start(StoreOptions(max_bytes=10))
        nothing: Any = None

        assert type(await refusal(bench.client.store(b""))) is ValueRefusedError
        assert type(await refusal(bench.client.store(b"x" * 11))) is ValueTooLargeError
        assert type(await refusal(bench.client.resolve(nothing))) is InvalidReferenceError
        assert type(await refusal(bench.client.release("f00"))) is ReferenceNotFoundError
        assert type(await refusal(bench.client.retain("f00"))) is ReferenceNotFoundError

    @in_virtual_time
    async def test_the_same_bytes_are_kept_once_and_held_twice(self, bench: Bench) -> None:
        """L-REF-6, 7, 16: the last release removes them at once, which is an eviction."""
        await bench.start()
        first = await bench.client.store(b"tea")
        second = await bench.client.store(b"tea")

        assert second == first
        assert await bench.client.release(first) == 1
        assert await bench.client.resolve(first) == b"tea"
        assert await bench.client.release(first) == 0

        assert type(await refusal(bench.client.resolve(first))) is ReferenceNotFoundError
        stats = await bench.client.stats()
        assert (stats.total_refs, stats.total_bytes, stats.eviction_count) == (1, 3, 1)
        assert (stats.active_refs, stats.current_bytes) == (0, 0)

    @in_virtual_time
    async def test_resolving_holds_nothing(self, bench: Bench) -> None:
        """L-REF-8, X3: unless it is asked to."""
        await bench.start()
        reference = await bench.client.store(b"tea")

        for _ in range(3):
            await bench.client.resolve(reference)
        await bench.client.resolve_and_retain(reference)

        assert await bench.client.release(reference) == 1

    @in_virtual_time
    async def test_delete_removes_whoever_holds_it(self, bench: Bench) -> None:
        """X2: and tells whether there was something."""
        await bench.start()
        reference = await bench.client.store(b"tea")
        await bench.client.retain(reference, 5)

        assert await bench.client.delete(reference) is True
        assert await bench.client.delete(reference) is False
        assert await bench.client.list() == []

    @in_virtual_time
    async def test_what_is_changed_after_it_was_stored_is_not_changed_in_the_store(self, bench: Bench) -> None:
        """L-REF-11."""
        await bench.start()
        buffer = bytearray(b"tea")
        reference = await bench.client.store(buffer)

        buffer[:] = b"cup"

        assert await bench.client.resolve(reference) == b"tea"

    @in_virtual_time
    async def test_storing_again_keeps_the_type_and_the_later_expiry(self, bench: Bench) -> None:
        """L-REF-12, X14: never is the latest."""
        await bench.start()
        first = await bench.client.store(b"tea", type=ReferenceType.TRACE, ttl=100)

        shorter = await bench.client.store(b"tea", type=ReferenceType.TOOL_RESULT, ttl=10)
        never = await bench.client.store(b"tea", ttl=0)
        after = await bench.client.store(b"tea", ttl=1000)

        assert shorter == first
        assert (never.type, never.expires_at, after.expires_at) == (ReferenceType.TRACE, 0, 0)

    @in_virtual_time
    async def test_what_has_expired_cannot_be_had_and_is_replaced_when_it_is_stored_again(self, bench: Bench) -> None:
        """L-REF-9, 13; L-MEM-3, Y8: strictly after its time, which is not rounded."""
        await bench.start(StoreOptions(gc_strategy="manual"))
        reference = await bench.client.store(b"tea", ttl=0.5)
        await bench.client.retain(reference)
        await trio.sleep(0.49)
        assert await bench.client.resolve(reference) == b"tea"

        await trio.sleep(0.02)
        assert type(await refusal(bench.client.resolve(reference))) is ReferenceExpiredError
        assert type(await refusal(bench.client.retain(reference))) is ReferenceExpiredError
        assert await bench.client.list() == []
        again = await bench.client.store(b"tea")

        assert await bench.client.resolve(again) == b"tea"
        assert await bench.client.release(again) == 0

    @in_virtual_time
    async def test_garbage_is_collected_by_strategy(self, bench: Bench) -> None:
        """L-REF-14, L-FAC-4: what has expired goes however many hold it, unless the strategy leaves it."""
        ref = await bench.start(StoreOptions(gc_interval=10, gc_strategy="ref_counting"))
        await bench.client.store(b"tea", ttl=1)
        await bench.client.store(b"tea", ttl=1)
        await bench.client.store(b"cup")
        await trio.sleep(25)
        kept = await bench.client.stats()

        await bench.restart(ref, StoreOptions(gc_interval=10, gc_strategy="ttl"))
        await trio.sleep(15)

        collected = await bench.client.stats()
        assert (kept.active_refs, kept.gc_runs, kept.eviction_count) == (2, 2, 0)
        assert (collected.active_refs, collected.gc_runs, collected.eviction_count) == (1, 3, 1)

    @in_virtual_time
    async def test_garbage_that_is_collected_by_hand_is_counted(self, bench: Bench) -> None:
        """L-FAC-4: with the strategy ``manual`` nothing is collected otherwise."""
        await bench.start(StoreOptions(gc_interval=1, gc_strategy="manual"))
        for number in range(600):
            await bench.client.store(b"%d" % number, ttl=5)
        await trio.sleep(10)
        before = await bench.client.stats()

        collected = await bench.client.collect()

        assert (before.active_refs, before.gc_runs) == (600, 0)
        assert collected == before.active_refs
        assert (await bench.client.stats()).active_refs == 0

    @in_virtual_time
    async def test_ten_retain_at_once(self, bench: Bench) -> None:
        """L-REF-17."""
        await bench.start()
        reference = await bench.client.store(b"tea")

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(bench.client.retain, reference)

        assert await bench.client.release(reference) == len(range(10))

    @in_virtual_time
    async def test_a_large_value_comes_back_whole(self, bench: Bench) -> None:
        """However it is compressed and encoded; the reference is the same."""
        await bench.start()
        sizes = []
        codings: list[tuple[Compression, Encoding]]
        codings = [("none", "none"), ("gzip", "none"), ("gzip", "base64"), ("none", "base64")]
        for compression, encoding in codings:
            reference = await bench.client.store(bytearray(LARGE), compression=compression, encoding=encoding)
            assert reference.id == sha256(LARGE).hexdigest()
            assert await bench.client.resolve(reference) == LARGE
            sizes.append((await bench.client.stats()).stored_bytes)
            await bench.client.delete(reference)

        assert sizes[0] == len(LARGE)
        assert sizes[1] < sizes[2] < len(LARGE) < sizes[3]

    @in_virtual_time
    async def test_a_large_value_that_is_cancelled_leaves_nothing(self, bench: Bench) -> None:
        """What was stored of it is deleted, a few pieces at a time."""
        await bench.start()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(partial(bench.client.store, LARGE, compression="gzip"))
                while not any(loose.pieces for loose in bench.store.loose()):
                    await trio.lowlevel.checkpoint()
                    assert not bench.store.rows(0, 1)
                scope.cancel()

        await trio.sleep(1)

        assert bench.store.loose() == []
        assert all(bench.store.piece(seq, number) is None for seq in range(1, 9) for number in range(9))

    @in_virtual_time
    async def test_a_large_value_that_was_released_leaves_nothing(self, bench: Bench) -> None:
        """As one that was stored twice leaves no second copy."""
        await bench.start()
        reference = await bench.client.store(LARGE)
        await bench.client.store(LARGE)
        assert await bench.client.release(reference) == 1
        assert await bench.client.resolve(reference) == LARGE

        await bench.client.release(reference)
        await trio.sleep(1)

        assert bench.store.loose() == []
        assert all(bench.store.piece(seq, number) is None for seq in range(1, 9) for number in range(9))

    @in_virtual_time
    async def test_damage_is_found_set_apart_and_healed(self, bench: Bench) -> None:
        """Whoever resolves it gets an error of its own; to store the same bytes again makes it good."""
        ref = await bench.start()
        reference = await bench.client.store(b"tea")
        ref.kill()
        await ref.wait()
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch(pieces=[Piece(bench.store.rows(0, 1)[0].seq, 0, 0, b"cup")]))
        ref = await bench.start()

        assert type(await refusal(bench.client.resolve(reference))) is IntegrityError
        await bench.restart(ref)
        assert type(await refusal(bench.client.resolve(reference))) is IntegrityError
        assert [known for known, _ in await bench.client.quarantined()] == [reference]

        await bench.client.store(b"tea")
        assert await bench.client.resolve(reference) == b"tea"
        assert await bench.client.quarantined() == ()
        assert await bench.client.release(reference) == 1

    @in_virtual_time
    async def test_the_next_incarnation_has_everything(self, bench: Bench) -> None:
        """With the counts, the totals, the expiries; L-SQL-5: totals never go down."""
        ref = await bench.start()
        tea = await bench.client.store(b"tea")
        await bench.client.retain(tea)
        cup = await bench.client.store(b"cup", ttl=60)
        gone = await bench.client.store(b"gone")
        await bench.client.release(gone)
        large = await bench.client.store(LARGE)
        before = await bench.client.stats()

        await bench.restart(ref)

        assert await bench.client.stats() == before
        assert await bench.client.list() == [tea, cup, large]
        assert await bench.client.resolve(large) == LARGE
        assert await bench.client.release(tea) == 1

    @in_virtual_time
    async def test_killed_under_load_it_loses_nothing_and_counts_each_hold_once(self, bench: Bench) -> None:
        """Clients wait for the next incarnation; nothing is stored twice, and nothing stays behind."""
        ref = await bench.start()
        held: dict[int, int] = {}

        async def work() -> None:
            for number in range(40):
                data = b"%d" % (number % 20)
                reference = await bench.client.store(data)
                held[number % 20] = held.get(number % 20, 0) + 1
                assert await bench.client.resolve(reference) == data
                await trio.sleep(0.01)

        async with trio.open_nursery() as nursery:
            for _ in range(8):
                nursery.start_soon(work)
            for _ in range(30):
                await trio.sleep(0.01)
                ref = await bench.restart(ref)

        for number, count in held.items():
            for left in range(count - 1, -1, -1):
                assert await bench.client.release(sha256(b"%d" % number).hexdigest()) == left
        assert bench.store.rows(0, 1) == []
        assert bench.store.loose() == []

    @in_virtual_time
    async def test_all_values_can_be_looked_at_with_their_counts(self, bench: Bench) -> None:
        """Also those that have expired and cannot be had any more."""
        await bench.start(StoreOptions(gc_strategy="manual"))
        tea = await bench.client.store(b"tea", type=ReferenceType.TRACE)
        cup = await bench.client.store(b"cup", ttl=1)
        await bench.client.retain(tea, 4)
        await trio.sleep(2)

        values = await bench.client.values()

        assert [(one.reference, one.holders, one.stored, one.fault) for one in values] == [
            (tea, 5, 3, None),
            (cup, 1, 3, None),
        ]
        assert await bench.client.value(tea) == values[0]
        assert await bench.client.list() == [tea]
        assert type(await refusal(bench.client.value("f00"))) is ReferenceNotFoundError

    @in_virtual_time
    async def test_a_closed_store_refuses(self, bench: Bench) -> None:
        """L-REF-18, Y9: to close it twice is fine."""
        await bench.start()
        reference = await bench.client.store(b"tea")
        await bench.client.close()
        await bench.client.close()

        assert type(await refusal(bench.client.store(b"cup"))) is StoreClosedError
        assert type(await refusal(bench.client.resolve(reference))) is StoreClosedError
        assert (await bench.client.stats()).total_refs == 1


class DurableReferenceStoreSuite(ReferenceStoreSuite):
    """What one does as well that outlives the program: `new_store` of the same folder has what was stored there."""

    def test_the_next_program_has_everything(self, tmp_path: Path) -> None:
        """L-SQL-2, 5, X15: content, counts, totals; and greater epochs."""
        kept: list[Any] = []

        @in_virtual_time
        async def first(_: ReferenceStoreSuite, bench: Bench) -> None:
            ref = await bench.start()
            kept.append(await bench.client.store(b"tea", type=ReferenceType.TRACE, content_type="text/plain"))
            kept.append(await bench.client.store(LARGE, compression="gzip"))
            await bench.client.retain(kept[0])
            await bench.client.release(await bench.client.store(b"gone"))
            kept.append(await bench.client.stats())
            ref.kill()
            await ref.wait()
            kept.append(await bench.store.open(bench.system))

        @in_virtual_time
        async def second(_: ReferenceStoreSuite, bench: Bench) -> None:
            tea, large, stats, epoch = kept
            assert await bench.store.open(bench.system) > epoch
            await bench.start()
            assert await bench.client.list() == [tea, large]
            assert await bench.client.stats() == stats
            assert await bench.client.resolve(tea) == b"tea"
            assert await bench.client.resolve(large) == LARGE
            assert await bench.client.release(tea) == 1

        first(self, tmp_path)
        second(self, tmp_path)

    def test_what_an_earlier_program_did_not_complete_is_deleted(self, tmp_path: Path) -> None:
        """In time: it might still be continued, as far as the store can tell."""

        @in_virtual_time
        async def first(_: ReferenceStoreSuite, bench: Bench) -> None:
            epoch = await bench.store.open(bench.system)
            await bench.commit(epoch, Batch(pieces=[Piece(3, 0, 0, b"tea")], loose={3: Loose(3, 1)}))

        @in_virtual_time
        async def second(_: ReferenceStoreSuite, bench: Bench) -> None:
            await bench.start()
            await trio.sleep(600)
            assert bench.store.loose() == []
            assert bench.store.piece(3, 0) is None

        first(self, tmp_path)
        second(self, tmp_path)
