"""Measures the topic bus: ``python -m tests.benchmarks.workloads_topics fan_out|beside SUBSCRIPTIONS [KIND]``."""

from __future__ import annotations

import sys
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

from actors import open_system
from actors.bus import BusClient, TopicBus
from tests.benchmarks.bare_trio import CAST, Mailbox, Reply, counter
from tests.benchmarks.measure import Stopwatch, publish

if TYPE_CHECKING:
    from actors.bus import Subscription
    from tests.benchmarks.measure import Figures

DELIVERIES: Final = 200_000
CASTS: Final = 64
TURNS: Final = 5
PUBLISHED: Final = 2_000

_numbers: Final = count()

PATTERNS: Final = {
    "topics": "other.{}",
    "stars": "room{}.*",
    "globs": "news.t?-{}",
    "any depth": "**.room{}.late",
}
"""What the others have subscribed to: nothing that matches ``news.today``."""


async def fan_out(subscribers: int) -> Figures:
    """One publisher beside so many subscribers that receive all, in turns with casts between two bare tasks."""
    ours = bare = 0.0
    for _ in range(TURNS):
        ours += await _seconds_of_deliveries(subscribers)
        bare += await _seconds_of_casts()
    rate, bare_rate = (TURNS * DELIVERIES / seconds for seconds in (ours, bare))
    return {"per_second": rate, "casts": bare_rate, "ratio": rate / bare_rate}


async def _seconds_of_deliveries(subscribers: int) -> float:
    each = DELIVERIES // subscribers
    async with open_system() as system:
        await system.start(TopicBus, name="bus")
        bus = BusClient(system.named("bus"), agent="paper")
        subscriptions = [await bus.subscribe("news.today", buffer_size=1_000) for _ in range(subscribers)]
        with Stopwatch() as watch:
            async with trio.open_nursery() as nursery:
                for subscription in subscriptions:
                    nursery.start_soon(_receive, subscription, each)
                for number in range(each):
                    await bus.publish("news.today", number)
    return watch.seconds


async def _receive(subscription: Subscription, left: int) -> None:
    async for _ in subscription:
        left -= 1
        if left == 0:
            break
    assert subscription.dropped == 0


async def _seconds_of_casts() -> float:
    mailbox, reply = Mailbox(), Reply()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(counter, mailbox)
        await trio.lowlevel.checkpoint()
        with Stopwatch() as watch:
            for number in range(DELIVERIES):
                mailbox.put(CAST)
                if number % CASTS == CASTS - 1:
                    await trio.lowlevel.checkpoint()
            mailbox.put((reply, DELIVERIES))
            await reply.wait()
        nursery.cancel_scope.cancel()
    return watch.seconds


async def beside(others: int, kind: str) -> Figures:
    """Publish to two subscriptions, one of them to a pattern, beside others that do not match."""
    async with open_system() as system:
        bus_ref = await system.start(TopicBus, name="bus")
        bus = BusClient(system.named("bus"), agent="paper")
        for pattern in ("news.today", "news.*"):
            await bus.subscribe(pattern, buffer_size=10, overflow="drop_oldest")
        for number in range(others):
            await bus.subscribe(PATTERNS[kind].format(number))
        known, anew = [], []
        for _ in range(TURNS):
            known.append(await _seconds_of_publishing(bus, ["news.today"] * PUBLISHED))
            # A topic that is new is looked for among the patterns, and nobody remembers for whom it is.
            anew.append(await _seconds_of_publishing(bus, [f"news.{next(_numbers)}" for _ in range(PUBLISHED)]))
        assert bus_ref.alive
    return {
        "known": min(known) / PUBLISHED * 1e9,
        "anew": min(anew) / PUBLISHED * 1e9,
    }


async def _seconds_of_publishing(bus: BusClient, topics: list[str]) -> float:
    begin = perf_counter()
    for topic in topics:
        await bus.publish(topic, None)
    return perf_counter() - begin


def main() -> None:
    what, subscriptions, *kind = sys.argv[1:]
    if what == "fan_out":
        publish(trio.run(fan_out, int(subscriptions)))
    publish(trio.run(beside, int(subscriptions), kind[0]))


if __name__ == "__main__":
    main()
