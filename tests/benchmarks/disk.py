"""``python -m tests.benchmarks.disk [ROUNDS]``: what a durable put costs beside SQLite alone, as a table."""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks.rounds import measured, say
from tests.benchmarks.tables import in_columns, shown

if TYPE_CHECKING:
    from tests.benchmarks.measure import Figures

LOADS: Final = (("1", "idle"), ("64", "idle"), ("256", "idle"), ("1", "busy"), ("64", "busy"))

RATES: Final = ("alone", "paced", "ours")
OTHERS: Final = ("to alone", "to paced", "p50", "p99")

EXPLANATION: Final = """Rows a second, each awaited until it is on the disk; medians of the rounds.
alone: SQLite in a plain loop that commits as many rows at once as there are producers.
paced: the same with 50 µs of work after each commit, for some disks are fast only for who comes back at once.
to alone, to paced: ratios. p50, p99: milliseconds until a put is on the disk.
Busy: beside a task that works for 0.1 ms at a time, for ever.
"""


def tables(rounds: int) -> str:
    """Measure each load so many times, and return the table."""
    found: dict[str, list[Figures]] = {}
    for number in range(rounds):
        for producers, busy in LOADS:
            figures = measured([sys.executable, "-m", "tests.benchmarks.workloads_disk", producers, busy, "3"])
            found.setdefault(f"{producers} producers, {busy}", []).append(figures)
        say(f"round {number + 1} of {rounds}")
    lines = [[load, *_cells(samples)] for load, samples in found.items()]
    return f"{EXPLANATION}\n{in_columns(['', *RATES, *OTHERS], lines)}"


def _cells(samples: list[Figures]) -> list[str]:
    middle = {name: median(figures[name] for figures in samples) for name in samples[0]}
    return [*(shown(middle[name]) for name in RATES), *(f"{middle[name]:.2f}" for name in OTHERS)]


if __name__ == "__main__":
    sys.stdout.write(tables(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
