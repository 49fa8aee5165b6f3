"""The suite that a store of the queue must pass, for those who write one.

Derive a class whose name begins with ``Test`` from `QueueStoreSuite`, or from `DurableQueueStoreSuite` if what is
stored outlives the program, and say how a store is made::

    class TestMyStore(QueueStoreSuite):
        def new_store(self, folder):
            return MyStore(folder / "queue")

Each test is an ordinary function that runs trio by itself, in virtual time, so no plugin is needed; it takes pytest's
``tmp_path``. For readable failures call ``pytest.register_assert_rewrite("actors.testing.queue")`` before the import.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from actors.exit import KILLED
from actors.queue.behaviour import Batch
from actors.queue.errors import FencedError, LeaseLostError, QueueClosedError, RetriesExceededError
from actors.queue.queue import LEAST_SECONDS
from actors.queue.states import ACKED, EXPIRED, FAILED, IN_FLIGHT, PENDING
from actors.testing.queue_bench import NOW, Bench, change, in_virtual_time, row
from actors.testing.suite import refusal

if TYPE_CHECKING:
    from pathlib import Path

    from actors.queue.behaviour import QueueStore
    from actors.queue.requests import Lease


def _note(told: list[tuple[int, Exception | None]], number: int, error: Exception | None) -> None:
    told.append((number, error))


class QueueStoreSuite:
    """What every store does, by itself and under a queue."""

    def new_store(self, folder: Path) -> QueueStore:
        """Return a store that is empty; *folder* is its own. It must work beside trio's ``MockClock``."""
        raise NotImplementedError

    # -- the store by itself

    @in_virtual_time
    async def test_rows_come_back_as_they_were_put(self, bench: Bench) -> None:
        """Every column, also those that may be empty."""
        epoch = await bench.store.open(bench.system)
        rows = [
            row(1, recipient="caf\u00e9", priority=2**63 - 1, payload=bytes(range(256)) * 300),
            row(2, metadata=b"\x80", correlation_id="c", kind=1, priority=-(2**63), payload=b""),
        ]

        assert await bench.commit(epoch, Batch(rows)) is None

        assert [record.row for record in bench.store.fetch([1, 2, 3])] == rows
        assert bench.store.last_seq() == rows[-1].seq

    @in_virtual_time
    async def test_what_has_changed_comes_back_changed(self, bench: Bench) -> None:
        """And what was deleted does not come back."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch([row(1), row(2), row(3)]))
        leased, failed = change(1, IN_FLIGHT), change(2, FAILED, finished_at=NOW + 1, error="no tea")

        await bench.commit(epoch, Batch(changes=[leased, failed], deletes=[3]))

        assert [record.change for record in bench.store.fetch([1, 2, 3])] == [leased, failed]
        assert [sketch.seq for sketch in await bench.pending()] == [1]

    @in_virtual_time
    async def test_pending_rows_come_in_the_order_of_their_numbers(self, bench: Bench) -> None:
        """All of them, however many there are."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch([row(seq, given=seq % 2) for seq in range(1, 2501)]))

        sketches = await bench.pending()

        assert [sketch.seq for sketch in sketches] == list(range(1, 2501))
        assert tuple(sketches[0]) == (1, "worker", 0, NOW, NOW + 60, "id 1")
        assert sketches[1].given_id is None

    @in_virtual_time
    async def test_finished_rows_are_listed_by_time(self, bench: Bench) -> None:
        """Page by page, and found by their id."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch([row(seq) for seq in range(1, 6)]))
        changes = [change(seq, FAILED, finished_at=NOW - seq, error="no tea") for seq in range(1, 5)]
        await bench.commit(epoch, Batch(changes=[*changes, change(5, ACKED, finished_at=NOW)]))

        first = bench.store.finished(FAILED, (float("-inf"), 0), 2)
        rest = bench.store.finished(FAILED, (NOW - 3, 3), 10)

        assert [record.row.seq for record in first + rest] == [4, 3, 2, 1]
        assert [record.row.seq for record in bench.store.find("id 5")] == [5]
        async with aclosing(bench.store.finished_ids()) as slices:
            assert (5, "id 5") in [pair async for pairs in slices for pair in pairs]

    @in_virtual_time
    async def test_an_earlier_incarnation_can_store_nothing(self, bench: Bench) -> None:
        """A zombie commits nothing after its successor has begun (the epoch is its fence)."""
        earlier = await bench.store.open(bench.system)
        later = await bench.store.open(bench.system)

        refused = await bench.commit(earlier, Batch([row(1)]))
        stored = await bench.commit(later, Batch([row(2)]))

        assert later > earlier
        assert type(refused) is FencedError
        assert stored is None
        assert [sketch.seq for sketch in await bench.pending()] == [2]

    @in_virtual_time
    async def test_batches_are_stored_in_the_order_they_are_given(self, bench: Bench) -> None:
        """Also if nobody waits for one before the next; each is told of once."""
        epoch = await bench.store.open(bench.system)
        told: list[tuple[int, Exception | None]] = []
        batches = [Batch([row(1)]), Batch(changes=[change(1, IN_FLIGHT)]), Batch([row(2)]), Batch(deletes=[1])]

        for number, batch in enumerate(batches):
            bench.store.commit(epoch, batch, partial(_note, told, number))
        await bench.commit(epoch, Batch([row(3)]))

        assert told == [(number, None) for number in range(len(batches))]
        assert [sketch.seq for sketch in await bench.pending()] == [2, 3]

    @in_virtual_time
    async def test_commits_go_on_while_rows_are_read(self, bench: Bench) -> None:
        """A queue that is opened reads them in slices; whoever reads may stop."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch([row(seq) for seq in range(1, 2501)]))

        async with aclosing(bench.store.pending()) as slices:
            first = await anext(slices)
            stored = await bench.commit(epoch, Batch([row(2501)], deletes=[1, 2500]))

        assert first[0].seq == 1
        assert stored is None
        assert [sketch.seq for sketch in await bench.pending()] == [*range(2, 2500), 2501]

    @in_virtual_time
    async def test_a_store_that_was_closed_can_be_opened_again(self, bench: Bench) -> None:
        """It may be closed twice, too: each incarnation of a queue does so at its end."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch([row(1)]))

        bench.store.close()
        bench.store.close()
        epoch = await bench.store.open(bench.system)

        assert await bench.commit(epoch, Batch([row(2)])) is None
        assert [sketch.seq for sketch in await bench.pending()] == [1, 2]

    # -- a queue on the store

    @in_virtual_time
    async def test_the_highest_priority_comes_first_and_then_what_was_put_first(self, bench: Bench) -> None:
        """L-QUE-8, 9: any number is a priority."""
        await bench.start()
        for number, priority in enumerate([0, -20_000, 7, 0, 7]):
            await bench.queue.put("worker", number, priority=priority)

        leases = await bench.queue.lease_many("worker", 10)

        assert [lease.message.payload for lease in leases] == [2, 4, 0, 3, 1]

    @in_virtual_time
    async def test_what_is_given_back_keeps_its_place(self, bench: Bench) -> None:
        """L-QUE-8, 10: and it is counted that it was leased."""
        await bench.start()
        for number in range(3):
            await bench.queue.put("worker", number)
        first = await bench.queue.lease("worker")

        await bench.queue.requeue(first)

        again = await bench.queue.lease_many("worker", 3)
        assert [lease.message.payload for lease in again] == [0, 1, 2]
        assert [lease.message.dequeue_count for lease in again] == [2, 1, 1]

    @in_virtual_time
    async def test_what_is_acknowledged_is_gone(self, bench: Bench) -> None:
        """L-QUE-13: and cannot be acknowledged once more."""
        await bench.start()
        await bench.queue.put("worker", "tea")
        lease = await bench.queue.lease("worker")

        await bench.queue.ack(lease)

        assert type(await refusal(bench.queue.ack(lease))) is LeaseLostError
        await trio.sleep(1)
        assert bench.store.fetch([lease.seq]) == []

    @in_virtual_time
    async def test_a_message_is_leased_as_often_as_it_may_be(self, bench: Bench) -> None:
        """L-QUE-14, Y5: then it is a dead letter."""
        await bench.start()
        await bench.queue.put("worker", "tea", max_retries=2)
        await bench.queue.requeue(await bench.queue.lease("worker"))

        refused = await refusal(bench.queue.requeue(await bench.queue.lease("worker")))

        assert type(refused) is RetriesExceededError
        assert await bench.queue.depth("worker") == 0
        assert [dead.message.status for dead in await bench.queue.dead_letters()] == [FAILED]

    @in_virtual_time
    async def test_a_lease_that_is_not_ended_runs_out(self, bench: Bench) -> None:
        """L-QUE-16: who waits gets the message at that moment."""
        await bench.start()
        await bench.queue.put("worker", "tea")
        seconds = 10.0
        first = await bench.queue.lease("worker", seconds=seconds)
        begin = trio.current_time()

        second = await bench.queue.lease("worker")

        assert abs(trio.current_time() - begin - seconds) <= LEAST_SECONDS
        assert second.message.id == first.message.id
        assert type(await refusal(bench.queue.ack(first))) is LeaseLostError

    @in_virtual_time
    async def test_what_has_expired_is_not_leased(self, bench: Bench) -> None:
        """L-QUE-11, 18: it is found even if nobody looks, and is a dead letter."""
        await bench.start()
        await bench.queue.put("worker", "tea", expires_after=5)
        await bench.queue.put("worker", "coffee", expires_after=50)

        await trio.sleep(6)

        assert await bench.queue.depth("worker") == 1
        assert [lease.message.payload for lease in await bench.queue.lease_many("worker", 9)] == ["coffee"]
        assert [dead.message.status for dead in await bench.queue.dead_letters()] == [EXPIRED]

    @in_virtual_time
    async def test_the_next_incarnation_has_everything(self, bench: Bench) -> None:
        """L-QUE-19, 20, 39: in order, with its counts; what was in flight is pending."""
        first = await bench.start()
        await bench.queue.put("worker", {"n": 0}, metadata={"a": 1}, correlation_id="c", type="order", id="mine")
        await bench.queue.put("worker", {"n": 1}, priority=5)
        await bench.queue.put("worker", {"n": 2}, delay=30)
        leased = await bench.queue.lease_many("worker", 1)
        await trio.sleep(1)
        first.kill()
        assert await first.wait() == KILLED

        await bench.start()

        leases = [await bench.queue.lease("worker") for _ in range(3)]
        assert [lease.message.payload["n"] for lease in leases] == [1, 0, 2]
        assert [lease.message.dequeue_count for lease in leases] == [2, 1, 1]
        assert (leases[1].message.metadata, leases[1].message.correlation_id) == ({"a": 1}, "c")
        assert type(await refusal(bench.queue.ack(leased[0]))) is LeaseLostError
        assert await bench.queue.put("worker", {"n": 9}, id="mine") == "mine"
        assert await bench.queue.depth("worker") == 0

    @in_virtual_time
    async def test_a_dead_letter_can_be_replayed_or_discarded(self, bench: Bench) -> None:
        """L-QUE-15: it is listed until then."""
        await bench.start()
        ids = [await bench.queue.put("worker", number) for number in range(3)]
        for lease in await bench.queue.lease_many("worker", 3):
            await bench.queue.reject(lease, "cannot be done")

        await bench.queue.discard(ids[0])
        await bench.queue.replay(ids[2])

        assert [dead.message.id for dead in await bench.queue.dead_letters()] == [ids[1]]
        assert [(info.message_id) for info in await bench.queue.pending_info("worker")] == [ids[2]]
        assert (await bench.queue.lease("worker")).message.dequeue_count == 1

    @in_virtual_time
    async def test_ten_producers_and_ten_consumers_lose_and_double_nothing(self, bench: Bench) -> None:
        """L-QUE-35."""
        await bench.start()
        handled: list[int] = []

        async def produce(first: int) -> None:
            for number in range(first, first + 10):
                await bench.queue.put("worker", number)

        async def consume() -> None:
            for _ in range(10):
                lease: Lease = await bench.queue.lease("worker")
                handled.append(lease.message.payload)
                await bench.queue.ack(lease)

        async with trio.open_nursery() as nursery:
            for first in range(0, 100, 10):
                nursery.start_soon(produce, first)
                nursery.start_soon(consume)

        assert sorted(handled) == list(range(100))
        assert (await bench.queue.statistics()).acked == len(handled)

    @in_virtual_time
    async def test_a_closed_queue_refuses(self, bench: Bench) -> None:
        """L-QUE-34, Y9: to close it twice is fine, and what it has is kept."""
        await bench.start()
        await bench.queue.put("worker", "tea")
        await bench.queue.close()
        await bench.queue.close()

        refused = await refusal(bench.queue.put("worker", "coffee"))

        assert type(refused) is QueueClosedError
        assert [sketch.recipient for sketch in await bench.pending()] == ["worker"]
        assert bench.store.fetch([1])[0].change.status == PENDING

    @in_virtual_time
    async def test_a_closed_queue_is_closed_after_a_restart(self, bench: Bench) -> None:
        """L-QUE-34: it still tells what it has."""
        first = await bench.start()
        await bench.queue.put("worker", "tea")
        await bench.queue.close()
        first.kill()
        await first.wait()
        await bench.start()

        refused = [await refusal(bench.queue.put("worker", "coffee")), await refusal(bench.queue.lease("worker"))]

        assert [type(error) for error in refused] == [QueueClosedError, QueueClosedError]
        assert await bench.queue.depth("worker") == 1


class DurableQueueStoreSuite(QueueStoreSuite):
    """What a store does as well that outlives the program: `new_store` of the same folder has what was stored there."""

    def test_the_next_program_has_the_rows_as_they_were_stored(self, tmp_path: Path) -> None:
        """And greater epochs, whatever became of the numbers of rows."""
        kept: list[Any] = []

        @in_virtual_time
        async def first(_: QueueStoreSuite, bench: Bench) -> None:
            kept.append(await bench.store.open(bench.system))
            await bench.commit(kept[0], Batch([row(seq) for seq in range(1, 5)]))
            failed = change(2, FAILED, finished_at=NOW + 1, error="no tea")
            await bench.commit(kept[0], Batch(changes=[change(1, IN_FLIGHT), failed], deletes=[3]))
            kept.append(bench.store.fetch([1, 2, 3, 4]))

        @in_virtual_time
        async def second(_: QueueStoreSuite, bench: Bench) -> None:
            epoch = await bench.store.open(bench.system)

            assert epoch > kept[0]
            assert bench.store.fetch([1, 2, 3, 4]) == kept[1]
            assert bench.store.last_seq() == kept[1][-1].row.seq
            assert [sketch.seq for sketch in await bench.pending()] == [1, 4]
            assert bench.store.finished(FAILED, (float("-inf"), 0), 9) == bench.store.find("id 2") == kept[1][1:2]

        first(self, tmp_path)
        second(self, tmp_path)

    def test_the_next_program_goes_on_with_the_messages(self, tmp_path: Path) -> None:
        """L-QUE-19, 20: in order, with their counts, and knowing the ids that were given."""

        @in_virtual_time
        async def first(_: QueueStoreSuite, bench: Bench) -> None:
            await bench.start()
            for number in range(4):
                await bench.queue.put("worker", number, id=f"order {number}")
            leases = await bench.queue.lease_many("worker", 3)
            await bench.queue.ack(leases[0])
            await bench.queue.reject(leases[1], "cannot be done")

        @in_virtual_time
        async def second(_: QueueStoreSuite, bench: Bench) -> None:
            await bench.start()
            await bench.queue.put("worker", "again", id="order 3")

            leases = await bench.queue.lease_many("worker", 9)
            assert [(lease.message.payload, lease.message.dequeue_count) for lease in leases] == [(2, 2), (3, 1)]
            assert [dead.message.id for dead in await bench.queue.dead_letters()] == ["order 1"]

        first(self, tmp_path)
        second(self, tmp_path)
