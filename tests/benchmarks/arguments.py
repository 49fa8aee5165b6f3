"""The arguments of the benchmark."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

from tests.benchmarks.systems import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORT_SECONDS: Final = 45

Mode: TypeAlias = Literal[
    "compare", "fairness", "growth", "threads", "disk", "queue", "store", "topics", "shared-memory", "agents"
]


@attrs.frozen
class Arguments:
    """What is to be measured, and how thoroughly."""

    mode: Mode
    workloads: tuple[str, ...]
    rounds: int
    share: float
    """The part of each measurement's usual length."""
    seconds: float
    """No round is begun that would not end in this time, except the first."""
    with_peers: bool
    json: Path | None


def parse(argv: Sequence[str] | None = None) -> Arguments:
    """Read *argv*; exits with a message if it makes no sense, or after ``--help``."""
    parser = _parser()
    given = parser.parse_args(argv)
    if given.mode != "compare" and (given.json or given.only or given.short):
        parser.error(f"--{given.mode} goes with --rounds only")
    return Arguments(
        mode=given.mode,
        workloads=tuple(workload for workload in WORKLOADS if not given.only or workload in given.only),
        rounds=given.rounds or (5 if given.mode == "compare" and not given.short else 3),
        share=0.2 if given.short else 1.0,
        seconds=SHORT_SECONDS if given.short and given.rounds is None else math.inf,
        with_peers=not given.short,
        json=given.json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure trio-actors beside bare trio and beside what is installed of Erlang, otpylib, pykka and "
        "thespian, interleaved and in fresh processes; print medians, spreads, and ratios to bare trio.",
    )
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--short", action="store_true", help="ours and bare trio only, shorter and fewer rounds")
    for mode, text in (
        ("fairness", "instead: how late timers and cancellation are beside actors that are flooded"),
        ("growth", "instead: what things cost beside many others"),
        ("threads", "instead: how soon threads get to work beside a busy node, and what that costs it"),
        ("disk", "instead: commits beside bare SQLite"),
        ("queue", "instead: the durable queue beside bare SQLite, and with a million messages"),
        ("store", "instead: stores of references beside SHA-256 and bare SQLite"),
        ("topics", "instead: the topic bus beside bare casts, and beside subscriptions that do not match"),
        ("shared-memory", "instead: shared notes beside a call that does nothing, and beside bare SQLite"),
        ("agents", "instead: what agents send and receive beside its JSON alone"),
    ):
        modes.add_argument(f"--{mode}", action="store_const", const=mode, dest="mode", default="compare", help=text)
    parser.add_argument("--rounds", type=_positive, metavar="N", help="how often each is measured (5, or 3)")
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found as a list of objects, too")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is no number of rounds; allowed is 1 or more")
    return number
