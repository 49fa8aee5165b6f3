"""Rounds: every system measured with every workload, one after another, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.benchmarks.arguments import Arguments
    from tests.benchmarks.measure import Figures
    from tests.benchmarks.systems import System

ROOT: Final = Path(__file__).parent.parent.parent
SECONDS: Final = 120
"""How long one measurement may take."""


class FailedError(Exception):
    """A measuring program failed."""


def measured(command: Sequence[str]) -> Figures:
    """Run a measuring program, and return what it printed.

    Raises `FailedError` with what it wrote to stderr.
    """
    try:
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise FailedError(f"{' '.join(command)} took longer than {SECONDS} s") from None
    lines = finished.stdout.splitlines()
    if finished.returncode != 0 or not lines:
        raise FailedError(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stderr}")
    figures: Figures = json.loads(lines[-1])
    return figures


def say(text: str) -> None:
    """Tell the person who waits how far it is."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


class Samples:
    """What was measured so far: for each system and workload one figure a round."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], list[float | None]] = {}

    def add(self, system: str, workload: str, figure: float | None) -> None:
        """Note the figure of one more round; None if it could not be had."""
        self._figures.setdefault((system, workload), []).append(figure)

    def of(self, system: str, workload: str) -> list[float | None]:
        """Return the figures of *system* in the order of the rounds."""
        return self._figures.get((system, workload), [])


def run_rounds(systems: Sequence[System], arguments: Arguments) -> Samples:
    """Measure every workload with every system, round after round.

    The systems take turns within a workload, so that whatever slows the machine for a while slows all of them.
    """
    samples = Samples()
    begin = monotonic()
    for number in range(arguments.rounds):
        passed = monotonic() - begin
        if number and passed / number * (number + 1) > arguments.seconds:
            say(f"no time for round {number + 1}")
            break
        for workload in arguments.workloads:
            for system in _in_turn(systems, number):
                if workload in system.workloads:
                    samples.add(system.title, workload, _figure(system, workload, arguments.share))
            say(f"round {number + 1} of {arguments.rounds}: {workload}, {monotonic() - begin:.0f} s")
    return samples


def _in_turn(systems: Sequence[System], number: int) -> Iterator[System]:
    """Yield the systems forwards in one round and backwards in the next."""
    return iter(systems) if number % 2 == 0 else reversed(systems)


def _figure(system: System, workload: str, share: float) -> float | None:
    try:
        (figure,) = measured(system.command(workload, share)).values()
    except FailedError as error:
        say(f"{system.title} failed: {error}")
        return None
    return figure
