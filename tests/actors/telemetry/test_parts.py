"""What the parts tell is what they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from actors import Actor, NoProcessError
from actors.bus import BusClient, TopicBus, TopicFilter
from actors.delivery import BreakerOptions, BreakerState, DeliveryOptions, Router, RouterConfig, RouterRef
from actors.queue import MemoryStore, MessageStatus, NoAnswerError, Queue, QueueClient
from actors.shared_memory import MemoryEntries, Namespace, SharedMemory, SharedMemoryClient, VersionConflictError
from actors.store import MemoryReferenceStore, Store, StoreClient
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.delivery.receivers import Fragile

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import ActorSystem
    from tests.actors.telemetry.listener import Listener


class Till(Actor):
    """An actor that does nothing but live and die."""


async def test_a_publish_tells_how_many_have_the_message_and_a_delivery_for_whom(
    system: ActorSystem, listener: Listener
) -> None:
    await system.start(TopicBus, name="bus")
    bus = BusClient(system.named("bus"), agent="shop")
    full = await bus.subscribe("findings.*", buffer_size=1)
    picky = await bus.subscribe("findings.tea", filter=TopicFilter(from_agents=["mill"]))

    first = await bus.publish("findings.tea", "it is green")
    second = await bus.publish("findings.tea", "it is black", from_agent="mill", id="m2")

    assert (first, second) == ((1, 0), (1, 1))
    measured = [told.measurements for told in listener.of("bus.publish.stop")]
    assert [(told["delivered"], told["dropped"]) for told in measured] == [first, second]
    assert [told.metadata["passed"] for told in listener.of("bus.filter")] == [False, True]
    deliveries = [
        (told.metadata["subscription_id"], told.measurements["delivered"], told.measurements["dropped"])
        for told in listener.of("bus.deliver")
        if told.metadata["message_id"] == "m2"
    ]
    assert sorted(deliveries) == sorted([(full.id, 0, 1), (picky.id, 1, 0)])


async def test_what_is_published_while_somebody_listens_counts_as_ever(system: ActorSystem, listener: Listener) -> None:
    await system.start(TopicBus, name="bus")
    bus = BusClient(system.named("bus"), agent="shop")
    tea = await bus.subscribe("findings.tea", buffer_size=1)

    await bus.publish("findings.tea", "it is green")
    await bus.publish("findings.tea", "it is black")

    statistics = await bus.topic_statistics("findings.tea")
    assert (statistics.published, statistics.delivered, statistics.dropped, tea.waiting) == (2, 1, 1, 1)


async def test_a_lease_tells_how_long_the_message_waited_and_how_often_it_was_leased(
    system: ActorSystem, listener: Listener
) -> None:
    await system.start(Queue, MemoryStore(), name="queue")
    queue = QueueClient(system.named("queue"), sender="shop")
    await queue.put("mill", "grind", priority=3, id="m1")
    await trio.sleep(2.0)

    await queue.nack(await queue.lease("mill"), delay=5.0, error="no water")
    await queue.ack(await queue.lease("mill"))

    first, second = listener.of("queue.dequeue")
    assert first.measurements["waited_us"] == pytest.approx(2e6, abs=1e5)
    assert second.measurements["dequeue_count"] == 2
    assert (first.metadata["message_id"], first.metadata["priority"]) == ("m1", 3)
    back = listener.one("queue.requeue")
    assert (back.measurements["delay"], back.metadata["reason"]) == (5.0, "no water")
    assert back.metadata["status"] is MessageStatus.PENDING
    assert listener.one("queue.ack").measurements == {"dequeue_count": 2}


async def test_a_request_without_a_reply_tells_of_its_timeout(system: ActorSystem, listener: Listener) -> None:
    await system.start(Queue, MemoryStore(), name="queue")
    queue = QueueClient(system.named("queue"), sender="shop")

    with pytest.raises(NoAnswerError):
        await queue.send_and_receive("mill", "how much?", timeout=1.0)
    with trio.move_on_after(1.0):
        await queue.send_and_receive("mill", "how much?")

    late, given_up = (told.metadata for told in listener.of("queue.send_and_receive.exception"))
    assert (late["timeout"], late["canceled"]) == (True, False)
    assert (given_up["timeout"], given_up["canceled"]) == (False, True)


async def test_a_queue_that_starts_again_tells_how_much_it_has_found(system: ActorSystem, listener: Listener) -> None:
    store = MemoryStore()
    first = await system.start(Queue, store, name="queue")
    for number in range(3):
        await QueueClient(first, sender="shop").put("mill", number)
    await first.stop()

    await system.start(Queue, store, name="queue")

    assert [told.measurements["recovered_count"] for told in listener.of("queue.recover.stop")] == [0, 3]
    assert sum(told.measurements["count"] for told in listener.of("queue.persist.stop")) == 3


async def test_a_put_tells_the_version_and_a_conflict_is_an_exception(system: ActorSystem, listener: Listener) -> None:
    await system.start(SharedMemory, MemoryEntries(), name="notes")
    notes = SharedMemoryClient(system.named("notes"), "shop")

    await notes.put(Namespace.SESSION, "tea", bytes(2000), scope="s1")
    with pytest.raises(VersionConflictError):
        await notes.put(Namespace.SESSION, "tea", b"5", scope="s1", expected_version=7)
    await notes.get(Namespace.SESSION, "milk", scope="s1")

    put = listener.one("shared_memory.put.stop")
    assert (put.metadata["version"], put.metadata["created"], put.metadata["compressed"]) == (1, True, True)
    assert put.measurements["size"] < 100
    assert (put.metadata["namespace"], put.metadata["scope"], put.metadata["key"]) == (Namespace.SESSION, "s1", "tea")
    assert isinstance(listener.one("shared_memory.put.exception").metadata["error"], VersionConflictError)
    assert listener.one("shared_memory.get.stop").metadata["version"] == 0


async def test_a_value_is_known_by_its_hash_from_the_store_to_the_resolve(
    system: ActorSystem, listener: Listener
) -> None:
    await system.start(Store, MemoryReferenceStore(), name="store")
    store = StoreClient(system.named("store"))

    large = await store.store(bytes(3 * 2**20), compression="gzip")
    resolved = await store.resolve(large)
    await store.retain(large, 2)
    await store.release(large)

    stored = listener.one("store.store.stop")
    assert (stored.measurements["size"], stored.metadata["reference_id"]) == (len(resolved), large.id)
    assert listener.one("store.resolve.stop").measurements["size"] == len(resolved)
    assert listener.one("store.retain.stop").measurements["count"] == 2
    assert listener.one("store.release.stop").measurements["holders"] == 2


async def test_a_breaker_tells_each_change_and_the_router_each_attempt(system: ActorSystem, listener: Listener) -> None:
    config = RouterConfig(breaker=BreakerOptions(failure_threshold=1, reset_timeout=1.0))
    await system.start(Router, config, name="router")
    fragile = ChildSpec("fragile", Fragile, args=([], 1), name="fragile")
    await system.start(Supervisor, SupervisorSpec([fragile]))

    receipt = await RouterRef(system).send("fragile", "tea", DeliveryOptions(), id="m1")
    await receipt.acknowledged()

    states = [(told.metadata["before"], told.metadata["after"]) for told in listener.of("router.breaker")]
    closed, opened, half = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
    assert states == [(closed, opened), (opened, half), (half, closed)]
    assert [told.measurements["attempts"] for told in listener.of("router.deliver")] == [1, 2]
    acknowledged = listener.one("router.acknowledge")
    assert acknowledged.metadata["message_id"] == "m1"
    assert acknowledged.measurements["delivery_seconds"] == pytest.approx(1.0, abs=0.2)
    assert listener.of("router.give_up") == []


async def test_a_restart_tells_who_died_and_who_came_back(system: ActorSystem, listener: Listener) -> None:
    spec = SupervisorSpec([ChildSpec(name, Till, name=name) for name in ("left", "right")], strategy="one_for_all")
    shop = await system.start(Supervisor, spec)
    left, right = system.whereis("left"), system.whereis("right")
    assert left is not None
    left.kill()

    await which_children(shop)

    back = [(told.metadata["child"], told.measurements["restarts"]) for told in listener.of("supervisor.restarted")]
    assert back == [("left", 1), ("right", 0)]
    assert [told.metadata["actor"] for told in listener.of("actor.exited")] == [left, right]
    assert {told.metadata["parent"] for told in listener.of("actor.exited")} == {shop}


async def test_a_span_that_is_under_way_when_its_service_dies_ends(system: ActorSystem, listener: Listener) -> None:
    await system.start(Queue, MemoryStore(), name="queue")
    queue = QueueClient(system.named("queue"), sender="shop", patience=1.0)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(raises, queue.send_and_receive, "mill", "how much?")
        await queue.lease("mill")
        system.named("queue").kill()

    assert len(listener.of("queue.send_and_receive.start")) == 1
    assert listener.one("queue.send_and_receive.exception").metadata["success"] is False


async def raises(ask: Callable[..., Awaitable[object]], *args: object) -> None:
    with pytest.raises((NoProcessError, NoAnswerError)):
        await ask(*args)
