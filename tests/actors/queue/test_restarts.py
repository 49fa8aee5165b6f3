"""A queue that is killed, under load and at bad moments: what it acknowledged is there, and nothing is there twice."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import ActorExitedError, ActorSystem, Call, Crash, NoProcessError, NoReplyError
from actors.queue import (
    FencedError,
    LeaseLostError,
    MemoryStore,
    NoAnswerError,
    OutcomeUnknownError,
    Queue,
    QueueClient,
    QueueClosedError,
    QueueStore,
    SqliteStore,
    StoreFailedError,
)
from actors.queue import requests as ask
from actors.queue.drafts import content_of, put_of
from actors.wall_clock import wall_clock
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.queue.slow_store import SlowStore

if TYPE_CHECKING:
    from pathlib import Path

    from actors.queue import Batch, Done


async def supervised(system: ActorSystem, store: QueueStore) -> QueueClient:
    """Start a queue that comes back, and return its client."""
    spec = SupervisorSpec([ChildSpec("queue", Queue, (store,), name="queue")], intensity=1_000_000)
    await system.start(Supervisor, spec)
    return QueueClient(system.named("queue"), patience=60)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> QueueStore:
    return MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "queue.db", inline=True)


class Load:
    """Producers and consumers, and what they were told."""

    def __init__(self, queue: QueueClient, system: ActorSystem, seed: int) -> None:
        self.queue = queue
        self.system = system
        self.random = Random(seed)  # noqa: S311 -- it only has to repeat itself
        self.stored: list[str] = []
        self.handled: list[str] = []
        self.acked: list[str] = []

    async def produce(self, name: str, count: int) -> None:
        for number in range(count):
            await self.queue.put("worker", f"{name} {number}", max_retries=1_000)
            self.stored.append(f"{name} {number}")

    async def consume(self) -> None:
        while True:
            lease = await self.queue.lease("worker")
            self.handled.append(lease.message.payload)
            await trio.sleep(self.random.choice([0, 0, 0.001]))
            try:
                await self.queue.ack(lease)
            except LeaseLostError:
                continue
            self.acked.append(lease.message.payload)

    async def kill_now_and_then(self, times: int) -> None:
        for _ in range(times):
            await trio.sleep(self.random.random() / 50)
            for _ in range(self.random.randrange(40)):
                await trio.lowlevel.checkpoint()
            queue = self.system.whereis("queue")
            if queue is not None:
                queue.kill()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
async def test_a_queue_that_is_killed_under_load_loses_and_doubles_nothing(
    system: ActorSystem, store: QueueStore, seed: int
) -> None:
    """L-QUE-36: at least once; a message that was acknowledged is never leased again, as long as the program lives."""
    queue = await supervised(system, store)
    load = Load(queue, system, seed)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(load.consume)
        async with trio.open_nursery() as producers:
            for name in "abcd":
                producers.start_soon(load.produce, name, 50)
            producers.start_soon(load.kill_now_and_then, 25)
        # Leases of consumers that could not acknowledge in time have ended by then.
        await trio.sleep(100)
        nursery.cancel_scope.cancel()

    expected = sorted(f"{name} {number}" for name in "abcd" for number in range(50))
    assert sorted(load.stored) == expected
    assert sorted(set(load.handled)) == expected
    assert sorted(load.acked) == expected
    assert await queue.dead_letters() == ()


async def test_a_put_whose_answer_was_lost_is_stored_once(system: ActorSystem) -> None:
    """The store had the message, and the queue died before it could say so; meanwhile it was handled."""
    store = SlowStore()
    queue = await supervised(system, store)
    store.held = []
    ids: list[str] = []

    async def put() -> None:
        ids.append(await queue.put("ann", "tea"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(put)
        await wait_all_tasks_blocked()
        first = system.whereis("queue")
        assert first is not None
        first.kill()
        store.report()
        await first.wait()
        await queue.ack(await queue.lease("ann"))

    assert len(ids) == 1
    assert await queue.depth("ann") == 0
    assert (await queue.statistics()).enqueued == 0


async def test_a_put_that_was_given_up_and_is_repeated_is_stored_once(system: ActorSystem) -> None:
    store = SlowStore()
    await system.start(Queue, store, name="queue")
    queue = QueueClient(system.named("queue"), patience=1)
    store.held = []
    with pytest.raises(OutcomeUnknownError, match=r"did not answer .* within 1 s") as unknown:
        await queue.put("ann", "tea")
    store.report()
    await queue.ack(await queue.lease("ann"))

    assert unknown.value.message_id is not None
    again = await queue.put("ann", "tea", id=unknown.value.message_id)

    assert (again, unknown.value.retryable) == (unknown.value.message_id, True)
    assert await queue.depth("ann") == 0


async def test_who_put_something_before_the_queue_was_closed_is_told_that_although_it_was_killed(
    system: ActorSystem,
) -> None:
    """The store reports the batch to an incarnation that is no more."""
    store = SlowStore()
    queue = await supervised(system, store)
    store.held = []
    stored: list[str] = []

    async def put() -> None:
        stored.append(await queue.put("ann", "tea"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(put)
        await wait_all_tasks_blocked()
        nursery.start_soon(queue.close)
        await wait_all_tasks_blocked()
        system.named("queue").kill()
        store.report()

    with pytest.raises(QueueClosedError, match="is closed"):
        await queue.put("ann", "coffee")
    assert [store.fetch([1])[0].row.id] == stored
    assert await queue.depth("ann") == 1


async def test_what_a_client_has_waited_when_the_queue_is_killed_is_a_part_of_its_patience(system: ActorSystem) -> None:
    store = SlowStore()
    ref = await system.start(Queue, store)
    queue = QueueClient(ref, patience=60)
    store.held = []

    async def put() -> None:
        with pytest.raises(OutcomeUnknownError):
            await queue.put("ann", "tea")

    async with trio.open_nursery() as nursery:
        for _ in range(3):  # the first is a call, and the others join what gathers while it is stored
            nursery.start_soon(put)
            await wait_all_tasks_blocked()
        begin = trio.current_time()
        await trio.sleep(50)
        ref.kill()

    assert trio.current_time() - begin == pytest.approx(60, abs=0.1)


async def test_a_request_waits_no_longer_for_its_reply_although_the_queue_is_killed(
    system: ActorSystem, store: QueueStore
) -> None:
    queue = await supervised(system, store)
    begin = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(unanswered, queue)
        await trio.sleep(8)
        system.named("queue").kill()

    assert trio.current_time() - begin == pytest.approx(10, abs=0.1)


async def unanswered(queue: QueueClient) -> None:
    with pytest.raises(NoAnswerError, match="within 10 s"):
        await queue.send_and_receive("ann", "beans", sender="shop", timeout=10)


async def test_without_a_queue_the_client_says_so_when_its_patience_is_over(system: ActorSystem) -> None:
    queue = QueueClient(system.named("queue"), patience=2)
    begin = trio.current_time()

    for act in (lambda: queue.put("ann", "tea"), lambda: queue.lease("ann"), lambda: queue.depth("ann")):
        with pytest.raises(NoProcessError, match="nobody has the name 'queue'"):
            await act()

    assert trio.current_time() - begin == pytest.approx(6, abs=0.5)


async def test_a_wait_for_a_message_outlives_the_queue(system: ActorSystem, store: QueueStore) -> None:
    queue = await supervised(system, store)
    leased: list[object] = []

    async def wait() -> None:
        leased.append((await queue.lease("ann")).message.payload)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        system.named("queue").kill()
        await trio.sleep(1)
        await queue.put("ann", "tea")

    assert leased == ["tea"]


async def test_a_request_outlives_the_queue(system: ActorSystem, store: QueueStore) -> None:
    """Also when the reply came to the new incarnation before the one who waits for it."""
    queue = await supervised(system, store)
    answers: list[object] = []

    async def ask() -> None:
        answers.append(await queue.send_and_receive("ann", 20, sender="shop"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        request = await queue.lease("ann")
        system.named("queue").kill()
        await queue.reply(request.message, 21)

    assert answers == [21]
    assert await queue.depth("shop") == 0


async def test_a_restart_ends_the_leases_and_what_was_leased_comes_again_before_what_is_behind_it(
    system: ActorSystem, store: QueueStore
) -> None:
    queue = await supervised(system, store)
    for drink in ("tea", "coffee"):
        await queue.put("ann", drink)
    lost = [await queue.lease("ann")]

    for _ in range(2):
        await trio.sleep(1)
        system.named("queue").kill()
        lost.append(await queue.lease("ann"))
    await trio.sleep(1)
    system.named("queue").kill()
    for lease in lost:
        with pytest.raises(LeaseLostError):
            await queue.ack(lease)

    assert [(lease.message.payload, lease.message.dequeue_count) for lease in lost] == [("tea", n) for n in (1, 2, 3)]
    assert (await queue.lease("ann")).message.payload == "coffee"
    assert [letter.message.payload for letter in await queue.dead_letters()] == ["tea"]


async def test_what_the_store_does_not_take_is_not_acknowledged(system: ActorSystem) -> None:
    store = SlowStore()
    await system.start(Queue, store, name="queue")
    queue = QueueClient(system.named("queue"))
    await queue.put("ann", "tea", id="tea")
    lease = await queue.lease("ann")
    store.failure = StoreFailedError("the disk is full")

    with pytest.raises(StoreFailedError, match="the disk is full"):
        await queue.put("ann", "coffee", id="coffee")
    await queue.ack(lease)
    tried = store.batches
    await trio.sleep(10)
    spun = store.batches - tried
    store.failure = None
    await trio.sleep(2)

    assert spun <= 11
    assert store.fetch([1, 2]) == []
    assert await queue.put("ann", "coffee", id="coffee") == "coffee"
    assert await queue.depth("ann") == 1


async def test_what_was_acknowledged_while_the_store_failed_is_not_leased_again_although_the_queue_is_killed(
    system: ActorSystem,
) -> None:
    """It is killed when the store has the batch, and has not said yet that it failed."""
    store = SlowStore()
    queue = await supervised(system, store)
    await queue.put("ann", "tea")
    store.held, store.failure = [], StoreFailedError("the disk is full")
    await queue.ack(await queue.lease("ann"))
    await trio.sleep(1)
    (killed,) = [system.whereis("queue")]
    assert killed is not None
    assert len(store.held) == 1

    killed.kill()
    store.report()
    store.failure = None
    await killed.wait()

    assert await queue.depth("ann") == 0
    assert store.fetch([1]) == []


async def test_what_was_acknowledged_is_not_leased_again_although_the_queue_could_not_store_that_when_it_ended(
    system: ActorSystem,
) -> None:
    store = SlowStore()
    first = await system.start(Queue, store)
    await QueueClient(first).put("ann", "tea")
    await QueueClient(first).ack(await QueueClient(first).lease("ann"))
    store.failure = StoreFailedError("the disk is full")
    with pytest.raises(ActorExitedError, match="the disk is full"):
        await first.stop()
    with pytest.raises(StoreFailedError, match="the disk is full"):
        await system.start(Queue, store)
    store.failure = None

    second = await system.start(Queue, store)

    assert await QueueClient(second).depth("ann") == 0
    assert store.fetch([1]) == []


class SmallStore(MemoryStore):
    """A store that has room for one message, and needs it before anything else is deleted."""

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        if batch.rows and self.last_seq() and self.fetch(range(1, self.last_seq() + 1)):
            done(StoreFailedError("there is no room"))
        else:
            super().commit(epoch, batch, done)


async def test_what_was_acknowledged_makes_room_for_what_is_put_next(system: ActorSystem) -> None:
    queue = QueueClient(await system.start(Queue, SmallStore()))
    await queue.put("ann", "tea")
    await queue.ack(await queue.lease("ann"))
    with pytest.raises(StoreFailedError, match="there is no room"):
        await queue.put("ann", "coffee")

    await queue.put("ann", "coffee")

    assert await queue.depth("ann") == 1


async def test_a_reply_that_is_stored_while_nobody_waits_for_it_yet_is_deleted_when_it_is_told(
    system: ActorSystem,
) -> None:
    """As after a restart of the queue, when who replies asks again before who waits does."""
    store = SlowStore()
    ref = await system.start(Queue, store)
    request = ask.Ask(put_of("ann", content_of("shop", "", 20, None, "the request", "request")))
    answers: list[object] = []

    async def send(message: Call[object] | ask.Put) -> None:
        answers.append(await ref.call(message))

    store.held = []
    async with trio.open_nursery() as nursery:
        for message in (put_of("shop", content_of("ann", "", 21, None, "the request", "reply")), request):
            nursery.start_soon(send, message)
            await wait_all_tasks_blocked()
        store.report()
    await trio.sleep(1)

    assert 21 in answers
    assert [record.row.recipient for record in store.fetch([1, 2])] == ["ann"]
    assert await QueueClient(ref).depth("shop") == 0


async def test_what_was_replayed_has_its_new_time_also_in_a_queue_that_was_restarted(
    system: ActorSystem, store: QueueStore
) -> None:
    child = ChildSpec("queue", Queue, (store,), kwargs={"clock": wall_clock()}, name="queue")
    await system.start(Supervisor, SupervisorSpec([child]))
    queue = QueueClient(system.named("queue"))
    message_id = await queue.put("ann", "tea", expires_after=10)
    await trio.sleep(20)
    await queue.replay(message_id)

    system.named("queue").kill()
    await trio.sleep(5)

    assert [lease.message.payload for lease in await queue.lease_many("ann", 1)] == ["tea"]


async def test_what_is_replayed_again_lives_no_longer_than_when_it_was_put(
    system: ActorSystem, store: QueueStore
) -> None:
    queue = await supervised(system, store)
    message_id = await queue.put("ann", "tea", expires_after=10)
    await trio.sleep(20)
    for _ in range(3):
        await queue.replay(message_id)
        await trio.sleep(100)

    await queue.replay(message_id)
    await trio.sleep(11)

    assert await queue.lease_many("ann", 1) == ()


async def test_what_was_given_back_for_later_waits_in_a_queue_that_was_restarted_too(
    system: ActorSystem, store: QueueStore
) -> None:
    queue = await supervised(system, store)
    await queue.put("ann", "tea")
    await queue.nack(await queue.lease("ann"), delay=100)
    await trio.sleep(1)

    system.named("queue").kill()
    await trio.sleep(90)
    early = await queue.lease_many("ann", 1)
    await trio.sleep(20)

    assert (early, len(await queue.lease_many("ann", 1))) == ((), 1)


async def test_while_the_store_fails_every_put_is_refused_at_once(system: ActorSystem) -> None:
    store = SlowStore()
    await system.start(Queue, store, name="queue")
    queue = QueueClient(system.named("queue"))
    await queue.put("ann", "tea")
    await queue.ack(await queue.lease("ann"))
    store.failure = StoreFailedError("the disk is full")
    await trio.sleep(0.5)
    begin, tried = trio.current_time(), store.batches

    for number in range(3):
        with pytest.raises(StoreFailedError, match="the disk is full"):
            await queue.put("ann", number)
    dead = await queue.dead_letters()

    assert (trio.current_time(), dead) == (begin, ())
    assert store.batches - tried <= 6


async def test_a_queue_whose_store_another_has_taken_over_ends(system: ActorSystem) -> None:
    store = MemoryStore()
    first = await system.start(Queue, store, name="queue")
    second = await system.start(Queue, store, name="second")

    with pytest.raises((FencedError, NoReplyError, OutcomeUnknownError)):
        await QueueClient(first).put("ann", "tea")
    await QueueClient(second).put("ann", "coffee")

    reason = await first.wait()
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, FencedError)
    assert (await QueueClient(second).lease("ann")).message.payload == "coffee"
