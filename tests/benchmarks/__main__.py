"""``python -m tests.benchmarks`` runs the benchmark; ``--help`` tells what it can do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.benchmarks import durable_queue, fairness, growth, references, report, shared_memory, threads, topics
from tests.benchmarks.arguments import parse
from tests.benchmarks.rounds import run_rounds
from tests.benchmarks.systems import bare, ours, peers

if TYPE_CHECKING:
    from tests.benchmarks.arguments import Arguments
    from tests.benchmarks.systems import System


def main() -> None:
    arguments = parse()
    match arguments.mode:
        case "compare":
            compare(arguments)
        case "fairness":
            sys.stdout.write(fairness.tables(arguments.rounds))
        case "growth":
            sys.stdout.write(growth.tables(arguments.rounds))
        case "threads":
            sys.stdout.write(threads.tables(arguments.rounds))
        case "queue":
            sys.stdout.write(f"{durable_queue.tables(arguments.rounds)}\n{durable_queue.table_of_many()}")
        case "store":
            sys.stdout.write(references.tables(arguments.rounds))
        case "topics":
            sys.stdout.write(topics.tables(arguments.rounds))
        case "shared-memory":
            sys.stdout.write(shared_memory.tables(arguments.rounds))


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
