"""What is compared: each system by name, with the command that measures one workload, or what it lacks to run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Handlers: TypeAlias = Literal["sync", "async"]

WORKLOADS: Final = (
    "call",
    "concurrent_call",
    "cast",
    "cast_fresh",
    "fan_in",
    "fan_in_fresh",
    "ring",
    "spawn",
    "spawn_no_init",
    "restart",
    "restart_formatted",
    "bytes_per_actor",
    "route_at_most_once",
    "route_at_least_once",
    "route_exactly_once",
    "route_exactly_once_by_id",
)
COMPARED_WITH: Final = {
    "spawn_no_init": "spawn",
    "restart_formatted": "restart",
    "route_at_most_once": "cast",
    "route_at_least_once": "cast",
    "route_exactly_once": "cast",
    "route_exactly_once_by_id": "cast",
}
"""Rows that only trio-actors has; they are compared with bare trio's figure for another."""

BARE: Final = "trio_deque_b64"

EVERYWHERE: Final = ("call", "concurrent_call", "cast", "fan_in", "ring", "spawn")
ERLANG_SOURCES: Final = Path(__file__).parent / "peers" / "erlang"


@attrs.frozen
class System:
    """One column of the table."""

    name: str
    handlers: Handlers | None
    workloads: Sequence[str]
    """What it can be measured with."""
    command: Callable[[str, float], list[str]]
    """The program that measures a workload with a share of its usual count."""
    missing: str | None = None
    """What has to be installed before it can run."""

    @property
    def title(self) -> str:
        """Its name and how its messages are handled."""
        return self.name if self.handlers is None else f"{self.name}, {self.handlers}"


def _python(module: str, *arguments: str) -> Callable[[str, float], list[str]]:
    program = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    return lambda workload, share: [*program, workload, str(share)]


def _erlang(workload: str, share: float) -> list[str]:
    return ["erl", "-noshell", "-pa", _compiled(), "-run", "bench", "main", workload, str(float(share))]


@cache
def _compiled() -> str:
    """Compile the Erlang programs, and return the directory they are in."""
    directory = mkdtemp(prefix="benchmarks-")
    sources = sorted(str(source) for source in ERLANG_SOURCES.glob("*.erl"))
    subprocess.run(["erlc", "-o", directory, *sources], check=True)  # noqa: S607 -- wherever Erlang is installed
    return directory


def ours() -> list[System]:
    """Return trio-actors, with both kinds of handlers."""
    kinds: tuple[Handlers, ...] = ("sync", "async")
    return [System("trio-actors", kind, WORKLOADS, _python("workloads_ours", kind)) for kind in kinds]


def bare() -> System:
    """Return bare trio."""
    workloads = [workload for workload in WORKLOADS if workload not in COMPARED_WITH]
    return System(BARE, None, workloads, _python("workloads_bare"))


def peers() -> list[System]:
    """Return the systems of others, installed or not."""
    found = None if shutil.which("erl") and shutil.which("erlc") else "Erlang, erl and erlc"
    supervising = (*EVERYWHERE, "restart", "bytes_per_actor")
    return [
        System("erlang", None, supervising, _erlang, found),
        System("otpylib", None, supervising, _python("peers.with_otpylib"), _unless_found("otpylib")),
        System("pykka", None, (*EVERYWHERE, "bytes_per_actor"), _python("peers.with_pykka"), _unless_found("pykka")),
        System("thespian", None, EVERYWHERE, _python("peers.with_thespian"), _unless_found("thespian")),
    ]


def _unless_found(module: str) -> str | None:
    return None if find_spec(module) else f"the Python package {module}"
