"""The workloads on trio-actors, through its public API, with everything on.

``python -m tests.benchmarks.workloads_ours sync|async WORKLOAD SHARE`` runs one, with that share of its usual count.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import trio

from actors import ActorRef, open_system
from actors.delivery import DeliveryOptions, Guarantee, Router, RouterRef
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.benchmarks import async_actors, sync_actors
from tests.benchmarks.bare_trio import Mailbox
from tests.benchmarks.measure import Figures, Scales, Stopwatch, publish
from tests.benchmarks.messages import INCREMENT, NOTE, Note, Produce, Reach

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import ModuleType

Kinds: TypeAlias = "ModuleType"
"""`sync_actors` or `async_actors`."""

KINDS: Final[dict[str, Kinds]] = {"sync": sync_actors, "async": async_actors}

CLIENTS: Final = 100
PRODUCERS: Final = 100
BURST: Final = 1_000
RING: Final = 1_000
CHUNK: Final = 500_000
"""Casts between two calls, each of which has to be answered within five seconds."""


async def call(kinds: Kinds, count: int) -> Figures:
    async with open_system() as system:
        counter = await system.start(kinds.Counter)
        await _calls(counter, 1_000)
        with Stopwatch() as watch:
            await _calls(counter, count)
        return watch.rate(count)


async def _calls(counter: ActorRef, count: int) -> None:
    for _ in range(count):
        await counter.call(INCREMENT)


async def concurrent_call(kinds: Kinds, count: int) -> Figures:
    each = count // CLIENTS
    async with open_system() as system:
        counter = await system.start(kinds.Counter)
        with Stopwatch() as watch:
            async with trio.open_nursery() as clients:
                for _ in range(CLIENTS):
                    clients.start_soon(_calls, counter, each)
        return watch.rate(CLIENTS * each)


async def cast(kinds: Kinds, count: int) -> Figures:
    async with open_system() as system:
        counter = await system.start(kinds.Counter)
        with Stopwatch() as watch:
            for _ in range(count):
                counter.cast(NOTE)
            assert await counter.call(Reach(count)) == count
        return watch.rate(count)


async def cast_fresh(kinds: Kinds, count: int) -> Figures:
    async with open_system() as system:
        counter = await system.start(kinds.Counter)
        with Stopwatch() as watch:
            for number in range(count):
                counter.cast(Note(number))
            assert await counter.call(Reach(count)) == count
        return watch.rate(count)


async def fan_in(kinds: Kinds, count: int, *, fresh: bool = False) -> Figures:
    rounds = max(1, count // (PRODUCERS * BURST))
    async with open_system() as system:
        counter = await system.start(kinds.Counter)
        producers = [await system.start(kinds.Producer) for _ in range(PRODUCERS)]
        produce = Produce(counter, BURST, fresh)
        with Stopwatch() as watch:
            for done in range(1, rounds + 1):
                for producer in producers:
                    producer.cast(produce)
                await counter.call(Reach(done * PRODUCERS * BURST))
        return watch.rate(rounds * PRODUCERS * BURST)


async def fan_in_fresh(kinds: Kinds, count: int) -> Figures:
    return await fan_in(kinds, count, fresh=True)


async def ring(kinds: Kinds, count: int) -> Figures:
    done = trio.Event()
    async with open_system() as system:
        nodes = [await system.start(kinds.Node, done) for _ in range(RING)]
        for i in range(RING):
            await nodes[i].call(nodes[(i + 1) % RING])
        with Stopwatch() as watch:
            nodes[0].cast(count)
            await done.wait()
        return watch.rate(count)


async def spawn(kinds: Kinds, count: int) -> Figures:
    return await _spawn(kinds.Prepared, count)


async def spawn_no_init(kinds: Kinds, count: int) -> Figures:
    return await _spawn(kinds.Idle, count)


async def _spawn(actor: type[Any], count: int) -> Figures:
    refs = []
    async with open_system() as system:
        with Stopwatch() as watch:
            for _ in range(count):
                refs.append(await system.start(actor))  # noqa: PERF401 -- as bare trio does it
        return watch.rate(count)


async def restart(kinds: Kinds, count: int) -> Figures:
    """Crash the child of a supervisor again and again; no handler is there to take a report of it."""
    return await _restart(kinds, count, logging.NullHandler())


async def restart_formatted(kinds: Kinds, count: int) -> Figures:
    """As `restart`, with every report written out to a file that keeps nothing."""
    return await _restart(kinds, count, logging.FileHandler("/dev/null"))


async def _restart(kinds: Kinds, count: int, handler: logging.Handler) -> Figures:
    logger = logging.getLogger("actors")
    logger.addHandler(handler)
    logger.propagate = False
    starts = Mailbox()
    child = ChildSpec("child", kinds.Fragile, args=(starts,))
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([child], intensity=1_000_000_000, period=1.0))
        ref = await starts.get()
        with Stopwatch() as watch:
            for _ in range(count):
                ref.cast("crash")
                ref = await starts.get()
        return watch.rate(count)


async def route(kinds: Kinds, count: int, guarantee: Guarantee) -> Figures:
    """Send through the router, from outside every actor, until all were handled."""
    options = DeliveryOptions(guarantee=guarantee)
    async with open_system() as system:
        await system.start(Router, name="router")
        router = RouterRef(system)
        counter = await system.start(kinds.Counter)
        done = counter.send_request(Reach(count))
        with Stopwatch() as watch:
            for _ in range(count):
                await router.send(counter, NOTE, options)
            await done.wait(timeout=None)
        return watch.rate(count)


async def route_at_most_once(kinds: Kinds, count: int) -> Figures:
    return await route(kinds, count, Guarantee.AT_MOST_ONCE)


async def route_at_least_once(kinds: Kinds, count: int) -> Figures:
    return await route(kinds, count, Guarantee.AT_LEAST_ONCE)


async def route_exactly_once(kinds: Kinds, count: int) -> Figures:
    return await route(kinds, count, Guarantee.EXACTLY_ONCE)


async def route_exactly_once_by_id(kinds: Kinds, count: int) -> Figures:
    """As `route_exactly_once`, each message with an id that its sender has given it, and that has to be remembered."""
    options = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE)
    async with open_system() as system:
        await system.start(Router, name="router")
        router = RouterRef(system)
        counter = await system.start(kinds.Counter)
        done = counter.send_request(Reach(count))
        with Stopwatch() as watch:
            for number in range(count):
                await router.send(counter, NOTE, options, id=str(number))
            await done.wait(timeout=None)
        return watch.rate(count)


async def bytes_per_actor(kinds: Kinds, count: int) -> Figures:
    refs = []
    async with open_system() as system:
        with Scales() as scales:
            for _ in range(count):
                ref = await system.start(kinds.Counter)
                refs.append(ref)
                ref.cast(NOTE)
                await ref.call(INCREMENT)
        return scales.each(count)


WORKLOADS: Final[dict[str, tuple[Callable[[Kinds, int], Awaitable[Figures]], int]]] = {
    "call": (call, 60_000),
    "concurrent_call": (concurrent_call, 200_000),
    "cast": (cast, 1_000_000),
    "cast_fresh": (cast_fresh, 600_000),
    "fan_in": (fan_in, 1_000_000),
    "fan_in_fresh": (fan_in_fresh, 600_000),
    "ring": (ring, 120_000),
    "spawn": (spawn, 20_000),
    "spawn_no_init": (spawn_no_init, 20_000),
    "restart": (restart, 10_000),
    "restart_formatted": (restart_formatted, 2_000),
    "bytes_per_actor": (bytes_per_actor, 10_000),
    "route_at_most_once": (route_at_most_once, 400_000),
    "route_at_least_once": (route_at_least_once, 200_000),
    "route_exactly_once": (route_exactly_once, 200_000),
    "route_exactly_once_by_id": (route_exactly_once_by_id, 200_000),
}


if __name__ == "__main__":
    run, usual_count = WORKLOADS[sys.argv[2]]
    publish(trio.run(run, KINDS[sys.argv[1]], round(usual_count * float(sys.argv[3]))))
