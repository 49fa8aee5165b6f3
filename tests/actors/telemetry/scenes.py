"""Scenes: what it takes for each event of the catalogue to happen, part by part."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorExitedError, NoProcessError
from actors.bus import BusClient, TopicBus, TopicFilter
from actors.delivery import (
    BreakerOptions,
    DeliveryFailedError,
    DeliveryOptions,
    NoRouterError,
    Router,
    RouterConfig,
    RouterRef,
)
from actors.queue import Batch, Done, MemoryStore, Queue, QueueClient, StoreFailedError
from actors.shared_memory import MemoryEntries, SharedMemory, SharedMemoryClient
from actors.store import IntegrityError, MemoryReferenceStore, Store, StoreClient
from actors.telemetry import attached
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.delivery.receivers import Fragile, Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from actors import ActorSystem, Caller
    from actors.queue.behaviour import Sketch
    from actors.store import Piece


class FullStore(MemoryStore):
    """A store of a queue that takes nothing."""

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        done(StoreFailedError("the disk is full"))


class TornStore(MemoryStore):
    """A store of a queue that cannot be read."""

    async def pending(self) -> AsyncGenerator[Sequence[Sketch]]:
        raise StoreFailedError("the disk is torn")
        yield ()


class RottenStore(MemoryReferenceStore):
    """A store of references that gives back something else."""

    def piece(self, seq: int, number: int) -> Piece | None:
        piece = super().piece(seq, number)
        return None if piece is None else piece._replace(data=b"rot")


async def topics(system: ActorSystem) -> None:
    await system.start(TopicBus, name="bus")
    bus = BusClient(system.named("bus"), agent="shop")
    findings = await bus.subscribe("findings.*", filter=TopicFilter(from_agents=["shop"]))
    await bus.publish("findings.tea", "it is green")
    await findings.aclose()

    nobody = BusClient(system.named("nobody"), agent="shop", patience=0.0)
    await refused(nobody.publish("findings.tea", "it is black"))
    await refused(nobody.subscribe("findings.*"))
    await refused(nobody.unsubscribe("1"))


async def queue(system: ActorSystem) -> None:
    await system.start(Queue, MemoryStore(), name="queue")
    client = QueueClient(system.named("queue"), sender="shop")
    await client.put("mill", "grind")
    await client.requeue(await client.lease("mill"))
    await client.ack(await client.lease("mill"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_and_receive, "mill", "how much?")
        await client.reply((await client.lease("mill")).message, "a pound")

    nobody = QueueClient(system.named("nobody"), sender="shop", patience=0.0)
    await refused(nobody.put("mill", "grind"))
    await refused(nobody.send_and_receive("mill", "how much?", timeout=0.01))

    await system.start(Queue, FullStore(), name="full")
    with pytest.raises(StoreFailedError):
        await QueueClient(system.named("full"), sender="shop").put("mill", "grind")
    with pytest.raises(StoreFailedError):
        await system.start(Queue, TornStore())


async def notes(system: ActorSystem) -> None:
    await system.start(SharedMemory, MemoryEntries(), name="notes")
    for client in (
        SharedMemoryClient(system.named("notes"), "shop"),
        SharedMemoryClient(system.named("nobody"), "shop", patience=0.0),
    ):
        with suppress(NoProcessError):
            async with client.watch(1, "tea.*"):
                pass
        for asked in (
            client.put(1, "tea.price", b"5"),
            client.get(1, "tea.price"),
            client.list(1),
            client.delete(1, "a"),
        ):
            with suppress(NoProcessError):
                await asked


async def payloads(system: ActorSystem) -> None:
    await system.start(Store, MemoryReferenceStore(), name="store")
    store = StoreClient(system.named("store"))
    tea = await store.store(b"tea", ttl=1.0)
    await store.resolve(tea)
    await store.retain(tea)
    await store.release(tea)
    await store.list()
    await store.collect()
    await store.delete(tea)

    nobody = StoreClient(system.named("nobody"), patience=0.0)
    nobody._terms = store._terms
    for asked in (
        nobody.store(b"tea"),
        nobody.resolve(tea),
        nobody.retain(tea),
        nobody.release(tea),
        nobody.delete(tea),
    ):
        await refused(asked)
    await refused(nobody.list())

    await system.start(Store, RottenStore(), name="rotten")
    rotten = StoreClient(system.named("rotten"))
    with pytest.raises(IntegrityError):
        await rotten.resolve(await rotten.store(b"milk"))


async def router(system: ActorSystem) -> None:
    config = RouterConfig(breaker=BreakerOptions(failure_threshold=1, reset_timeout=1.0))
    await system.start(Router, config, name="router")
    messages = RouterRef(system)
    await system.start(Receiver, [], name="well")
    await (await messages.send("well", "tea")).acknowledged()
    fragile = ChildSpec("fragile", Fragile, args=([], 1), name="fragile")
    await system.start(Supervisor, SupervisorSpec([fragile]))
    with pytest.raises(DeliveryFailedError):
        await (await messages.send("fragile", "tea", DeliveryOptions(max_retries=1))).acknowledged()
    with pytest.raises(NoRouterError):
        await RouterRef(system, "no router").send("well", "tea")


class Till(Actor):
    """An actor that answers, or dies of it."""

    def handle_call(self, message: str, caller: Caller) -> str:
        if message == "crash":
            raise RuntimeError("the drawer is stuck")
        return message


async def actors(system: ActorSystem) -> None:
    shop = await system.start(Supervisor, SupervisorSpec([ChildSpec("till", Till, name="till")]))
    till = system.whereis("till")
    assert till is not None
    await till.call("ring")
    with pytest.raises(ActorExitedError):
        await till.call("crash")
    await which_children(shop)


async def telemetry(system: ActorSystem) -> None:
    def fail(*told: object) -> None:
        raise RuntimeError("no room for notes")

    with attached("actor.started", fail):
        await system.start(Till)
    await wait_all_tasks_blocked()


async def refused(asked: Awaitable[object]) -> None:
    with pytest.raises(NoProcessError):
        await asked


SCENES: Final[dict[str, tuple[tuple[str, ...], Callable[[ActorSystem], Awaitable[Any]]]]] = {
    "topics": (("bus",), topics),
    "queue": (("queue",), queue),
    "notes": (("shared_memory",), notes),
    "payloads": (("store",), payloads),
    "router": (("router",), router),
    "actors": (("actor", "supervisor"), actors),
    "telemetry": (("telemetry",), telemetry),
}
"""By what they are about: the parts of whose events all happen, and what makes them happen."""
