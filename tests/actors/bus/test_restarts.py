"""What a restart of the bus costs: nothing that was subscribed, and no message that was delivered."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio

from actors import ActorRef, ActorSystem, NoProcessError
from actors.bus import BusClient, BusClosedError, OutcomeUnknownError, TopicBus
from actors.bus.index import Index
from actors.bus.requests import Subscribed
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.probe import Probe, received

TREE = SupervisorSpec([ChildSpec("bus", TopicBus, name="bus")], intensity=1_000)


class Fault(Exception):  # noqa: N818 -- it is what a test causes
    """Something that goes wrong."""


@pytest.fixture
async def shop(system: ActorSystem, caplog: pytest.LogCaptureFixture) -> ActorRef:
    """Start a bus under a supervisor."""
    caplog.set_level(logging.CRITICAL, "actors")
    return await system.start(Supervisor, TREE)


@pytest.fixture
async def bus(system: ActorSystem, shop: ActorRef) -> BusClient:
    """Return a client of it."""
    return BusClient(system.named("bus"), agent="shop")


def actor_of(system: ActorSystem) -> Any:
    ref = system.whereis("bus")
    assert ref is not None
    return ref._process.actor


async def test_subscriptions_and_what_they_hold_survive_a_kill(
    system: ActorSystem, shop: ActorRef, bus: BusClient
) -> None:
    wide, exact = await bus.subscribe("orders.*", buffer_size=2), await bus.subscribe("orders.new")
    await bus.publish("orders.new", 1)
    before = await bus.subscriptions()

    system.named("bus").kill()
    await which_children(shop)

    assert await bus.subscriptions() == before
    assert [await bus.publish("orders.new", number) for number in (2, 3)] == [(2, 0), (1, 1)]
    assert [wide.receive_nowait().payload for _ in range(2)] == [1, 2]
    assert [exact.receive_nowait().payload for _ in range(3)] == [1, 2, 3]
    assert (await bus.topic_statistics("orders.new")).published == 3


async def test_an_actor_is_sent_messages_by_the_next_bus_and_ends_its_subscription_there(
    system: ActorSystem, shop: ActorRef, bus: BusClient
) -> None:
    probe = await system.start(Probe)
    await probe.call(lambda me: BusClient(me.system.named("bus"), agent="probe").subscribe_actor("orders"))
    system.named("bus").kill()
    await which_children(shop)

    assert await bus.publish("orders", "tea") == (1, 0)
    assert len(await probe.call(received)) == 1
    probe.kill()
    await probe.wait()
    assert await bus.subscriptions() == ()


async def test_a_subscription_whose_actor_ended_while_there_was_no_bus_has_ended(
    system: ActorSystem, shop: ActorRef, bus: BusClient
) -> None:
    probe = await system.start(Probe)
    stream = await probe.call(lambda me: BusClient(me.system.named("bus"), agent="probe").subscribe("orders"))

    system.named("bus").kill()
    probe.kill()
    await probe.wait()
    await which_children(shop)

    assert await bus.subscriptions() == ()
    assert stream.ended


async def test_what_is_asked_while_there_is_no_bus_is_done_by_the_next(system: ActorSystem, bus: BusClient) -> None:
    system.named("bus").kill()
    orders = await bus.subscribe("orders")
    system.named("bus").kill()

    assert await bus.publish("orders", "tea") == (1, 0)
    assert orders.receive_nowait().payload == "tea"


async def test_a_bus_that_does_not_come_back_is_an_error_when_patience_is_over(system: ActorSystem) -> None:
    bus = BusClient(system.named("bus"), agent="shop", patience=2.0)

    with pytest.raises(NoProcessError):
        await bus.publish("orders", "tea")
    assert trio.current_time() == pytest.approx(2.0, abs=0.3)
    with pytest.raises(NoProcessError):
        await bus.subscribe("orders")


async def test_a_handler_that_fails_while_it_publishes_leaves_it_open_and_is_repaired(
    system: ActorSystem, shop: ActorRef, bus: BusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await bus.subscribe("orders"), await bus.subscribe("orders")
    with monkeypatch.context() as patch:
        patch.setattr(TopicBus, "_count", fail)
        with pytest.raises(OutcomeUnknownError, match=r"whether message '7' was published to 'orders' is not known"):
            await bus.publish("orders", 1, id="7")
    await which_children(shop)

    assert await bus.publish("orders", 2) == (2, 0)
    for each in (first, second):
        assert [each.receive_nowait().payload for _ in range(2)] == [1, 2]


def fail(*_arguments: object) -> None:
    raise Fault


@pytest.mark.parametrize("step", ["add", "before the box", "after all"])
async def test_a_handler_that_fails_while_it_subscribes_is_repaired_and_the_subscription_is_made_once(
    bus: BusClient, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    failed: list[object] = []

    def once(real: Any, *arguments: Any) -> Any:
        if failed:
            return real(*arguments)
        failed.append(arguments)
        if step == "after all":
            real(*arguments)
        raise Fault

    owner, name = (TopicBus, "_topic") if step == "before the box" else (Index, "add")
    real = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *arguments: once(real, *arguments))

    orders = await bus.subscribe("orders")

    assert failed
    assert await bus.publish("orders", "tea") == (1, 0)
    assert orders.waiting == 1
    assert len(await bus.subscriptions()) == 1


async def test_a_handler_that_fails_while_it_unsubscribes_is_repaired_and_the_subscription_ends(
    bus: BusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, other = await bus.subscribe("orders"), await bus.subscribe("orders")
    monkeypatch.setattr(Index, "remove", fail)

    await bus.unsubscribe(orders.id)

    assert orders.ended
    assert not other.ended
    assert await bus.publish("orders", "tea") == (1, 0)


async def test_an_index_that_is_damaged_is_noticed_and_repaired(
    system: ActorSystem, shop: ActorRef, bus: BusClient
) -> None:
    orders = await bus.subscribe("orders")
    actor_of(system).index = Index()
    with pytest.raises(OutcomeUnknownError, match="is not of the 1 subscriptions"):
        await bus.publish("orders", 1)
    await which_children(shop)
    assert await bus.publish("orders", 2) == (1, 0)
    actor_of(system).index.routes["orders"] = None
    actor_of(system).index._trie = "nonsense"
    actor_of(system).index.entries.clear()
    with pytest.raises(OutcomeUnknownError):
        await bus.publish("orders", 3)
    await which_children(shop)

    assert await bus.publish("orders", 4) == (1, 0)
    assert [orders.receive_nowait().payload for _ in range(orders.waiting)] == [2, 4]


async def test_records_that_are_no_subscriptions_are_put_aside_and_their_streams_end(
    system: ActorSystem, shop: ActorRef, bus: BusClient
) -> None:
    orders = await bus.subscribe("orders")
    actor_of(system)._records["x"] = "nonsense"

    system.named("bus").kill()
    await which_children(shop)

    assert [message async for message in orders] == []
    (aside,) = system.heirlooms.quarantined
    assert isinstance(aside.records[orders.id], Subscribed)
    assert await bus.publish("orders", "tea") == (0, 0)


async def test_a_closed_bus_is_closed_after_a_restart(system: ActorSystem, shop: ActorRef, bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.close()
    system.named("bus").kill()
    await which_children(shop)

    with pytest.raises(BusClosedError):
        await bus.publish("orders", "tea")
    await bus.unsubscribe(orders.id)


@pytest.mark.slow
async def test_a_bus_that_is_killed_a_hundred_times_under_load_loses_no_subscription(
    system: ActorSystem, shop: ActorRef, bus: BusClient
) -> None:
    streams = [await bus.subscribe("load.**", buffer_size=100_000) for _ in range(8)]
    unknown = delivered = 0
    done = False

    async def publish(publisher: int) -> None:
        nonlocal unknown, delivered
        number = 0
        while not done:
            try:
                published = await bus.publish(f"load.{publisher}", number)
            except OutcomeUnknownError:
                unknown += 1
            else:
                assert published == (8, 0)
                delivered += 1
            number += 1
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        for publisher in range(8):
            nursery.start_soon(publish, publisher)
        for _ in range(100):
            await trio.sleep(0.05)
            system.named("bus").kill()
            await which_children(shop)
        done = True

    assert len(await bus.subscriptions()) == 8
    for stream in streams:
        got = [stream.receive_nowait() for _ in range(stream.waiting)]
        assert delivered <= len(got) <= delivered + unknown
        for publisher in range(8):
            numbers = [each.payload for each in got if each.topic == f"load.{publisher}"]
            assert numbers == sorted(set(numbers))
    assert delivered > 1_000
