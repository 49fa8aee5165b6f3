"""A system that was left is let go of, with all that its services held: the next ones do not carry it along."""

from __future__ import annotations

import gc
import logging
import time
import weakref
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorSystem, open_system
from actors.bus import BusClient
from actors.delivery import DeliveryOptions, RouterConfig, RouterRef
from actors.queue import QueueClient, SqliteStore
from actors.shared_memory import Namespace, SharedMemoryClient, SqliteEntries
from actors.shell import serve_node
from actors.store import SqliteReferenceStore, StoreClient
from supervision import ChildSpec, LogOptions, PrometheusOptions, Supervisor, SupervisorSpec, TelemetryOptions
from supervision.services import service_tree

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


class Till(Actor):
    def handle_cast(self, message: object) -> None:
        raise ValueError(message)

    def handle_call(self, message: object, caller: object) -> object:
        return message


async def do_nothing(system: ActorSystem) -> None:
    """Have the services started alone."""


async def send(system: ActorSystem) -> None:
    router = RouterRef(system)
    await router.send("nobody", "lost")
    assert await router.call("till", "sold") == "sold"
    await router.send("till", "a bad coin", DeliveryOptions(durable=True))


async def subscribe(system: ActorSystem) -> None:
    bus = BusClient(system.named("bus"), agent="shop")
    await bus.subscribe("stock.*")
    await bus.publish("stock.new", "bread")


async def put(system: ActorSystem) -> None:
    queue = QueueClient(system.named("queue"))
    await queue.put("oven", "bread")
    await queue.lease("oven")


async def store(system: ActorSystem) -> None:
    await StoreClient(system.named("store")).store(b"bread")


async def note(system: ActorSystem) -> None:
    notes = SharedMemoryClient(system.named("shared_memory"), "shop")
    await notes.put(Namespace.GLOBAL, "bread", b"sold")


async def crash(system: ActorSystem) -> None:
    for name in ("till", "router", "bus", "queue", "store", "shared_memory"):
        victim = system.named(name).whereis()
        assert victim is not None
        victim.kill()
        await victim.wait()
    await wait_all_tasks_blocked()


@pytest.mark.parametrize("use", [do_nothing, send, subscribe, put, store, note, crash])
def test_nobody_keeps_a_system_that_was_left(
    use: Callable[[ActorSystem], Awaitable[None]],
    tmp_path: Path,
    runtime_directory: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, logger="actors")  # what was captured would keep what it tells of
    file = str(tmp_path / "shop.sqlite")
    services = service_tree(
        RouterConfig(database=file),
        store=SqliteReferenceStore(file),
        shared_memory=SqliteEntries(file),
        bus=True,
        queue=SqliteStore(file),
        telemetry=TelemetryOptions(log=LogOptions(), prometheus=PrometheusOptions(port=0)),
    )

    async def shop() -> weakref.ref[ActorSystem]:
        async with open_system() as system, trio.open_nursery() as nursery:
            await nursery.start(serve_node, system, "shop")
            await system.start(Supervisor, SupervisorSpec([services, ChildSpec("till", Till, name="till")]))
            await use(system)
            nursery.cancel_scope.cancel()
        return weakref.ref(system)

    left = trio.run(shop)

    patience = time.monotonic() + 20
    while left() is not None and time.monotonic() < patience:
        gc.collect()
        time.sleep(0.001)  # the watchdog's thread may be looking at it
    assert left() is None
