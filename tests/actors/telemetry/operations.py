"""Operations whose instructions are counted: each so many times, between two calls of ``getpgid``."""

from __future__ import annotations

import os
from itertools import count
from typing import TYPE_CHECKING, Final

import trio
from trio._core import _run as trio_scheduler

from actors import Actor, open_system
from actors.bus import BusClient, TopicBus
from actors.delivery import DeliveryOptions, Guarantee, Router, RouterRef
from actors.queue import MemoryStore, Queue, QueueClient
from actors.shared_memory import MemoryEntries, Namespace, SharedMemory, SharedMemoryClient
from actors.store import MemoryReferenceStore, Store, StoreClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import ActorSystem

CASTS: Final = 64
"""After so many the actor has its turn."""


class Bench:
    """Where one operation is measured."""

    def __init__(self, system: ActorSystem, count: int) -> None:
        self.system = system
        self.count = count

    async def measure(self, make: Callable[[int], Awaitable[None]]) -> None:
        """Make the operation as often as it is counted, and before that half as often, to warm up."""
        await make(self.count // 2)
        os.getpgid(0)
        await make(self.count)
        os.getpgid(0)


class Echo(Actor):
    def handle_call(self, message: object, caller: object) -> object:
        return message

    def handle_cast(self, message: object) -> None:
        """Take it."""


class AsyncEcho(Actor):
    async def handle_call(self, message: object, caller: object) -> object:
        return message


async def call(bench: Bench) -> None:
    await _call(bench, Echo)


async def call_async(bench: Bench) -> None:
    await _call(bench, AsyncEcho)


async def _call(bench: Bench, kind: type[Actor]) -> None:
    echo = await bench.system.start(kind)

    async def make(times: int) -> None:
        for number in range(times):
            await echo.call(number)

    await bench.measure(make)


async def cast(bench: Bench) -> None:
    echo = await bench.system.start(Echo)

    async def make(times: int) -> None:
        for number in range(times):
            echo.cast(number)
            if number % CASTS == CASTS - 1:
                await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()

    await bench.measure(make)


async def start(bench: Bench) -> None:
    async def make(times: int) -> None:
        for _ in range(times):
            echo = await bench.system.start(Echo)
            await echo.stop()

    await bench.measure(make)


async def send_at_most_once(bench: Bench) -> None:
    await _send(bench, Guarantee.AT_MOST_ONCE)


async def send_at_least_once(bench: Bench) -> None:
    await _send(bench, Guarantee.AT_LEAST_ONCE)


async def _send(bench: Bench, guarantee: Guarantee) -> None:
    await bench.system.start(Router, name="router")
    await bench.system.start(Echo, name="echo")
    router, options = RouterRef(bench.system), DeliveryOptions(guarantee=guarantee)

    async def make(times: int) -> None:
        for number in range(times):
            await router.send("echo", number, options)

    await bench.measure(make)


async def send_and_wait(bench: Bench) -> None:
    await bench.system.start(Router, name="router")
    await bench.system.start(Echo, name="echo")
    router = RouterRef(bench.system)

    async def make(times: int) -> None:
        for number in range(times):
            receipt = await router.send("echo", number)
            await receipt.acknowledged()

    await bench.measure(make)


async def put_into_queue(bench: Bench) -> None:
    await bench.system.start(Queue, MemoryStore(), name="queue")
    client = QueueClient(bench.system.named("queue"), sender="ann")

    async def make(times: int) -> None:
        for number in range(times):
            await client.put("mill", number)

    await bench.measure(make)


async def lease_and_ack(bench: Bench) -> None:
    await bench.system.start(Queue, MemoryStore(), name="queue")
    client = QueueClient(bench.system.named("queue"), sender="ann")
    for number in range(2 * bench.count):
        await client.put("mill", number)

    async def make(times: int) -> None:
        for _ in range(times):
            await client.ack(await client.lease("mill"))

    await bench.measure(make)


async def store_value(bench: Bench) -> None:
    await bench.system.start(Store, MemoryReferenceStore(), name="store")
    client = StoreClient(bench.system.named("store"))
    numbers = count()

    async def make(times: int) -> None:
        for _ in range(times):
            await client.store(b"%0100d" % next(numbers))

    await bench.measure(make)


async def resolve_value(bench: Bench) -> None:
    await bench.system.start(Store, MemoryReferenceStore(), name="store")
    client = StoreClient(bench.system.named("store"))
    reference = await client.store(b"x" * 100)

    async def make(times: int) -> None:
        for _ in range(times):
            await client.resolve(reference)

    await bench.measure(make)


async def publish(bench: Bench) -> None:
    await bench.system.start(TopicBus, name="bus")
    client = BusClient(bench.system.named("bus"), agent="ann")
    subscription = await client.subscribe("news.*", buffer_size=2 * bench.count)

    async def make(times: int) -> None:
        for number in range(times):
            await client.publish("news.today", number)

    await bench.measure(make)
    assert subscription.dropped == 0


async def put_note(bench: Bench) -> None:
    await bench.system.start(SharedMemory, MemoryEntries(), name="shared_memory")
    client = SharedMemoryClient(bench.system.named("shared_memory"), "ann")

    async def make(times: int) -> None:
        for _ in range(times):
            await client.put(Namespace.GLOBAL, "open", b"yes")

    await bench.measure(make)


async def get_note(bench: Bench) -> None:
    await bench.system.start(SharedMemory, MemoryEntries(), name="shared_memory")
    client = SharedMemoryClient(bench.system.named("shared_memory"), "ann")
    await client.put(Namespace.GLOBAL, "open", b"yes")

    async def make(times: int) -> None:
        for _ in range(times):
            await client.get(Namespace.GLOBAL, "open")

    await bench.measure(make)


OPERATIONS: Final[dict[str, tuple[Callable[[Bench], Awaitable[None]], int]]] = {
    "publish to one subscription": (publish, 200),
    "get a note": (get_note, 200),
    "put a note": (put_note, 200),
    "store a value of 100 bytes in memory": (store_value, 200),
    "resolve a value of 100 bytes": (resolve_value, 200),
    "put into a queue in memory": (put_into_queue, 100),
    "lease and acknowledge there": (lease_and_ack, 100),
    "send at most once through the router": (send_at_most_once, 400),
    "send at least once": (send_at_least_once, 200),
    "send at least once and wait for it to be handled": (send_and_wait, 100),
    "start and stop an actor": (start, 50),
    "call an actor whose handler is `def`": (call, 800),
    "call an actor whose handler is `async def`": (call_async, 100),
    "cast": (cast, 800),
}
"""What is measured, and how often it is made."""


async def make_all() -> None:
    """Make the operations, one after the other, each in a system of its own."""
    for operation, times in OPERATIONS.values():
        trio_scheduler._r.seed(0)
        async with open_system(watchdog_seconds=None) as system:
            await operation(Bench(system, times))
