"""`actors shell`, as a person uses it: the real command in a terminal, beside a real node."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.actors.shell.machine import ACTORS, new_machine
from tests.actors.shell.pseudo_terminal import Terminal, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.actors.shell.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.hang_seconds(180)]

BAKERY = """
from actors import Actor
from supervision import ChildSpec, SupervisorSpec


class Baker(Actor):
    pass


class Oven(Actor):
    def init(self):
        print("open", flush=True)


tree = SupervisorSpec([ChildSpec("head baker", Baker), ChildSpec("oven", Oven)])
"""

NAME = "bakery-of-shell"
SHELL = ("shell", "--node", NAME)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Make a machine on which nothing runs and nobody has typed anything."""
    with new_machine() as machine:
        monkeypatch.setenv("XDG_STATE_HOME", str(machine.folder / "state"))
        yield machine


@pytest.fixture
def node(machine: Machine) -> Iterator[subprocess.Popen[str]]:
    """Run a node."""
    with machine.running(BAKERY, name=NAME) as node:
        yield node


@pytest.fixture
def shell(machine: Machine, node: subprocess.Popen[str]) -> Iterator[Terminal]:
    """Open a shell that waits for a line."""
    with terminal(machine, *SHELL, columns=120, lines=40) as shell:
        shell.see(f"\n{NAME}.{node.pid}>")
        yield shell


def history(machine: Machine) -> Path:
    return machine.folder / "state" / "trio-actors" / "shell_history"


def interrupt(shell: Terminal, prompt: str) -> None:
    """Press Ctrl-C until the shell waits for a line: while a prompt is taken down, one is the prompt's and is lost."""
    presses = iter(range(60))
    while True:
        shell.type("\x03")
        try:
            shell.wait_for(lambda seen: seen.rstrip().endswith(prompt), 0.5)
        except AssertionError:
            assert next(presses, None) is not None, f"it is not interrupted; the screen is:\n{shell.text}"
        else:
            return


def test_commands_are_typed_one_after_the_other(shell: Terminal) -> None:
    shell.type("help\r")
    helped = shell.see("exit          End, as Ctrl-D does.")
    shell.type("help stats\r")
    shell.see("actors stats till")
    shell.type("ps --sort age\r")
    listed = shell.see("times are of one message in 64")
    shell.type("exit\r")

    assert "  queue         Show what waits" in helped
    assert "oven" in listed
    assert (shell.end(), shell.restored) == (0, True)


def test_tab_completes_commands_options_and_names_and_quotes_them(shell: Terminal) -> None:
    shell.type("wai\t")
    shell.see("> waits")
    shell.type("\x03")
    shell.wait_for(lambda seen: seen.rstrip().endswith(">"))
    shell.type("stats head\t")
    shell.see("> stats 'head baker'")
    shell.type(" --no\t")
    shell.see("> stats 'head baker' --node")
    shell.type(f" {NAME}\t")
    shell.see(f"--node {NAME}.")
    shell.type("\r")
    shell.see("times are of one message in 64")

    assert "head baker #" in shell.text


def test_no_error_ends_it(shell: Terminal, node: subprocess.Popen[str]) -> None:
    told = {
        "stats 'x": "no closing quotation: stats 'x",
        "quue": "there is no command 'quue'; did you mean queue?",
        "queue": f"node {NAME}.{node.pid} has no queue",
        "stats oen": "has no actor 'oen'; did you mean oven?",
        "queue dead-leters": "No such command 'dead-leters'",
        "topics --sort x": "Invalid value for '--sort'",
        "run x.py": "run is no command of the shell",
        "use nobody": "no node is called 'nobody'",
        "use": "it is written use NAME, and nothing else",
    }
    for line, error in told.items():
        shell.type(f"{line}\r")
        shell.see(error)
    shell.type("\x04")

    assert (shell.end(), shell.restored) == (0, True)


