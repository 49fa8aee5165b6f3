"""What one operation costs beside so many others.

``python -m tests.benchmarks.workloads_growth sync|async CURVE SIZE`` measures one point of a curve.
"""

from __future__ import annotations

import logging
import sys
from random import Random
from typing import TYPE_CHECKING, Any, Final

import trio

from actors import Actor, ActorRef, ActorSystem, open_system, resume, suspend
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.benchmarks.bare_trio import Mailbox
from tests.benchmarks.measure import Figures, Stopwatch, publish
from tests.benchmarks.messages import INCREMENT, NOTE
from tests.benchmarks.tally import Tally
from tests.benchmarks.workloads_ours import KINDS, Kinds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

OPERATIONS: Final = 20_000
SLICE: Final = 64
"""So many messages an actor handles between two checkpoints."""


def nanoseconds(watch: Stopwatch, count: int) -> Figures:
    return {"nanoseconds": watch.seconds / count * 1e9}


def shuffled(refs: Sequence[ActorRef]) -> list[ActorRef]:
    """Return *refs* in an order that no cache foresees."""
    return Random(1).sample(refs, len(refs))  # noqa: S311 -- nobody is to be kept from guessing it


async def hop(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """A token goes round a ring of so many actors, and at least two, in no order."""
    size = max(2, size)
    count = max(100_000, 2 * size)
    done = trio.Event()
    nodes = shuffled([await system.start(kinds.Node, done) for _ in range(size)])
    for i in range(size):
        await nodes[i - 1].call(nodes[i])
    with Stopwatch() as watch:
        nodes[0].cast(count)
        await done.wait()
    return nanoseconds(watch, count)


async def burst(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """Each of so many actors is cast ten messages at a time."""
    tally = Tally(10 * size)
    members = shuffled([await system.start(kinds.Member, tally) for _ in range(size)])
    await _bursts(members, tally)
    bursts = members * max(1, 20_000 // size)
    tally.refill(10 * len(bursts))
    with Stopwatch() as watch:
        await _bursts(bursts, tally)
    return nanoseconds(watch, 10 * len(bursts))


async def _bursts(members: Sequence[ActorRef], tally: Tally) -> None:
    for i, member in enumerate(members):
        for _ in range(10):
            member.cast(NOTE)
        if i % 100 == 99:
            await trio.lowlevel.checkpoint()
    await tally.empty.wait()


async def call_one_of(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """Each of so many actors is called in turn; each has been called before, so that it has its task."""
    counters = shuffled([await system.start(kinds.Counter) for _ in range(size)])
    for counter in counters:
        await counter.call(INCREMENT)
    rounds = max(1, 50_000 // size)
    with Stopwatch() as watch:
        for counter in counters * rounds:
            await counter.call(INCREMENT)
    return nanoseconds(watch, rounds * size)


async def waiting_casts(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """So many messages wait while as many come in as are handled."""
    slices = 3_000
    tally = Tally(0)
    member = await system.start(kinds.Member, tally)
    await suspend(member)
    for _ in range(size):
        member.cast(NOTE)
    await resume(member)
    before = tally.left
    with Stopwatch() as watch:
        for _ in range(slices):
            for _ in range(SLICE):
                member.cast(NOTE)
            await trio.lowlevel.checkpoint()
    return nanoseconds(watch, before - tally.left)


async def waiting_requests(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """So many requests wait while as many come in as are answered."""
    counter = await system.start(kinds.Counter)
    await suspend(counter)
    for _ in range(size):
        counter.send_request(INCREMENT)
    await resume(counter)
    slices = 400
    with Stopwatch() as watch:
        for _ in range(slices):
            for _ in range(SLICE):
                counter.send_request(INCREMENT)
            await trio.lowlevel.checkpoint()
    return nanoseconds(watch, slices * SLICE)


class Insider(Actor):
    """An actor that does what it is told to, so that it is done by an actor."""

    async def handle_cast(self, work: Callable[[], Awaitable[None]]) -> None:
        await work()


async def _done_by(insider: ActorRef, work: Callable[[], Any]) -> None:
    """Have *insider* do *work*, and wait until it has."""
    done = trio.Event()

    async def work_and_tell() -> None:
        result = work()
        if result is not None:
            await result
        done.set()

    insider.cast(work_and_tell)
    await done.wait()


async def call_by_one_with(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """The caller has so many messages waiting."""
    counter = await system.start(kinds.Counter)
    insider = await system.start(Insider)
    watch = Stopwatch()

    async def nothing() -> None:
        pass

    async def calls() -> None:
        for _ in range(size):
            insider.cast(nothing)
        with watch:
            for _ in range(OPERATIONS):
                await counter.call(INCREMENT)

    await _done_by(insider, calls)
    return nanoseconds(watch, OPERATIONS)


async def monitor(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """The actor has so many monitors, all of one watcher; one more is made and cancelled."""
    target, insider = await system.start(kinds.Idle), await system.start(Insider)
    watch = Stopwatch()

    def monitors() -> None:
        kept = [target.monitor() for _ in range(size)]
        with watch:
            for _ in range(OPERATIONS):
                target.monitor().cancel()
        assert len(kept) == size

    await _done_by(insider, monitors)
    return nanoseconds(watch, OPERATIONS)


async def link(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """The actor is linked to so many others; one more link is made and undone."""
    others = [await system.start(kinds.Idle) for _ in range(size)]
    target, insider = await system.start(kinds.Idle), await system.start(Insider)
    watch = Stopwatch()

    def links() -> None:
        for other in others:
            other.link()
        with watch:
            for _ in range(OPERATIONS):
                target.link()
                target.unlink()

    await _done_by(insider, links)
    return nanoseconds(watch, OPERATIONS)


async def name(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """So many actors have names; one after another is looked up."""
    for i in range(size):
        await system.start(kinds.Idle, name=f"actor {i}")
    chosen = [f"actor {Random(i).randrange(size)}" for i in range(OPERATIONS)]  # noqa: S311
    with Stopwatch() as watch:
        for one in chosen:
            assert system.whereis(one) is not None
    return nanoseconds(watch, OPERATIONS)


async def restart(system: ActorSystem, kinds: Kinds, size: int) -> Figures:
    """A child with so many siblings crashes and is restarted."""
    count = 1_000
    starts = Mailbox()
    siblings = [ChildSpec(f"sibling {i}", kinds.Idle) for i in range(size)]
    child = ChildSpec("child", kinds.Fragile, args=(starts,))
    await system.start(Supervisor, SupervisorSpec([*siblings, child], intensity=1_000_000_000))
    ref = await starts.get()
    with Stopwatch() as watch:
        for _ in range(count):
            ref.cast("crash")
            ref = await starts.get()
    return nanoseconds(watch, count)


CURVES: Final[dict[str, Callable[[ActorSystem, Kinds, int], Awaitable[Figures]]]] = {
    "hop": hop,
    "burst": burst,
    "call_one_of": call_one_of,
    "waiting_casts": waiting_casts,
    "waiting_requests": waiting_requests,
    "call_by_one_with": call_by_one_with,
    "monitor": monitor,
    "link": link,
    "name": name,
    "restart": restart,
}


async def measure(kinds: Kinds, curve: str, size: int) -> None:
    """Measure one point, and end the process with the system still open: stopping many actors takes its time."""
    logger = logging.getLogger("actors")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    async with open_system() as system:
        publish(await CURVES[curve](system, kinds, size))


if __name__ == "__main__":
    trio.run(measure, KINDS[sys.argv[1]], sys.argv[2], int(sys.argv[3]))
