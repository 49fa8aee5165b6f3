"""Wake-ups: how one task waits for many subscriptions (L-BUS-16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors.bus import BusClient, BusRequestError, TopicBus
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from actors import ActorSystem


async def test_each_delivery_wakes_whoever_waits(bus: BusClient) -> None:
    orders, bills = await bus.subscribe("orders"), await bus.subscribe("bills")
    wake_up, woken = trio.open_memory_channel[str](10)
    for each in (orders, bills):
        await bus.register_wake_up(each.id, wake_up)

    await bus.publish("orders", "tea")
    await bus.publish("bills", 7)
    await bus.publish("news", "rain")

    assert [woken.receive_nowait() for _ in range(2)] == [orders.id, bills.id]
    with pytest.raises(trio.WouldBlock):
        woken.receive_nowait()
    assert (orders.waiting, bills.waiting) == (1, 1)


async def test_a_channel_that_is_full_stands_for_all_and_nobody_waits_for_it(bus: BusClient) -> None:
    orders = await bus.subscribe("orders", buffer_size=3)
    wake_up, woken = trio.open_memory_channel[str](1)
    await bus.register_wake_up(orders.id, wake_up)

    published = [await bus.publish("orders", number) for number in range(4)]

    assert published == [(1, 0), (1, 0), (1, 0), (0, 1)]
    assert woken.statistics().current_buffer_used == 1
    assert orders.waiting == 3


async def test_what_was_there_before_wakes_at_once(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.publish("orders", "tea")
    wake_up, woken = trio.open_memory_channel[str](1)

    await bus.register_wake_up(orders.id, wake_up)

    assert woken.receive_nowait() == orders.id


async def test_the_end_of_a_subscription_wakes(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    wake_up, woken = trio.open_memory_channel[str](1)
    await bus.register_wake_up(orders.id, wake_up)

    await bus.close()

    assert woken.receive_nowait() == orders.id
    assert orders.ended


async def test_what_is_registered_can_be_asked_for_and_taken_back(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    wake_up, woken = trio.open_memory_channel[str](1)

    before = await bus.wake_up_of(orders.id)
    await bus.register_wake_up(orders.id, wake_up)
    registered = await bus.wake_up_of(orders.id)
    await bus.unregister_wake_up(orders.id)
    await bus.publish("orders", "tea")

    assert (before, registered, await bus.wake_up_of(orders.id)) == (None, wake_up, None)
    assert woken.statistics().current_buffer_used == 0


async def test_an_unknown_subscription_is_ignored(bus: BusClient) -> None:
    wake_up, _ = trio.open_memory_channel[str](1)

    await bus.register_wake_up("unknown", wake_up)
    await bus.unregister_wake_up("unknown")

    assert await bus.wake_up_of("unknown") is None


@pytest.mark.parametrize("close", ["wake_up", "woken"])
async def test_a_channel_that_nobody_looks_at_any_more_harms_nobody(bus: BusClient, close: str) -> None:
    orders = await bus.subscribe("orders")
    wake_up, woken = trio.open_memory_channel[str](1)
    await bus.register_wake_up(orders.id, wake_up)

    (wake_up if close == "wake_up" else woken).close()

    assert await bus.publish("orders", "tea") == (1, 0)
    assert (await anext(orders)).payload == "tea"


async def test_a_task_may_wait_for_the_subscription_itself_as_well(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    wake_up, woken = trio.open_memory_channel[str](10)
    await bus.register_wake_up(orders.id, wake_up)
    got: list[Any] = []

    async def receive() -> None:
        async for message in orders:
            got.append(message.payload)  # noqa: PERF401 -- it is looked at in the end

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        for number in range(3):
            await trio.sleep(1)
            await bus.publish("orders", number)
        await orders.aclose()

    assert got == [0, 1, 2]
    assert woken.statistics().current_buffer_used == 4


async def test_what_an_actor_is_sent_wakes_too(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe, name="probe")
    subscription_id = await probe.call(lambda me: BusClient(me.system.named("bus")).subscribe_actor("orders"))
    wake_up, woken = trio.open_memory_channel[str](1)
    await bus.register_wake_up(subscription_id, wake_up)

    await bus.publish("orders", "tea")

    assert woken.receive_nowait() == subscription_id


async def test_a_restart_of_the_bus_loses_no_wake_up(system: ActorSystem) -> None:
    shop = await system.start(Supervisor, SupervisorSpec([ChildSpec("bus", TopicBus, name="bus")], intensity=10))
    bus = BusClient(system.named("bus"), agent="shop")
    orders = await bus.subscribe("orders")
    wake_up, woken = trio.open_memory_channel[str](1)
    await bus.register_wake_up(orders.id, wake_up)

    system.named("bus").kill()
    await which_children(shop)
    await bus.publish("orders", "tea")

    assert woken.receive_nowait() == orders.id


async def test_what_is_no_channel_is_refused(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")

    with pytest.raises(BusRequestError, match=r"a wake-up is a trio\.MemorySendChannel; got 'me'"):
        await bus.register_wake_up(orders.id, "me")  # type: ignore[arg-type]