def test_what_was_typed_is_there_in_the_next_shell_and_nobody_else_can_read_it(
    shell: Terminal, machine: Machine
) -> None:
    shell.type("stats oven\r")
    shell.see("times are of one message in 64")
    shell.type(" stats secret\r")
    shell.see("has no actor 'secret'")
    shell.type("exit\r")
    shell.end()

    with terminal(machine, *SHELL) as other:
        other.see(f"\n{NAME}.")
        other.type("\x1b[A\x1b[A")
        other.see("> stats oven")

    assert "secret" not in history(machine).read_text(encoding="utf-8")
    assert stat.S_IMODE(history(machine).stat().st_mode) == 0o600


def test_without_room_for_a_history_it_says_so_and_works(machine: Machine, node: subprocess.Popen[str]) -> None:
    (machine.folder / "state").write_text("no folder")
    with terminal(machine, *SHELL) as shell:
        shell.see("actors: what is typed is not kept: ")
        shell.see(f"\n{NAME}.{node.pid}>")
        shell.type("stats oven\r")
        shell.see("times are of one message in 64")


def test_a_node_that_says_nothing_is_given_up_and_can_be_interrupted(
    shell: Terminal, node: subprocess.Popen[str]
) -> None:
    os.kill(node.pid, signal.SIGSTOP)
    shell.type("ps --seconds 0.5\r")
    shell.see("did not answer within 0.5 s; a handler may be blocking it")
    shell.type("stats \t")
    shell.type("\x03")
    shell.type("ps --seconds 1000\r")
    shell.wait_for(lambda seen: "ps --seconds 1000" in seen and shell.line_by_line)
    interrupt(shell, f"{NAME}.{node.pid}>")
    os.kill(node.pid, signal.SIGCONT)
    shell.type("stats oven\r")
    shell.see("times are of one message in 64")
    shell.type("exit\r")

    assert (shell.end(), shell.restored) == (0, True)


def test_a_node_that_is_started_again_is_looked_at_with_the_next_command(
    shell: Terminal, machine: Machine, node: subprocess.Popen[str]
) -> None:
    node.kill()
    node.wait()
    shell.type("ps\r")
    shell.see(f"actors: node {NAME}.{node.pid} has ended, and no other {NAME} runs")
    with machine.running(BAKERY, name=NAME) as other:
        shell.type("ps\r")
        shell.see(f"node {NAME}.{other.pid}: 3 actors")
        shell.see(f"\n{NAME}.{other.pid}>")


def test_top_is_a_command_of_it_and_gives_the_terminal_back(shell: Terminal, node: subprocess.Popen[str]) -> None:
    shell.type("top\r")
    shell.see("by throughput")
    shell.type("q")
    shell.wait_for(lambda seen: seen.rstrip().endswith(f"{NAME}.{node.pid}>"))
    shell.process.terminate()

    assert (shell.end(), shell.restored) == (143, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_the_middle_of_a_command(
    shell: Terminal, node: subprocess.Popen[str], number: signal.Signals
) -> None:
    os.kill(node.pid, signal.SIGSTOP)
    shell.type("ps --seconds 1000\r")
    shell.wait_for(lambda seen: "ps --seconds 1000" in seen and shell.line_by_line)
    shell.process.send_signal(number)

    assert (shell.end(), shell.restored) == (128 + number, True)


def test_lines_that_are_piped_into_it_are_commands(machine: Machine, node: subprocess.Popen[str]) -> None:
    finished = subprocess.run(
        [*ACTORS, *SHELL],
        input="stats oven\nstats 'x\n\nqueue\n",
        env=machine.environment,
        capture_output=True,
        text=True,
        timeout=25,
        check=False,
    )

    assert finished.stdout.startswith("oven #")
    assert finished.stderr == (f"actors: no closing quotation: stats 'x\nactors: node {NAME}.{node.pid} has no queue\n")
    assert finished.returncode == 1
