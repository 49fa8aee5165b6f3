"""A bus that is gone for good: nobody waits for its messages, nor for longer than was said for an answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorSystem, NoProcessError, open_system
from actors.bus import BusClient, OutcomeUnknownError, Subscription, TopicBus
from actors.name_ref import NameRef

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from trio.testing import MockClock


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "actors")


def client(system: ActorSystem, patience: float) -> BusClient:
    return BusClient(system.named("bus"), agent="shop", patience=patience)


async def seconds_until_told(subscription: Subscription) -> float:
    begin = trio.current_time()
    with pytest.raises(NoProcessError, match=r"<BusClient of .*> has had no bus for .* s; <Subscription .* told"):
        await anext(subscription)
    return trio.current_time() - begin


async def test_who_waits_for_messages_is_told_when_patience_is_over_and_nobody_has_the_name(
    system: ActorSystem,
) -> None:
    bus = await system.start(TopicBus, name="bus")
    short, long = [await client(system, patience).subscribe("orders") for patience in (2.0, 5.0)]
    told: list[tuple[float, float]] = []

    async def wait(subscription: Subscription, patience: float) -> None:
        told.append((patience, await seconds_until_told(subscription)))

    async with trio.open_nursery() as nursery:
        for subscription, patience in ((short, 2.0), (long, 5.0)):
            nursery.start_soon(wait, subscription, patience)
        await wait_all_tasks_blocked()
        bus.kill()

    assert told == [(2.0, 2.0), (5.0, 5.0)]


@pytest.mark.parametrize("killed_before", [False, True])
async def test_the_end_of_a_system_waits_for_no_patience(autojump_clock: MockClock, *, killed_before: bool) -> None:
    begin = trio.current_time()
    async with open_system() as system:
        bus = await system.start(TopicBus, name="bus")
        orders = await client(system, 3600.0).subscribe("orders")
        if killed_before:
            bus.kill()
            await bus.wait()
            await system.start(TopicBus, name="bus")

    assert trio.current_time() - begin < 1
    with pytest.raises(StopAsyncIteration):
        await anext(orders)


async def test_what_was_delivered_before_can_still_be_received(system: ActorSystem) -> None:
    bus = await system.start(TopicBus, name="bus")
    orders = await client(system, 2.0).subscribe("orders")
    await client(system, 2.0).publish("orders", "tea")
    await bus.stop()
    await trio.sleep(3)

    assert (await anext(orders)).payload == "tea"
    assert await seconds_until_told(orders) == 0
    with pytest.raises(NoProcessError, match="has had no bus for 3 s"):
        orders.receive_nowait()


async def test_nobody_is_told_of_a_bus_that_comes_back_in_time_however_often(system: ActorSystem) -> None:
    orders = None
    for _ in range(3):
        bus = await system.start(TopicBus, name="bus")
        orders = orders or await client(system, 2.0).subscribe("orders")
        bus.kill()
        await trio.sleep(1.5)
        with pytest.raises(trio.WouldBlock):
            orders.receive_nowait()

    assert orders is not None
    assert await seconds_until_told(orders) == 0.5


async def test_a_start_that_fails_begins_no_new_patience(system: ActorSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = await system.start(TopicBus, name="bus")
    orders = await client(system, 2.0).subscribe("orders")
    bus.kill()
    await trio.sleep(1.5)
    monkeypatch.setattr(TopicBus, "_take_over", fail)
    with pytest.raises(OSError, match="no memory"):
        await system.start(TopicBus, name="bus")

    assert await seconds_until_told(orders) == 0.5


async def fail(_bus: TopicBus) -> None:
    raise OSError("no memory")


async def test_a_subscription_that_was_told_goes_on_with_the_next_bus(system: ActorSystem) -> None:
    bus = await system.start(TopicBus, name="bus")
    orders = await client(system, 2.0).subscribe("orders")
    bus.kill()
    await seconds_until_told(orders)
    await system.start(TopicBus, name="bus")

    assert await client(system, 2.0).publish("orders", "tea") == (1, 0)
    assert (await anext(orders)).payload == "tea"


async def test_one_that_is_closed_without_a_bus_waits_no_longer_and_is_unknown_to_the_next(
    system: ActorSystem,
) -> None:
    bus = await system.start(TopicBus, name="bus")
    async with await client(system, 2.0).subscribe("orders") as orders:
        bus.kill()
        await seconds_until_told(orders)
        begin = trio.current_time()
    ended_in = trio.current_time() - begin
    await system.start(TopicBus, name="bus")

    assert (ended_in, orders.ended) == (0, True)
    assert await client(system, 2.0).subscriptions() == ()


async def test_who_waits_for_many_is_woken_up_for_it(system: ActorSystem) -> None:
    bus = await system.start(TopicBus, name="bus")
    orders = await client(system, 2.0).subscribe("orders")
    wake_up, woken = trio.open_memory_channel[str](1)
    await client(system, 2.0).register_wake_up(orders.id, wake_up)
    bus.kill()

    assert await woken.receive() == orders.id
    with pytest.raises(NoProcessError):
        orders.receive_nowait()


class BusThatDies(Actor):
    """Ends whenever it is asked something."""

    def handle_call(self, message: object, caller: object) -> None:
        self.ref.kill()


async def come_and_go(system: ActorSystem) -> None:
    while True:
        ref = await system.start(BusThatDies, name="bus")
        await ref.wait()
        await trio.sleep(3)


async def test_a_request_outlasts_its_patience_by_nothing_although_each_bus_that_comes_ends_by_it(
    system: ActorSystem,
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_and_go, system)
        await wait_all_tasks_blocked()
        begin = trio.current_time()
        with pytest.raises(OutcomeUnknownError, match=r"whether the bus was closed is not known: .* killed"):
            await client(system, 5.0).close()
        took = trio.current_time() - begin
        nursery.cancel_scope.cancel()

    assert took == 5.0


class Flicker(NameRef):
    """A name that somebody has whenever that is asked, and nobody a second later, when he is called."""

    __slots__ = ()

    @property
    def alive(self) -> bool:
        return True

    async def call(self, message: object, **terms: Any) -> Any:
        await trio.sleep(1)
        raise NoProcessError("nobody has the name")


ACTS: dict[str, Callable[[BusClient], Awaitable[object]]] = {
    "publish": lambda bus: bus.publish("orders", "tea"),
    "subscribe": lambda bus: bus.subscribe("orders"),
    "look": lambda bus: bus.statistics(),
}


@pytest.mark.parametrize("act", ACTS)
async def test_a_request_does_not_outlast_its_patience_however_often_the_bus_goes(
    system: ActorSystem, act: str
) -> None:
    bus = BusClient(Flicker(system, "bus", system.names), agent="shop", patience=5.0)
    begin = trio.current_time()

    with pytest.raises(NoProcessError, match="nobody has the name"):
        await ACTS[act](bus)

    assert 5 <= trio.current_time() - begin <= 6


async def test_a_subscription_ends_although_the_bus_does_while_it_is_told_so(system: ActorSystem) -> None:
    bus = await system.start(TopicBus, name="bus")
    orders = await client(system, 2.0).subscribe("orders")
    bus.kill()
    await bus.wait()
    await system.start(BusThatDies, name="bus")

    await orders.aclose()

    assert orders.ended
