"""A store whose next incarnation inherits the orders of the last; what it cannot use is put aside, not lost."""

import logging
from collections.abc import Mapping

import trio
from attrs import frozen

from actors import Actor, ActorExitedError, Call, Caller, open_system
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children


@frozen
class Order:
    item: str
    count: int


@frozen
class Place(Call[int]):
    order: Order


@frozen
class Ordered(Call[int]):
    item: str


def sound(orders: Mapping[int, Order]) -> bool:
    return all(order.count > 0 for order in orders.values())


class Store(Actor):
    def init(self) -> None:
        self.orders = self.inherit("orders", check=sound)
        self.counts: dict[str, int] = {}
        for order in self.orders.records:
            self.count(order)

    def handle_call(self, message: Place | Ordered, caller: Caller) -> int:
        match message:
            case Place(order):
                number = self.orders.append(order)
                self.count(order)
                return number
            case Ordered(item):
                return self.counts.get(item, 0)

    def count(self, order: Order) -> None:
        self.counts[order.item] = self.counts.get(order.item, 0) + order.count


async def main() -> None:
    logging.disable()  # the crash would be shown with its traceback
    async with open_system() as system:
        shop = await system.start(Supervisor, SupervisorSpec([ChildSpec("store", Store, name="store")], intensity=5))
        store = system.named("store")
        for order in (Order("tea", 2), Order("milk", 1)):
            print("order", await store.call(Place(order)), "is confirmed by", store.whereis())

        store.kill()
        await which_children(shop)
        print(store.whereis(), "has", await store.call(Ordered("tea")), "tea on order")

        try:
            await store.call(Place(Order("tea", "two")))  # type: ignore[arg-type]
        except ActorExitedError as error:
            print("the store is down:", error.reason)
        await which_children(shop)
        print(store.whereis(), "has", system.heirlooms["orders"].length, "orders")
        for entry in system.heirlooms.quarantined:
            print("in quarantine:", len(entry.records), "records,", entry.reason)


if __name__ == "__main__":
    trio.run(main)
