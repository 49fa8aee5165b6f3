"""Growth: what operations cost beside ever more of everything, as a table."""

from __future__ import annotations

import sys
from statistics import median
from typing import Final

import attrs

from tests.benchmarks.rounds import measured, say
from tests.benchmarks.tables import in_columns, shown

SIZES: Final = (1, 100, 10_000, 100_000)
MAILBOX_SIZES: Final = (0, 100, 10_000, 100_000, 1_000_000)
BOTH: Final = ("sync", "async")


@attrs.frozen
class Curve:
    """One operation, and how many others there are beside it."""

    name: str
    text: str
    sizes: tuple[int, ...] = SIZES
    handlers: tuple[str, ...] = BOTH


CURVES: Final = (
    Curve("hop", "a message handed round a ring of N actors, in no order"),
    Curve("burst", "a cast, ten at a time to each of N actors, in no order"),
    Curve("call_one_of", "a call to each of N actors, in no order"),
    Curve("waiting_casts", "a cast to an actor that N casts wait for", MAILBOX_SIZES),
    Curve("waiting_requests", "a request to an actor that N requests wait for", MAILBOX_SIZES[:-1]),
    Curve("call_by_one_with", "a call by an actor that N casts wait for", MAILBOX_SIZES),
    Curve("monitor", "a monitor made and cancelled, beside N others", handlers=("sync",)),
    Curve("link", "a link made and undone, beside N others", handlers=("sync",)),
    Curve("name", "a name looked up among N", handlers=("sync",)),
    Curve("restart", "a restart beside N siblings", SIZES[:-1]),
)

COLUMNS: Final = sorted({*SIZES, *MAILBOX_SIZES})


def tables(rounds: int) -> str:
    """Measure each point so many times, and return the table."""
    found: dict[tuple[str, str, int], list[float]] = {}
    for number in range(rounds):
        for curve in CURVES:
            for handlers in curve.handlers:
                for size in curve.sizes:
                    found.setdefault((curve.name, handlers, size), []).append(_point(curve, handlers, size))
            say(f"round {number + 1} of {rounds}: {curve.text}")
    lines = [_line(curve, handlers, found) for curve in CURVES for handlers in curve.handlers]
    head = ["nanoseconds, medians", *(f"{size:,}" for size in COLUMNS), "last / first"]
    return in_columns(head, lines)


def _point(curve: Curve, handlers: str, size: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.workloads_growth", handlers, curve.name, str(size)]
    return measured(command)["nanoseconds"]


def _line(curve: Curve, handlers: str, found: dict[tuple[str, str, int], list[float]]) -> list[str]:
    costs = {size: median(found[curve.name, handlers, size]) for size in curve.sizes}
    first, last = costs[curve.sizes[0]], costs[curve.sizes[-1]]
    text = curve.text if len(curve.handlers) == 1 else f"{curve.text}, {handlers}"
    return [text, *(shown(costs[size]) if size in costs else "" for size in COLUMNS), f"{last / first:.2f}"]
