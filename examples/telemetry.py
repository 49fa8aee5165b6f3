"""Who is slow, who misses messages, who dies: a program hears of it by events, and of its own sales by a span."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import trio
from attrs import frozen

from actors import Actor, Caller, open_system
from actors.bus import BusClient, TopicBus
from actors.telemetry import Span, attach, attached, detach
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children

SALE = Span("shop.sale", "A customer buys something.", metadata=("till",), measured=("cents",))


@frozen
class Sell:
    cents: int


class Till(Actor):
    async def handle_call(self, message: Sell, caller: Caller) -> None:
        with SALE.begin(till=self.name) as sale:
            sale.measure(cents=message.cents)
            await BusClient(self.system.named("bus")).publish("sales.left", message.cents)


SHOP = SupervisorSpec([ChildSpec("bus", TopicBus, name="bus"), ChildSpec("left", Till, name="left")])


def say(name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
    numbers = {key: value for key, value in measurements.items() if key != "latency_us"}
    print(name, numbers, metadata.get("topic") or metadata.get("till") or metadata["child"])


def fail(*told: object) -> None:
    raise RuntimeError(f"what to do with {told[0]}?")


async def main() -> None:
    families: Counter[str] = Counter()
    attach("traces", "**.start", lambda *told: families.update([told[2]["span"].trace_id]))
    attach("news", ["bus.publish.stop", "shop.sale.stop", "supervisor.restarted"], say)

    async with open_system() as system:
        desk = await system.start(Supervisor, SHOP)
        await BusClient(system.named("bus"), agent="accounts").subscribe("sales.*", buffer_size=1)
        families.clear()

        with SALE.begin(till="the customer's") as purchase:
            purchase.measure(cents=500)
            await system.named("left").call(Sell(200))
            await system.named("left").call(Sell(300))
        print("spans of that trace:", *families.values())

        system.named("left").kill()
        await which_children(desk)

        with attached("bus.publish.*", fail):
            await system.named("left").call(Sell(100))

    detach("traces")
    detach("news")


if __name__ == "__main__":
    trio.run(main)
