"""The page about looking inside a running node tells what happens: its walk is taken, with the real commands.

``python -m tests.examples.test_incident`` takes it, and writes what the commands print into the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.actors.shell.machine import new_machine
from tests.examples.walk import BLOCK, ROOT, Told, Walk, blocks, patiently, running, steady

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.actors.shell.machine import Machine

PAGE = ROOT / "docs" / "guides" / "look-inside-a-running-node.md"
RUN = ("run", "examples/incident.py:tree")

pytestmark = pytest.mark.hang_seconds(300)


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Return a machine on which nothing runs."""
    with new_machine() as machine:
        yield machine


def has_happened(machine: Machine) -> bool:
    """Tell whether a summary was given up, and papers wait."""
    router = machine.told("router")["statistics"]
    return bool(router["dead_letters"] == 1 and waiting(machine) > 1)


def waiting(machine: Machine) -> int:
    """Return how many papers wait for the summariser."""
    [length] = [it["length"] for it in machine.told("ps")["actors"] if it["name"] == "summariser"]
    return int(length)


BEFORE = {
    "nodes": lambda walk: has_happened(walk.machine),
    "ps --sort restarts": lambda walk: waiting(walk.machine) == 0,
}


def walked(page: str, machine: Machine) -> list[list[Told]]:
    with Walk(machine, BEFORE) as walk:
        return walk.take(page)


def test_the_walk_uses_each_command_that_answers_who_waits_who_died_and_why() -> None:
    taken = {step.command.split()[0] for block in blocks(PAGE.read_text(encoding="utf-8")) for step in block}

    assert taken == {
        *("run", "nodes", "ps", "top", "stats", "waits", "state", "tree", "log"),
        *("dead-letters", "router", "trace", "shell"),
    }


@pytest.mark.parametrize(
    ("command", "one", "other"),
    [
        ("nodes", "incident.7  7  7  1.5 s  3.11.7  /x", "incident.123 123  7  2.0 min  3.13.0  /x"),
        ("waits", "<summariser #7>  <budget #5>  Spend  6.9 s", "<summariser #7>  <budget #5>  Spend  59.9 min"),
        (
            "ps",
            "#7  a  running for at most 3 ms   4  4            0",
            "#7  a  running for at most 1 s  10 1,234  9 µs 1 s 0",
        ),
        ("top", " #7  a  waiting   0.99  ▁▂▃  17  ▇█  22", " #7  a  waiting  1.01k  ▁▁▁  3  █  4"),
        ("trace till", "11-21 14:57:36.610 out reply 5 after 9 µs", "01-01 00:00:00.000 out reply 5 after 1.2 ms"),
        ("log", "11-21 14:57:36.610  #3  till", "01-01 00:00:00.000  #3  till"),
    ],
)
def test_what_differs_from_run_to_run_is_the_same(command: str, one: str, other: str) -> None:
    assert steady(one, command) == steady(other, command)


@pytest.mark.parametrize(
    ("command", "one", "other"),
    [
        ("ps", "#7  a  waiting  4  4  0", "#8  a  waiting  4  4  0"),
        ("stats a", "  incident.py:55 handle_cast", "  incident.py:56 handle_cast"),
        ("tree", "Tree #2  one_for_one, 3 of 5 restarts in 1.0 h", "Tree #2  one_for_one, 2 of 5 restarts in 1.0 h"),
        ("state a", "  spent = 2000", "  spent = 2500"),
        ("log", "11-21 14:57:36.610  #3  till  KeyError: 'fi'", "11-21 14:57:36.610  #3  till  KeyError: 'en'"),
    ],
)
def test_what_differs_otherwise_does_not(command: str, one: str, other: str) -> None:
    assert steady(one, command) != steady(other, command)


@pytest.mark.slow
def test_the_page_shows_what_the_commands_print(machine: Machine) -> None:
    page = PAGE.read_text(encoding="utf-8")

    done = walked(page, machine)

    shown, printed = ([step for block in told for step in block] for told in (blocks(page), done))
    assert [(step.command, step.steady) for step in printed] == [(step.command, step.steady) for step in shown]


@pytest.mark.slow
def test_a_budget_that_is_raised_first_ends_the_desk(machine: Machine) -> None:
    with running(machine, *RUN) as node:
        patiently(lambda: has_happened(machine))
        machine.told("state", "budget", "--set", "limit=1000000")
        status = node.wait(timeout=60)

    assert status == 1
    assert "gives up at 6 restarts in 3600.0 s, allowed are 5" in (machine.folder / "node.log").read_text()


def main() -> None:
    """Write what is printed into the page."""
    page = PAGE.read_text(encoding="utf-8")
    with new_machine() as machine:
        done = iter(walked(page, machine))
    PAGE.write_text(BLOCK.sub(lambda _: "".join(step.text for step in next(done)), page), encoding="utf-8")


if __name__ == "__main__":
    main()
