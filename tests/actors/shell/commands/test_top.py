"""`actors top`, as a person sees it: the real command in a terminal, beside a real node."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from actors.shell.commands.top import top
from tests.actors.shell.machine import new_machine
from tests.actors.shell.pseudo_terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.actors.shell.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.hang_seconds(180)]

WORKSHOP = """
import trio
from actors import Actor
from supervision import ChildSpec, SupervisorSpec


class Swift(Actor):
    async def init(self):
        self.ref.send_every(0.01, "tick")

    def handle_info(self, message):
        pass


class Stuck(Actor):
    async def init(self):
        self.ref.send_every(0.05, "tick")

    async def handle_info(self, message):
        await trio.sleep_forever()


tree = SupervisorSpec([ChildSpec("swift", Swift), ChildSpec("stuck", Stuck), ChildSpec("idle", Actor)])
print("open", flush=True)
"""

NAME = "workshop-of-top"
TOP = ("top", "--node", NAME, "--interval", "0.1")


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Make a machine on which nothing runs."""
    with new_machine() as machine:
        yield machine


def actors_in(screen: str) -> list[str]:
    """Return the actors on a screen, from its top down."""
    return re.findall(r"\b(swift|stuck|idle|Tree)\b", screen)


def test_it_shows_throughput_and_depth_as_they_went_sorted_by_a_key(machine: Machine) -> None:
    with machine.running(WORKSHOP, name=NAME), terminal(machine, *TOP) as top:
        fast = top.wait_for(lambda seen: re.search(r"swift .* [1-9][\d.k]*  +[▁-█]{3,} ", seen))
        top.type("m")
        deep = top.wait_for(lambda seen: "by mailbox" in seen and actors_in(seen)[0] == "stuck")
        top.type("r")
        shallow = top.wait_for(lambda seen: "by mailbox reversed" in seen and actors_in(seen)[-1] == "stuck")
        top.type("n")
        named = top.wait_for(lambda seen: "by name reversed" in seen)
        top.type("q")
        status = top.end()

    assert f"node {NAME}." in fast
    assert actors_in(fast)[0] == "swift"
    assert "running handle_" in deep
    assert len(actors_in(shallow)) == 4
    assert actors_in(named) == ["swift", "stuck", "idle", "Tree"]
    assert (status, top.restored) == (0, True)


@pytest.mark.parametrize(("columns", "lines"), [(200, 50), (80, 24), (40, 5), (12, 3), (1, 1)])
def test_it_fits_into_a_terminal_of_any_size(machine: Machine, columns: int, lines: int) -> None:
    def is_full(seen: str, columns: int, lines: int) -> bool:
        has_room = min(4, max(0, lines - 4))
        return (
            seen.rsplit("\n", maxsplit=1)[-1].startswith("by throughput"[:columns]) and len(actors_in(seen)) == has_room
        )

    with machine.running(WORKSHOP, name=NAME), terminal(machine, *TOP, columns=columns, lines=lines) as top:
        top.wait_for(lambda seen: is_full(seen, columns, lines))
        top.resize(100, 10)
        top.wait_for(lambda seen: is_full(seen, 100, 10))
        top.type("q")
        status = top.end()

    assert (status, top.restored) == (0, True)
    assert "Traceback" not in top.text


@pytest.mark.parametrize("how", ["\x03", "SIGTERM", "SIGINT"])
def test_it_ends_and_restores_the_terminal(machine: Machine, how: str) -> None:
    with machine.running(WORKSHOP, name=NAME), terminal(machine, *TOP) as top:
        top.see("swift")
        if how == "\x03":
            top.type(how)
        else:
            top.process.send_signal(signal.Signals[how])
        status = top.end()

    assert status == (143 if how == "SIGTERM" else 0)
    assert top.restored
    assert "Traceback" not in top.text


def test_it_survives_the_end_of_its_node_and_goes_on_with_the_next(machine: Machine) -> None:
    with machine.running(WORKSHOP, name=NAME) as node, terminal(machine, *TOP, columns=150) as top:
        top.see("swift")
        node.kill()
        node.wait()
        ended = top.see("has ended")
        with machine.running(WORKSHOP, name=NAME) as other:
            again = top.see(f"node {NAME}.{other.pid}")
        top.type("q")
        status = top.end()

    assert f"node {NAME}.{node.pid} has ended, and no other {NAME} runs; looking for it again, q ends" in ended
    assert "swift" in ended
    assert "looking for it again" not in again
    assert (status, top.restored) == (0, True)


def test_a_node_that_says_nothing_does_not_keep_it_from_ending(machine: Machine) -> None:
    with machine.running(WORKSHOP, name=NAME) as node, terminal(machine, *TOP) as top:
        top.see("swift")
        os.kill(node.pid, signal.SIGSTOP)
        top.type("a")
        top.see("by age")
        top.type("q")
        status = top.end()

    assert (status, top.restored) == (0, True)


def test_without_a_node_or_a_terminal_it_says_so_in_one_line(machine: Machine) -> None:
    piped = machine.actors("top")
    with terminal(machine, "top", "--node", "nobody") as top:
        status = top.end()

    assert (piped.status, piped.err) == (2, "actors: top needs a terminal; `actors ps` prints the same once\n")
    assert (status, top.shown[0]) == (1, "actors: no node is called 'nobody'")


@pytest.mark.parametrize(("option", "value"), [("--interval", "nan"), ("--seconds", "nan"), ("--seconds", "3601")])
def test_a_time_that_is_none_is_refused_by_its_option(option: str, value: str) -> None:
    refused = CliRunner().invoke(top, [option, value])

    assert refused.exit_code == 2
    assert f"Invalid value for '{option}': " in refused.output
