"""What a command imports: of this library little beyond the shell's client, and nothing that takes long unless used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.shell.commands.catalogue import COMMANDS
from tests.actors.shell.machine import new_machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.actors.shell.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.hang_seconds(90)]

SHOP = Path(__file__).parents[1].joinpath("actors", "shell", "busy_shop.py").read_text(encoding="utf-8")
SHOP += "Till.handle_call = lambda self, message, caller: message\n"

COMMAND = """
import sys
from supervision.command import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""

OURS = {"supervision", "supervision.command", "supervision.commands", "actors.front_door", "actors.foremost"}
OURS |= {"actors.snapshot", "actors.shell"}
"""What commands import of this library beside modules of the shell."""

OF_THE_NODE = {f"actors.shell.{name}" for name in ("node", "answer", "node_commands", "acting", "chronicle", "parts")}

LIBRARIES = {"click", "cython_runtime", "json", "msgpack"}

LOOKS = {
    "ask": ["queue.statistics"],
    "breakers": [],
    "call": ["till", "7"],
    "cast": ["till", "7"],
    "dead-letters": [],
    "log": [],
    "memory": [],
    "nodes": [],
    "offers": [],
    "ps": [],
    "queue": [],
    "refs": [],
    "resume": ["till"],
    "router": [],
    "send": ["till", "7"],
    "state": ["till"],
    "stats": ["till"],
    "suspend": ["till"],
    "topics": [],
    "trace": ["till", "--for", "0.1"],
    "tree": [],
    "waits": [],
}
ACTS = {"kill", "restart", "stop", "shell", "top"}
"""Those whose like are above, and those that need a terminal or lines to do something."""


@pytest.fixture(scope="module")
def busy() -> Iterator[Machine]:
    """Run a node with every service."""
    with new_machine() as machine, machine.running(SHOP):
        yield machine


def imported(machine: Machine, *arguments: str) -> set[str]:
    """Return the modules that a command imports, and that an application that uses actors would not have."""
    command = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env=machine.environment,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )
    application = subprocess.run(
        [sys.executable, "-c", "import sys, actors; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert command.returncode == 0, command.stderr
    return set(command.stderr.splitlines()[-1].split()) - set(application.stdout.split())


def of_ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] in {"actors", "supervision"}}


def libraries(modules: set[str]) -> set[str]:
    """Return the packages that are neither ours nor Python's own."""
    roots = {name.partition(".")[0] for name in modules} - {"actors", "supervision", *sys.stdlib_module_names}
    return {name for name in roots if not name.startswith("_")}


def test_every_command_is_asked_here_what_it_imports() -> None:
    assert LOOKS.keys() | ACTS == {command.name for command in COMMANDS}


@pytest.mark.parametrize("command", LOOKS)
def test_a_command_imports_the_client_alone(command: str, busy: Machine) -> None:
    where = [] if command == "nodes" else ["--node", str(busy.pid)]

    modules = imported(busy, command, *LOOKS[command], *where, "--json")

    ours = of_ours(modules)
    assert {name for name in ours if not name.startswith("actors.shell.")} <= OURS
    assert ours & OF_THE_NODE == set()
    assert libraries(modules) <= LIBRARIES
    assert not modules & {"asyncio", "sqlite3", "importlib.metadata"}


@pytest.mark.parametrize("command", ["ps", "tree", "stats", "queue"])
def test_a_table_of_plain_text_is_drawn_with_as_little(command: str, busy: Machine) -> None:
    modules = imported(busy, command, *LOOKS[command], "--node", str(busy.pid))

    assert libraries(modules) <= LIBRARIES
    assert {name for name in of_ours(modules) if not name.startswith("actors.shell.")} <= OURS


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["check", "--help"], ["config", "--help"]])
def test_help_imports_as_little(arguments: list[str], busy: Machine) -> None:
    modules = imported(busy, *arguments)

    assert {name for name in of_ours(modules) if not name.startswith("actors.shell.")} <= OURS
    assert libraries(modules) <= LIBRARIES
