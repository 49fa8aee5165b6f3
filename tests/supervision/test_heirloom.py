"""A service that keeps what it acknowledged in a heirloom loses nothing of it, however often it is killed."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from actors import Actor, ActorError, Call, Caller, NameRef, open_system
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children

if TYPE_CHECKING:
    from trio.testing import MockClock

KILLS = 100
CLIENTS = 5


@attrs.frozen
class Put(Call[int]):
    """Keep *order*; the reply is the number it is kept under."""

    order: tuple[int, int]


class Orders(Actor):
    """Answers once an order is in its heirloom; its own index is made anew by each incarnation."""

    def init(self) -> None:
        self.orders = self.inherit("orders", sound)
        self.numbers = {order: number for number, order in self.orders.items()}

    def put(self, order: tuple[int, int]) -> int:
        number = self.numbers.get(order)
        if number is None:
            number = self.numbers[order] = self.orders.append(order)
        return number


class Store(Orders):
    def handle_call(self, message: Put, caller: Caller) -> int:
        return self.put(message.order)


class SlowStore(Orders):
    """Waits before and after it has kept an order, where a kill may strike."""

    async def handle_call(self, message: Put, caller: Caller) -> int:
        await trio.sleep(0.001)
        number = self.put(message.order)
        await trio.sleep(0.001)
        return number


def sound(records: Any) -> bool:
    return len(set(records.values())) == len(records)


@attrs.define
class Client:
    """Puts order after order, each until it is acknowledged."""

    store: NameRef
    id: int
    acknowledged: dict[tuple[int, int], int] = attrs.field(factory=dict)
    failures: int = 0

    async def run(self) -> None:
        while True:
            order = (self.id, len(self.acknowledged))
            try:
                self.acknowledged[order] = await self.store.call(Put(order))
            except ActorError:
                self.failures += 1  # it may have been kept all the same
            await trio.sleep(0.001)


@pytest.mark.parametrize("store", [Store, SlowStore])
async def test_everything_acknowledged_is_there_after_100_kills_under_load(
    autojump_clock: MockClock, store: type[Orders]
) -> None:
    chance = random.Random(7)  # noqa: S311 -- when to kill is no secret
    async with open_system() as system, trio.open_nursery() as nursery:
        spec = SupervisorSpec([ChildSpec("store", store, name="store")], intensity=KILLS + 1, period=3600.0)
        supervisor = await system.start(Supervisor, spec)
        clients = [Client(system.named("store"), number) for number in range(CLIENTS)]
        for client in clients:
            nursery.start_soon(client.run)
        for _ in range(KILLS):
            await trio.sleep(chance.uniform(0.001, 0.02))
            system.named("store").kill()
            await system.named("store").wait()
            # The supervisor hears of the end before this call, so the next store is there when it answers.
            await which_children(supervisor)
        nursery.cancel_scope.cancel()
        status = system.heirlooms["orders"]
        kept = dict(system.heirlooms._estates["orders"].records)

    acknowledged = {order: number for client in clients for order, number in client.acknowledged.items()}
    assert {order: kept.get(number) for order, number in acknowledged.items()} == {
        order: order for order in acknowledged
    }
    assert set(Counter(kept.values()).values()) == {1}
    assert len(kept) - len(acknowledged) <= CLIENTS
    assert (status.epoch, status.quarantined) == (KILLS + 1, 0)
    assert len(acknowledged) > KILLS
    assert sum(client.failures for client in clients) > 0 or store is Store
