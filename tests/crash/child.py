"""The process that is killed: ``python -m tests.crash.child ORDERS``, a JSON object."""

from __future__ import annotations

import json
import logging
import random
import sys
import time
from typing import TYPE_CHECKING, Any

import trio
from attrs import frozen

from actors import ActorSystem, open_system
from actors.delivery import Router, RouterConfig, RouterRef
from actors.queue import OutcomeUnknownError, Queue, QueueClient, QueueOptions, SqliteStore
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.crash.post import (
    CLERKS,
    DELAY,
    DELAYED,
    DEPOT,
    GRACE,
    LEAST,
    MANY,
    ONCE,
    PORTERS,
    STATIONS,
    Clerk,
    Letter,
    Parcel,
    Porter,
    Station,
    idle,
    tell,
)

if TYPE_CHECKING:
    from actors.delivery import Receipt

WINDOW = 16
"""So many messages of a producer wait for their acknowledgement at most."""


@frozen
class Orders:
    """What the parent wants."""

    file: str
    seed: int
    next: dict[str, int]
    """The number of the next message of each producer; nobody produces when this is empty, and the process ends."""
    hours: float = 0.0
    """How much later than the present it is."""
    killing: bool = False
    """Whether actors, router and queue are killed meanwhile."""


def post_office(orders: Orders) -> SupervisorSpec:
    def clock() -> float:
        return time.time() + 3600 * orders.hours

    config = RouterConfig(database=orders.file, clock=clock, breaker=None)
    store = SqliteStore(orders.file)
    options = QueueOptions(max_retries=MANY)
    children = [
        ChildSpec("router", Router, (config,), name="router"),
        ChildSpec("queue", Queue, (store, options), {"clock": clock}, name="queue"),
        *(ChildSpec(name, Station, kwargs={"lingers": orders.killing}, name=name) for name in STATIONS),
        *(ChildSpec(name, Clerk, name=name) for name in CLERKS),
        *(ChildSpec(name, Porter, name=name) for name in PORTERS),
    ]
    return SupervisorSpec(children, intensity=1_000_000, period=1.0)


class Producer:
    """Sends one message after the other, and tells when each is accepted and when it is acknowledged."""

    def __init__(self, system: ActorSystem, name: str, number: int, *, later: bool) -> None:
        self.name = name
        self.number = number
        self.later = later
        """Whether some are sent with a delay."""
        self.router = RouterRef(system)
        self.queue = QueueClient(system.named("queue"))
        self.room = trio.Semaphore(WINDOW)

    async def run(self) -> None:
        async with trio.open_nursery() as nursery:
            while True:
                await self.room.acquire()
                receipt = await self.produce(self.number)
                nursery.start_soon(self.wait, self.number, receipt)
                self.number += 1

    async def produce(self, number: int) -> Receipt | None:
        tell("intended", self.name, number)
        receipt = await self.send(number)
        tell("accepted", self.name, number)
        return receipt

    async def send(self, number: int) -> Receipt | None:
        kind = self.name.partition(" ")[0]
        parcel = Parcel(self.name, number)
        if kind == "letters":
            return await self.router.send(CLERKS[number % 2], Letter(self.name, number), LEAST)
        if kind == "depot":
            await self.put(parcel)
            return None
        delay = DELAY if self.later and number % DELAYED == 0 else 0.0
        receipt = await self.router.send(parcel.station, parcel, ONCE, id=parcel.id, delay=delay)
        return None if delay else receipt

    async def put(self, parcel: Parcel) -> None:
        while True:
            try:
                await self.queue.put(DEPOT, [parcel.producer, parcel.number], id=parcel.id)
            except OutcomeUnknownError:
                continue
            return

    async def wait(self, number: int, receipt: Receipt | None) -> None:
        if receipt is not None:
            await receipt.acknowledged()
            tell("acknowledged", self.name, number)
        self.room.release()


async def kill_at_random(system: ActorSystem, chance: random.Random) -> None:
    """Kill one of them every few milliseconds, for ever."""
    while True:
        await trio.sleep(chance.uniform(0.002, 0.03))
        victim = system.whereis(chance.choice(["router", "queue", *STATIONS, *CLERKS, *PORTERS]))
        if victim is not None:
            victim.kill()
            tell("killed", victim)


async def main(orders: Orders) -> None:
    async with open_system(kill_grace=GRACE) as system, trio.open_nursery() as nursery:
        await system.start(Supervisor, post_office(orders))
        tell("running")
        if orders.killing:
            nursery.start_soon(kill_at_random, system, random.Random(orders.seed))  # noqa: S311 -- the same in every run
        for name, number in orders.next.items():
            nursery.start_soon(Producer(system, name, number, later=orders.hours == 0).run)
        if not orders.next:
            await idle(system)
            tell("idle")
            nursery.cancel_scope.cancel()


def orders_from(text: str) -> Orders:
    orders: dict[str, Any] = json.loads(text)
    return Orders(**orders)


if __name__ == "__main__":
    asked = orders_from(sys.argv[1])
    if asked.killing:
        logging.disable()  # each kill would be told
    trio.run(main, asked)
