"""What it costs a node that its services are looked at, with much in them and many actors beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from actors import Actor
from actors.bus import BusClient
from actors.delivery import RouterConfig, RouterRef
from actors.delivery.breaker import BreakerOptions
from actors.queue import MemoryStore, QueueClient
from actors.shared_memory import MemoryEntries, Namespace, SharedMemoryClient
from actors.shell import Limits, serve_node
from actors.store import MemoryReferenceStore, StoreClient
from supervision import Supervisor, SupervisorSpec
from supervision.services import service_tree
from tests.actors.shell.conversation import rows
from tests.actors.shell.test_cost import (
    MOST_SECONDS,
    MOST_SECONDS_AT_ONCE,
    AsyncTill,
    Meter,
    assert_cheap,
    cost_of,
    crowd,
    flood,
)

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem
    from actors.shell import Node
    from tests.actors.shell.conversation import Connect

ACTORS = 10_000
THINGS = 10_000
"""So many topics, recipients, references and keys there are."""

WORDS: dict[str, dict[str, Any]] = {
    "bus.statistics": {},
    "bus.topics": {},
    "bus.subscriptions": {},
    "memory.keys": {},
    "memory.namespaces": {},
    "memory.watchers": {},
    "queue.dead_letters": {},
    "queue.pending": {"recipient": "mill 7"},
    "queue.recipients": {},
    "queue.statistics": {},
    "router.breakers": {},
    "router.dead_letters": {},
    "router.guarantees": {},
    "router.statistics": {},
    "store.references": {"order": "size"},
    "store.statistics": {},
}


async def fill(system: ActorSystem) -> None:
    services = service_tree(
        RouterConfig(breaker=BreakerOptions()),
        store=MemoryReferenceStore(),
        shared_memory=MemoryEntries(),
        bus=True,
        queue=MemoryStore(),
    )
    await system.start(Supervisor, SupervisorSpec([services]))
    queue = QueueClient(system.named("queue"))
    store = StoreClient(system.named("store"))
    notes = SharedMemoryClient(system.named("shared_memory"), "filler")
    bus = BusClient(system.named("bus"), agent="filler")
    router = RouterRef(system)
    for number in range(1000):
        await bus.subscribe(f"stock.{number}.*")
        await queue.put("oven", number)
        await queue.reject(await queue.lease("oven"), "cold")
        await router.send("nobody", number)
    for number in range(THINGS):
        await queue.put(f"mill {number}", number)
        await store.store(b"%d" % number)
        await notes.put(Namespace.GLOBAL, f"note.{number}", b"yes")
        await bus.publish(f"stock.{number}.new", number)


@pytest.mark.slow
@pytest.mark.hang_seconds(240)
async def test_looking_at_full_services_takes_50_ms_of_the_loop_in_slices_under_5_ms(
    real_system: ActorSystem, nursery: trio.Nursery, runtime_directory: Path, connect: Connect
) -> None:
    for _ in range(ACTORS):
        await real_system.start(Actor)
    await fill(real_system)
    client = await connect(await nursery.start(serve_node, real_system, "shop", Limits()))
    totals: dict[str, list[float]] = {word: [] for word in WORDS}
    longest: dict[str, list[float]] = {word: [] for word in WORDS}

    for _ in range(3):
        for word, arguments in WORDS.items():
            await trio.testing.wait_all_tasks_blocked()
            meter = Meter()
            trio.lowlevel.add_instrument(meter)
            answer = rows(await client.ask(word, arguments))
            trio.lowlevel.remove_instrument(meter)
            assert answer or word in ("memory.watchers", "router.breakers")
            totals[word].append(sum(meter.steps))
            longest[word].append(max(meter.steps))

    # The best of three, for whoever shares a core with this makes everything take longer.
    assert {word: min(seconds) for word, seconds in totals.items() if min(seconds) >= MOST_SECONDS} == {}
    assert {word: min(seconds) for word, seconds in longest.items() if min(seconds) >= MOST_SECONDS_AT_ONCE} == {}


COMMANDS: dict[str, list[str]] = {
    "ask": ["queue.statistics"],
    "breakers": [],
    "memory namespaces": [],
    "memory keys": [],
    "memory watchers": [],
    "queue recipients": [],
    "queue pending": ["mill 7"],
    "queue dead-letters list": [],
    "refs": ["--sort", "size"],
    "router statistics": [],
    "router dead-letters list": [],
    "topics": [],
}


@pytest.mark.slow
@pytest.mark.hang_seconds(240)
async def test_every_command_that_looks_at_a_service_answers_beside_10000_busy_actors(
    real_system: ActorSystem, nursery: trio.Nursery, node: Node
) -> None:
    await fill(real_system)
    refs = await crowd(real_system, AsyncTill)
    nursery.start_soon(flood, refs, float("inf"))

    costs = {name: await cost_of(node, name, arguments) for name, arguments in COMMANDS.items()}

    assert_cheap(costs)
    nursery.cancel_scope.cancel()
