"""What threads notice of ten actors that are never without work, and what those notice of the threads.

``python -m tests.benchmarks.workloads_threads sync|async WORKLOAD SHARE`` measures one thing, with that share of its
usual count.
"""

from __future__ import annotations

import math
import sys
import time
from functools import partial
from statistics import median
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Final

import attrs
import trio

from actors import ActorRef, ActorSystem, get_statistics, open_system, run_blocking
from actors.handover import QUIET_AFTER, handover_here
from tests.benchmarks.burn import burn
from tests.benchmarks.measure import Figures, publish
from tests.benchmarks.messages import NOTE
from tests.benchmarks.tally import Tally
from tests.benchmarks.workloads_fairness import milliseconds
from tests.benchmarks.workloads_ours import KINDS, Kinds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from actors import FromThread

BUSY: Final = 10
THREADS: Final = 4
SECONDS_BETWEEN_CASTS: Final = 0.002
WINDOW_SECONDS: Final = 0.2
ENOUGH_FOR_P99: Final = 100


@attrs.frozen
class Node:
    """A system in which ten actors cast to themselves for ever."""

    system: ActorSystem
    kinds: Kinds
    busy: Sequence[ActorRef]

    def handled(self) -> int:
        return sum(get_statistics(ref).handled for ref in self.busy)


async def ten_waits(node: Node, count: int) -> Figures:
    return await _durations(count, partial(run_blocking, _wait_ten_times))


async def nothing_done(node: Node, count: int) -> Figures:
    return await _durations(count, partial(run_blocking, _do_nothing))


async def process(node: Node, count: int) -> Figures:
    return await _durations(count, partial(trio.run_process, ["true"]))


async def sparse_casts(node: Node, count: int) -> Figures:
    return await _casts(node, count, SECONDS_BETWEEN_CASTS)


async def dense_casts(node: Node, count: int) -> Figures:
    return await _casts(node, count, 0.0)


async def no_thread(node: Node, count: int) -> Figures:
    return {"kept": await _kept(node, partial(trio.sleep, WINDOW_SECONDS), times=count)}


async def sleeping_thread(node: Node, count: int) -> Figures:
    return {"kept": await _kept(node, partial(run_blocking, time.sleep, WINDOW_SECONDS), times=count)}


async def computing_thread(node: Node, count: int) -> Figures:
    return {"kept": await _kept(node, partial(run_blocking, burn, WINDOW_SECONDS), times=count)}


async def _durations(count: int, work: Callable[[], Awaitable[object]]) -> Figures:
    seconds = []
    for _ in range(count):
        begin = perf_counter()
        await work()
        seconds.append(perf_counter() - begin)
    return _figures(seconds)


def _figures(seconds: Sequence[float]) -> Figures:
    p50, p99 = milliseconds(seconds)
    figures = {"p50": p50, "p99": p99, "longest": max(seconds) * 1e3}
    if len(seconds) < ENOUGH_FOR_P99:
        del figures["p99"]
    return figures


async def _casts(node: Node, count: int, between: float) -> Figures:
    """Have each thread cast so often, and return how long each cast took, and how long all of them."""
    seconds: list[float] = []
    tally = Tally(THREADS * count)
    receiver = await node.system.start(node.kinds.Receiver, seconds, tally)
    threads = [Thread(target=_cast, args=[receiver.from_thread, count, between]) for _ in range(THREADS)]
    begin = end = 0.0

    async def arrive() -> None:
        nonlocal begin, end
        begin = perf_counter()
        for thread in threads:
            thread.start()
        await tally.empty.wait()
        end = perf_counter()

    kept = await _kept(node, arrive, rest=QUIET_AFTER)
    return {**_figures(seconds), "all": (end - begin) * 1e3, "kept": kept}


def _cast(target: FromThread, count: int, between: float) -> None:
    for _ in range(count):
        target.cast(perf_counter())
        if between:
            time.sleep(between)


async def _kept(node: Node, meanwhile: Callable[[], Awaitable[object]], *, times: int = 1, rest: float = 0.0) -> float:
    """Return the node's throughput while something is done, as a share of that before and after, without any pause."""
    ratios = []
    before = await _rate(node, _make_no_pauses)
    for _ in range(times):
        beside = await _rate(node, meanwhile)
        await trio.sleep(rest)
        after = await _rate(node, _make_no_pauses)
        ratios.append(beside / ((before + after) / 2))
        before = after
    return median(ratios)


async def _rate(node: Node, meanwhile: Callable[[], Awaitable[object]]) -> float:
    begin, before = perf_counter(), node.handled()
    await meanwhile()
    return (node.handled() - before) / (perf_counter() - begin)


async def _make_no_pauses() -> None:
    handover = handover_here()
    handover.due = math.inf
    await trio.sleep(WINDOW_SECONDS)
    handover.due = 0.0


def _wait_ten_times() -> None:
    for _ in range(10):
        time.sleep(0.000_2)


def _do_nothing() -> None:
    """Nothing: what is measured is the way there and back."""


WORKLOADS: Final[dict[str, tuple[Callable[[Node, int], Awaitable[Figures]], int]]] = {
    "ten waits of 0.2 ms": (ten_waits, 200),
    "nothing done": (nothing_done, 1_000),
    "a process": (process, 30),
    "300 casts, 2 ms apart": (sparse_casts, 300),
    "10,000 casts": (dense_casts, 10_000),
    "no thread": (no_thread, 5),
    "a thread that sleeps": (sleeping_thread, 5),
    "a thread that computes": (computing_thread, 5),
}
"""What is done beside the actors, and how often."""


async def measure(kinds: Kinds, workload: str, share: float) -> None:
    """Print milliseconds, and the share of the throughput that is kept; end the process without waiting for threads."""
    run, usual_count = WORKLOADS[workload]
    async with open_system() as system:
        busy = [await system.start(kinds.Echo) for _ in range(BUSY)]
        for ref in busy:
            await ref.call(ref)
            ref.cast(NOTE)
        publish(await run(Node(system, kinds, busy), max(1, round(usual_count * share))))


if __name__ == "__main__":
    trio.run(measure, KINDS[sys.argv[1]], sys.argv[2], float(sys.argv[3]))
