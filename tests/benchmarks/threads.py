"""Threads: how soon they get to work beside actors that are never without work, and what that costs, as a table."""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks.rounds import measured, say
from tests.benchmarks.tables import in_columns
from tests.benchmarks.workloads_threads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.benchmarks.measure import Figures

COLUMNS: Final = ("p50", "p99", "longest", "all", "kept")

EXPLANATION: Final = """Milliseconds, medians of the rounds, beside ten actors that cast to themselves for ever.
ten waits of 0.2 ms: a function under run_blocking that sleeps so; nothing done: one that returns at once.
a process: trio.run_process(["true"]), which trio starts in a thread.
300 casts, 2 ms apart: each of four threads makes them through from_thread; 10,000 casts: as fast as it can.
p50, p99, longest: from call to return, or from cast to handled.
all: from the start of the threads until all of their casts have been handled.
kept: the ten actors' throughput meanwhile, as a share of that without any pause for threads.
"""


def tables(rounds: int) -> str:
    """Measure each workload so many times, and return the table."""
    found: dict[str, list[Figures]] = {}
    for number in range(rounds):
        for workload in WORKLOADS:
            for handlers in ("sync", "async"):
                command = [sys.executable, "-m", "tests.benchmarks.workloads_threads", handlers, workload, "1"]
                found.setdefault(f"{workload}, {handlers}", []).append(measured(command))
            say(f"round {number + 1} of {rounds}: {workload}")
    return f"{EXPLANATION}\n{as_table(found)}"


def as_table(found: Mapping[str, Sequence[Figures]]) -> str:
    """Return the medians; what a workload does not measure is left empty."""
    return in_columns(
        ["", *COLUMNS],
        [[workload, *(_cell(samples, column) for column in COLUMNS)] for workload, samples in found.items()],
    )


def _cell(samples: Sequence[Figures], column: str) -> str:
    if column not in samples[0]:
        return ""
    return f"{median(figures[column] for figures in samples):.2f}"
