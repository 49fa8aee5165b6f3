"""Large payloads: what goes by reference, how it is resolved, and who lets go of it."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING, Any

import pytest
from trio.testing import wait_all_tasks_blocked

from actors.bus import BusClient, BusClosedError, BusRequestError, TopicBus, TopicFilter, TopicMessage
from actors.store import (
    MemoryReferenceStore,
    PolicyManager,
    Reference,
    ReferenceNotFoundError,
    Store,
    StoreClient,
    StoreOptions,
    ValueTooLargeError,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from actors import ActorSystem

LARGE = b"tea " * 5_000


@pytest.fixture
async def values(system: ActorSystem) -> StoreClient:
    """Start a store."""
    await system.start(Store, MemoryReferenceStore(), options=StoreOptions(max_bytes=1_000_000), name="store")
    return StoreClient(system.named("store"))


@pytest.fixture
async def bus(system: ActorSystem, values: StoreClient) -> BusClient:
    """Start a bus that has it."""
    await system.start(TopicBus, store="store", name="bus")
    return BusClient(system.named("bus"), agent="shop")


async def forgotten(bus: BusClient) -> None:
    """Wait until all that nobody has any more is gone; an actor has the last message that it has handled."""
    await bus.statistics()
    gc.collect()
    await wait_all_tasks_blocked()


async def test_what_is_above_the_threshold_goes_by_reference(bus: BusClient, values: StoreClient) -> None:
    orders = await bus.subscribe("orders")

    for size in (10_240, 10_241):
        assert await bus.publish("orders", b"x" * size, metadata={"n": str(size)}) == (1, 0)

    small, large = await anext(orders), await anext(orders)
    assert small.payload == b"x" * 10_240
    assert isinstance(large.payload, Reference)
    assert (large.payload.size, large.from_agent, large.metadata) == (10_241, "shop", {"n": "10241"})
    assert [await bus.resolve(message) for message in (small, large)] == [b"x" * 10_240, b"x" * 10_241]


@pytest.mark.parametrize(
    "payload", [b"tea" * 9_000, "caf\u00e9" * 9_000, {"notes": ["tea"] * 9_000, 7: None}, [b"a", "a"] * 9_000]
)
async def test_a_payload_is_resolved_as_it_was_published(bus: BusClient, payload: Any) -> None:
    orders = await bus.subscribe("orders")

    await bus.publish("orders", payload)

    message = await anext(orders)
    assert isinstance(message.payload, Reference)
    assert await bus.resolve(message) == payload


async def test_the_same_bytes_as_text_and_as_bytes_are_one_value_and_two_payloads(
    bus: BusClient, values: StoreClient
) -> None:
    orders = await bus.subscribe("orders")

    await bus.publish("orders", LARGE)
    await bus.publish("orders", LARGE.decode())

    messages = [await anext(orders) for _ in range(2)]
    assert [await bus.resolve(message) for message in messages] == [LARGE, LARGE.decode()]
    assert (await values.stats()).active_refs == 1


@pytest.mark.parametrize("payload", [("tea",) * 9_000, [object()] * 9_000, b"", None])
async def test_what_would_not_come_back_as_it_is_goes_by_value(
    bus: BusClient, values: StoreClient, payload: object
) -> None:
    orders = await bus.subscribe("orders")

    await bus.publish("orders", payload)

    assert (await anext(orders)).payload is payload
    assert (await values.stats()).total_refs == 0


async def test_policies_decide_by_the_topic(system: ActorSystem, values: StoreClient) -> None:
    policies = PolicyManager.from_config(always_reference_types=["state"], always_value_types=["control"])
    await system.start(TopicBus, store=values, policies=policies, name="bus")
    bus = BusClient(system.named("bus"), agent="shop")
    all_topics = await bus.subscribe("*")

    await bus.publish("state", b"tea")
    await bus.publish("control", LARGE)

    state, control = await anext(all_topics), await anext(all_topics)
    assert isinstance(state.payload, Reference)
    assert control.payload == LARGE


async def test_a_value_is_let_go_of_when_nobody_has_its_message(bus: BusClient, values: StoreClient) -> None:
    first, second = await bus.subscribe("orders"), await bus.subscribe("orders")
    await bus.publish("orders", LARGE)
    message = await anext(first)
    del message
    await wait_all_tasks_blocked()
    held = (await values.stats()).active_refs

    message = await anext(second)
    assert await bus.resolve(message) == LARGE
    await wait_all_tasks_blocked()
    in_hand = (await values.stats()).active_refs
    del message
    gc.collect()
    await wait_all_tasks_blocked()

    assert (held, in_hand, (await values.stats()).active_refs) == (1, 1, 0)


async def test_what_nobody_receives_is_let_go_of_at_once(bus: BusClient, values: StoreClient) -> None:
    full = await bus.subscribe("orders", buffer_size=1)
    await bus.publish("orders", b"small")

    assert await bus.publish("orders", LARGE) == (0, 1)
    assert await bus.publish("bills", LARGE) == (0, 0)

    await forgotten(bus)
    assert full.dropped == 1
    assert (await values.stats()).active_refs == 0


async def test_a_value_that_somebody_else_holds_is_there_after_its_message(bus: BusClient, values: StoreClient) -> None:
    mine = await values.store(LARGE)
    await bus.publish("orders", LARGE)
    await forgotten(bus)

    assert await values.resolve(mine) == LARGE
    assert await values.release(mine) == 0


async def test_an_actor_resolves_what_it_is_sent(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe, name="probe")
    await probe.call(lambda me: BusClient(me.system.named("bus")).subscribe_actor("orders"))

    await bus.publish("orders", LARGE)

    (message,) = await probe.call(received)
    assert isinstance(message, TopicMessage)
    assert await probe.call(lambda me: BusClient(me.system.named("bus")).resolve(message)) == LARGE


async def test_only_a_message_can_be_resolved(bus: BusClient) -> None:
    with pytest.raises(BusRequestError, match="None is no TopicMessage, which is what a subscription gives"):
        await bus.resolve(None)  # type: ignore[arg-type]


async def test_a_filter_goes_by_the_size_of_the_value(bus: BusClient) -> None:
    large = await bus.subscribe("orders", filter=TopicFilter(min_size=len(LARGE), max_size=len(LARGE)))

    assert await bus.publish("orders", LARGE) == (1, 0)
    assert await bus.publish("orders", LARGE + b"x") == (0, 0)
    assert large.waiting == 1


async def test_a_restart_of_the_bus_loses_no_value(system: ActorSystem, values: StoreClient) -> None:
    spec = ChildSpec("bus", TopicBus, kwargs={"store": "store"}, name="bus")
    shop = await system.start(Supervisor, SupervisorSpec([spec], intensity=10))
    bus = BusClient(system.named("bus"), agent="shop")
    orders = await bus.subscribe("orders")
    await bus.publish("orders", LARGE)

    system.named("bus").kill()
    await which_children(shop)
    gc.collect()
    await wait_all_tasks_blocked()

    assert await bus.resolve(await anext(orders)) == LARGE


async def test_what_the_store_does_not_take_is_not_published(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")

    with pytest.raises(ValueTooLargeError, match="a value of 1000001 bytes is too large"):
        await bus.publish("orders", bytes(1_000_001))

    assert orders.waiting == 0


async def test_a_closed_bus_has_nothing_stored(bus: BusClient, values: StoreClient) -> None:
    await bus.close()

    with pytest.raises(BusClosedError):
        await bus.publish("orders", LARGE)

    assert (await values.stats()).total_refs == 0


async def test_a_reference_that_was_published_as_such_is_resolved_too(bus: BusClient, values: StoreClient) -> None:
    orders = await bus.subscribe("orders")
    reference = await values.store(b"tea")
    await bus.publish("orders", reference)

    message = await anext(orders)

    assert message.payload == reference
    assert await bus.resolve(message) == b"tea"
    await values.release(reference)
    with pytest.raises(ReferenceNotFoundError):
        await bus.resolve(message)


async def test_a_bus_without_a_store_gives_everything_by_value(system: ActorSystem, values: StoreClient) -> None:
    await system.start(TopicBus, name="bus")
    bus = BusClient(system.named("bus"), agent="shop")
    orders = await bus.subscribe("orders")
    await bus.publish("orders", LARGE)
    await bus.publish("orders", await values.store(LARGE))

    by_value, by_reference = await anext(orders), await anext(orders)

    assert by_value.payload is LARGE
    assert await bus.resolve(by_value) is LARGE
    with pytest.raises(BusRequestError, match=r"<name bus> has no store, and what was published to orders is <Refer"):
        await bus.resolve(by_reference)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"store": 7}, "the store of a TopicBus is a name, a reference or a StoreClient; got 7"),
        ({"store": "store", "policies": "all"}, "the policies of a TopicBus are a PolicyManager; got 'all'"),
        ({"policies": PolicyManager()}, "a TopicBus with policies needs a store as well, .* got <PolicyManager"),
        ({"logger": "actors"}, "the logger of a TopicBus is a logging.Logger; got 'actors'"),
    ],
)
async def test_a_bus_that_makes_no_sense_is_refused(system: ActorSystem, given: dict[str, Any], why: str) -> None:
    with pytest.raises(TypeError, match=why):
        await system.start(TopicBus, **given)


async def test_a_bus_logs_where_it_is_told_to(system: ActorSystem, caplog: pytest.LogCaptureFixture) -> None:
    await system.start(TopicBus, logger=logging.getLogger("shop.bus"), name="bus")

    with caplog.at_level(logging.INFO, "shop.bus"):
        await BusClient(system.named("bus"), agent="shop").close()

    assert [record.name for record in caplog.records if "is closed" in record.message] == ["shop.bus"]
