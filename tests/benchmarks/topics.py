"""``python -m tests.benchmarks.topics [ROUNDS]``: what the topic bus delivers in a second, and what others cost it."""

from __future__ import annotations

import sys
from statistics import median
from typing import TYPE_CHECKING, Final

from tests.benchmarks.rounds import measured, say
from tests.benchmarks.tables import in_columns, shown
from tests.benchmarks.workloads_topics import PATTERNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.measure import Figures

SUBSCRIBERS: Final = (1, 10, 100)
OTHERS: Final = (10, 100, 1_000, 10_000, 100_000)

DELIVERED: Final = """One publisher, and subscribers that receive all; medians of the rounds.
deliveries: a second, all subscribers together. casts: a second, between two bare trio tasks. ratio: of the two.
"""
CURVE: Final = """
Nanoseconds to publish a message to two subscriptions beside so many others that do not match it; medians.
known: to a topic of before. anew: each to a new topic, which is looked for among all patterns.
"""


def tables(rounds: int) -> str:
    """Measure each point so many times, and return the tables."""
    found: dict[tuple[str, ...], list[Figures]] = {}
    points = [("fan_out", str(size)) for size in SUBSCRIBERS]
    curves = [("beside", str(size), kind) for kind in PATTERNS for size in OTHERS]
    for number in range(rounds):
        for point in [*points, *curves]:
            found.setdefault(point, []).append(measured(command(point)))
        say(f"round {number + 1} of {rounds}")
    rates = [[point[1], *_rates(found[point])] for point in points]
    costs = [
        [f"{kind}, {column}", *_costs([found["beside", str(size), kind] for size in OTHERS], column)]
        for kind in PATTERNS
        for column in ("known", "anew")
    ]
    head = ["", *(f"{size:,}" for size in OTHERS), "last / first"]
    return f"{DELIVERED}\n{in_columns(['subscribers', 'deliveries', 'casts', 'ratio'], rates)}{CURVE}\n" + in_columns(
        head, costs
    )


def command(point: Sequence[str]) -> list[str]:
    """Return what measures *point*."""
    return [sys.executable, "-m", "tests.benchmarks.workloads_topics", *point]


def _rates(samples: list[Figures]) -> list[str]:
    middle = {name: median(figures[name] for figures in samples) for name in samples[0]}
    return [shown(middle["per_second"]), shown(middle["casts"]), f"{middle['ratio']:.2f}"]


def _costs(curve: list[list[Figures]], column: str) -> list[str]:
    costs = [median(figures[column] for figures in samples) for samples in curve]
    return [*map(shown, costs), f"{costs[-1] / costs[0]:.2f}"]


if __name__ == "__main__":
    sys.stdout.write(tables(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
