"""Fairness: what actors that are never without work cost everybody else, as a table."""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks.rounds import measured, say
from tests.benchmarks.tables import in_columns
from tests.benchmarks.workloads_fairness import LOADS

if TYPE_CHECKING:
    from tests.benchmarks.measure import Figures

COLUMNS: Final = (
    *("sleep p50", "sleep p99", "timer p50", "timer p99", "call p50", "call p99", "route p50", "route p99"),
    "cancel",
)

EXPLANATION: Final = """Milliseconds, medians of the rounds.
sleep: how late trio.sleep of 10 ms ends in a task of its own.
timer: how late an idle actor handles what send_after sent it after 10 ms.
call: how long a call to an idle actor takes.
route: how long after it was sent an idle actor has a message that is sent at least once, through a router.
cancel: how long after its cancellation the system, and all in it, has ended.
"""


def tables(rounds: int) -> str:
    """Measure each load so many times, and return the table."""
    found: dict[str, list[Figures]] = {}
    for number in range(rounds):
        for load in LOADS:
            for handlers in ("sync", "async"):
                figures = measured([sys.executable, "-m", "tests.benchmarks.workloads_fairness", handlers, load, "1"])
                found.setdefault(f"{load}, {handlers}", []).append(figures)
            say(f"round {number + 1} of {rounds}: {load}")
    lines = [
        [load, *(f"{median(figures[column] for figures in samples):.2f}" for column in COLUMNS)]
        for load, samples in found.items()
    ]
    return f"{EXPLANATION}\n{in_columns(['', *COLUMNS], lines)}"
