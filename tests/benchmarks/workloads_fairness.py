"""What others notice while some actors are never without work.

``python -m tests.benchmarks.workloads_fairness sync|async LOAD SHARE`` measures under one load, for that share of the
usual time.
"""

from __future__ import annotations

import sys
from statistics import quantiles
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

from actors import open_system
from actors.delivery import Router, RouterRef
from tests.benchmarks.measure import Figures, publish
from tests.benchmarks.messages import INCREMENT, NOTE
from tests.benchmarks.workloads_ours import KINDS, Kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors import ActorRef, ActorSystem

FLOODERS: Final = 10
TIMER_SECONDS: Final = 0.010
SAMPLES: Final = 200

LOADS: Final[dict[str, float | None]] = {
    "flood, 1 us": 1e-6,
    "flood, 200 us": 200e-6,
    "flood, 1 ms": 1e-3,
    "two echoes": None,
    "nothing": None,
}
"""What keeps the system busy: ten actors that flood one whose handler takes so long, or two that echo each other."""


async def start_load(system: ActorSystem, kinds: Kinds, load: str) -> None:
    seconds = LOADS[load]
    if seconds is not None:
        busy = await system.start(kinds.Busy, seconds)
        for _ in range(FLOODERS):
            (await system.start(kinds.Flooder, busy)).cast(NOTE)
    elif load == "two echoes":
        one, other = await system.start(kinds.Echo), await system.start(kinds.Echo)
        await one.call(other)
        await other.call(one)
        one.cast(NOTE)


async def measure(kinds: Kinds, load: str, samples: int) -> Figures:
    """Return, in milliseconds: how late others are told the time, how long calls, messages and the end take."""
    late: dict[str, list[float]] = {"sleep": [], "timer": [], "call": [], "route": []}
    begin = 0.0
    with trio.CancelScope() as scope:
        async with open_system() as system:
            await start_load(system, kinds, load)
            await system.start(kinds.Clock, TIMER_SECONDS, late["timer"])
            counter = await system.start(kinds.Counter)
            await system.start(Router, name="router")
            await system.start(kinds.Recipient, late["route"], name="recipient")
            for _ in range(samples):
                due = trio.current_time() + TIMER_SECONDS
                await trio.sleep_until(due)
                late["sleep"].append(trio.current_time() - due)
                late["call"].append(await _call_seconds(counter))
                await _route(RouterRef(system))
            begin = perf_counter()
            scope.cancel()
            await trio.sleep_forever()
    figures = {"cancel": (perf_counter() - begin) * 1e3}
    for what, seconds in late.items():
        figures[f"{what} p50"], figures[f"{what} p99"] = milliseconds(seconds)
    return figures


async def _call_seconds(counter: ActorRef) -> float:
    begin = perf_counter()
    await counter.call(INCREMENT)
    return perf_counter() - begin


async def _route(router: RouterRef) -> None:
    receipt = await router.send("recipient", perf_counter())
    await receipt.acknowledged()


def milliseconds(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile, in milliseconds."""
    percentiles = quantiles(seconds, n=100, method="inclusive")
    return percentiles[49] * 1e3, percentiles[98] * 1e3


if __name__ == "__main__":
    publish(trio.run(measure, KINDS[sys.argv[1]], sys.argv[2], round(SAMPLES * float(sys.argv[3]))))
