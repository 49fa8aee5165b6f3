"""Puts that join a batch which is being gathered: they are as those that the queue is called with."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors.queue import OutcomeUnknownError, Queue, QueueClient, QueueClosedError, StoreFailedError
from actors.queue.intake import intake_of
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.queue.slow_store import SlowStore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from trio import Nursery

    from actors import ActorSystem


class Puts:
    """Tasks that put something, and what they were told."""

    def __init__(self, queue: QueueClient, nursery: Nursery) -> None:
        self.queue = queue
        self.stored: list[str] = []
        self.errors: list[Exception] = []
        self._nursery = nursery

    async def start(self, payload: str, message_id: str | None = None) -> None:
        """Have *payload* put by a task of its own, which waits by the end of this."""
        self._nursery.start_soon(self._put, payload, message_id)
        await wait_all_tasks_blocked()

    async def _put(self, payload: str, message_id: str | None) -> None:
        try:
            await self.queue.put("ann", payload, id=message_id)
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            self.errors.append(error)
        else:
            self.stored.append(payload)


@asynccontextmanager
async def gathering(queue: QueueClient, store: SlowStore) -> AsyncGenerator[Puts]:
    """Have the store at work with one message, so that what is put meanwhile gathers."""
    store.held = []
    async with trio.open_nursery() as nursery:
        puts = Puts(queue, nursery)
        await puts.start("first")
        yield puts
        nursery.cancel_scope.cancel()


async def supervised(system: ActorSystem, store: SlowStore) -> QueueClient:
    spec = SupervisorSpec([ChildSpec("queue", Queue, (store,), name="queue")])
    await system.start(Supervisor, spec)
    return QueueClient(system.named("queue"), patience=2)


async def payloads(queue: QueueClient) -> list[str]:
    return [lease.message.payload for lease in await queue.lease_many("ann", 10)]


async def test_what_joins_a_batch_is_leased_in_the_order_in_which_it_was_put(system: ActorSystem) -> None:
    """An id that was given needs a look by the queue, which is called then; the others need not."""
    store = SlowStore()
    queue = await supervised(system, store)
    async with gathering(queue, store) as puts:
        for number in range(3):
            await puts.start(f"joined {number}")
            await puts.start(f"called {number}", f"id {number}")

        store.report()
        await wait_all_tasks_blocked()

    expected = ["first", *(f"{how} {number}" for number in range(3) for how in ("joined", "called"))]
    assert store.batches == 2
    assert sorted(puts.stored) == sorted(expected)
    assert await payloads(queue) == expected


async def test_what_gathered_is_stored_with_what_those_put_who_were_just_told(system: ActorSystem) -> None:
    store = SlowStore()
    queue = await supervised(system, store)
    store.held = []

    async def put(*payloads: str) -> None:
        for payload in payloads:
            await queue.put("ann", payload)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(put, "tea", "more tea")
        await wait_all_tasks_blocked()
        nursery.start_soon(put, "coffee")
        await wait_all_tasks_blocked()
        store.report()

    assert store.batches == 2
    assert await payloads(queue) == ["tea", "coffee", "more tea"]


async def test_a_put_that_joined_a_queue_that_is_killed_is_stored_by_the_next(system: ActorSystem) -> None:
    store = SlowStore()
    queue = await supervised(system, store)
    async with gathering(queue, store) as puts:
        await puts.start("tea")
        system.named("queue").kill()
        store.report()
        await trio.sleep(1)

    assert (sorted(puts.stored), puts.errors) == (["first", "tea"], [])
    assert sorted(await payloads(queue)) == ["first", "tea"]


@pytest.mark.parametrize("kill", [True, False])
async def test_a_put_that_joined_a_queue_that_ends_for_good_is_told_so(system: ActorSystem, *, kill: bool) -> None:
    store = SlowStore()
    ref = await system.start(Queue, store)
    async with gathering(QueueClient(ref, patience=60), store) as puts:
        await puts.start("tea")
        if kill:
            ref.kill()
        else:
            await ref.stop()
        await trio.sleep(61)

    assert [type(error) for error in puts.errors] == [OutcomeUnknownError] * 2
    assert not any("did not answer" in str(error) for error in puts.errors)
    assert intake_of(ref) is None


async def test_a_put_that_joined_what_is_being_stored_is_told_when_the_queue_ends_for_good(system: ActorSystem) -> None:
    store = SlowStore()
    ref = await system.start(Queue, store)
    async with gathering(QueueClient(ref, patience=60), store) as puts:
        await puts.start("tea")
        store.report()
        store.held = []
        await wait_all_tasks_blocked()
        batches = store.batches

        ref.kill()
        await trio.sleep(61)

    assert batches == 2
    assert puts.stored == ["first"]
    assert [type(error) for error in puts.errors] == [OutcomeUnknownError]
    assert "did not answer" not in str(puts.errors[0])


@pytest.mark.parametrize("fails", [True, False])
async def test_an_id_that_is_just_being_stored_is_answered_for_when_it_is(system: ActorSystem, *, fails: bool) -> None:
    store = SlowStore()
    queue = await supervised(system, store)
    async with gathering(queue, store) as puts:
        store.report()
        await wait_all_tasks_blocked()
        store.held = []
        store.failure = StoreFailedError("the disk is full") if fails else None
        for payload in ("tea", "the same tea"):
            await puts.start(payload, "the id")
        before = list(puts.stored), list(puts.errors)

        store.report()
        await wait_all_tasks_blocked()

    assert before == (["first"], [])
    assert sorted(puts.stored) == ["first"] + ([] if fails else ["tea", "the same tea"])
    assert [str(error) for error in puts.errors] == (["the disk is full"] * 2 if fails else [])


async def test_a_put_that_joined_gives_up_when_its_patience_is_over(system: ActorSystem) -> None:
    store = SlowStore()
    queue = await supervised(system, store)
    async with gathering(queue, store) as puts:
        await trio.sleep(1)
        await puts.start("tea")
        await trio.sleep(2)
        error = puts.errors[-1]
        assert isinstance(error, OutcomeUnknownError)
        assert "did not answer" in str(error)
        store.report()
        await puts.start("tea", error.message_id)

    assert puts.stored == ["tea"]
    assert await payloads(queue) == ["first", "tea"]


async def test_a_put_that_joined_is_refused_when_the_store_fails(system: ActorSystem) -> None:
    store = SlowStore()
    queue = await supervised(system, store)
    async with gathering(queue, store) as puts:
        await puts.start("tea")
        store.failure = StoreFailedError("the disk is full")
        store.report()
        await wait_all_tasks_blocked()

    assert (sorted(puts.stored), [str(error) for error in puts.errors]) == (["first"], ["the disk is full"])


async def test_nothing_joins_a_queue_that_is_being_closed(system: ActorSystem) -> None:
    store = SlowStore()
    queue = await supervised(system, store)
    async with gathering(queue, store) as puts, trio.open_nursery() as nursery:
        await puts.start("tea")
        nursery.start_soon(queue.close)
        await wait_all_tasks_blocked()
        await puts.start("coffee")
        store.report()

    assert sorted(puts.stored) == ["first", "tea"]
    assert [type(error) for error in puts.errors] == [QueueClosedError]


async def test_nothing_joins_a_queue_whose_store_has_nothing_to_do(queue: QueueClient, system: ActorSystem) -> None:
    await queue.put("ann", "tea")

    assert intake_of(system.named("queue")) is None
    assert intake_of(system.named("nobody")) is None
