"""``python -m tests.benchmarks`` runs the benchmark; ``--help`` tells what it can do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from tests.benchmarks import (
    agents,
    disk,
    durable_queue,
    fairness,
    growth,
    references,
    report,
    shared_memory,
    threads,
    topics,
)
from tests.benchmarks.arguments import parse
from tests.benchmarks.rounds import run_rounds
from tests.benchmarks.systems import bare, ours, peers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.benchmarks.arguments import Arguments
    from tests.benchmarks.systems import System


TABLES: Final[Mapping[str, Callable[[int], str]]] = {
    "fairness": fairness.tables,
    "growth": growth.tables,
    "threads": threads.tables,
    "disk": disk.tables,
    "queue": lambda rounds: f"{durable_queue.tables(rounds)}\n{durable_queue.table_of_many()}",
    "store": references.tables,
    "topics": topics.tables,
    "shared-memory": shared_memory.tables,
    "agents": agents.tables,
}
"""By the modes of `arguments.Mode`, all but ``compare``: what makes the text, given the number of rounds."""


def main() -> None:
    arguments = parse()
    if arguments.mode == "compare":
        compare(arguments)
    else:
        sys.stdout.write(TABLES[arguments.mode](arguments.rounds))


def compare(arguments: Arguments) -> None:
    """Measure all systems, print the tables and write the file."""
    systems = [*ours(), bare(), *(runnable(peers()) if arguments.with_peers else [])]
    samples = run_rounds(systems, arguments)
    rows = report.rows_of(systems, arguments.workloads, samples)
    sys.stdout.write(report.as_tables(systems, rows))
    if arguments.json is not None:
        arguments.json.write_text(report.as_json(rows), encoding="utf-8")


def runnable(systems: list[System]) -> list[System]:
    """Leave out what is not installed, and say so."""
    for system in systems:
        if system.missing:
            sys.stdout.write(f"{system.name} is left out: {system.missing} is not installed (make bench-peers)\n")
    return [system for system in systems if not system.missing]


if __name__ == "__main__":
    main()
