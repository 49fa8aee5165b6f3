"""The time of a message is over when so many seconds have passed, whatever is done to the clock on the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from actors import Actor
from actors.bus import BusClient, TopicBus
from actors.bus import clock as clock_module

if TYPE_CHECKING:
    from actors import ActorSystem, Caller

NOON = 1_800_000_000.0


class Wall:
    """A clock on the wall that can be set."""

    def __init__(self) -> None:
        self.ahead = NOON

    def __call__(self) -> float:
        return self.ahead + trio.current_time()


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    """Have messages go by a clock that can be set."""
    wall = Wall()
    monkeypatch.setattr(clock_module, "wall_clock", lambda: wall)
    return wall


async def test_nothing_is_received_longer_because_the_clock_was_set_back(wall: Wall, bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.publish("orders", "short", ttl=1)
    await bus.publish("orders", "long", ttl=5)

    wall.ahead -= 3_600
    await trio.sleep(1.3)

    assert orders.receive_nowait().payload == "long"
    assert orders.expired == 1


async def test_who_comes_after_the_clock_was_set_back_goes_by_the_same(wall: Wall, system: ActorSystem) -> None:
    await system.start(TopicBus, name="bus")
    before = BusClient(system.named("bus"), agent="shop")
    wall.ahead -= 3_600
    after = BusClient(system.named("bus"), agent="till")
    orders, bills = await after.subscribe("orders"), await before.subscribe("bills")
    await before.publish("orders", "tea", ttl=1)
    await after.publish("bills", "tea", ttl=1)

    assert (orders.waiting, bills.waiting) == (1, 1)
    await trio.sleep(1.3)

    for subscription in (orders, bills):
        with pytest.raises(trio.WouldBlock):
            subscription.receive_nowait()


async def test_an_actor_is_sent_nothing_longer_because_the_clock_was_set_back(wall: Wall, system: ActorSystem) -> None:
    class Archivist(Actor):
        async def init(self) -> None:
            self.kept: list[object] = []
            await BusClient(self.system.named("bus")).subscribe_actor("orders", agent="archivist")

        def handle_info(self, message: object) -> None:
            self.kept.append(message)

        def handle_call(self, message: object, caller: Caller) -> list[object]:
            return self.kept

    await system.start(TopicBus, name="bus")
    archivist = await system.start(Archivist)
    bus = BusClient(system.named("bus"), agent="shop")
    published = wall() - 2.0
    wall.ahead -= 3_600

    assert await bus.publish("orders", "tea", ttl=1, time=published) == (0, 0)
    assert await archivist.call("kept") == []


async def test_what_the_clock_skips_has_passed(wall: Wall, bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.publish("orders", "tea", ttl=60)

    wall.ahead += 3_600

    with pytest.raises(trio.WouldBlock):
        orders.receive_nowait()
