"""Options of commands, against a real node: a client in this process, which is fast, beside a program of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click
import pytest
from click.testing import CliRunner, Result

from actors.shell.commands.catalogue import COMMANDS
from actors.shell.errors import ShellError
from tests.actors.shell.machine import Machine, new_machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Actors: TypeAlias = Callable[..., Result]

pytestmark = [pytest.mark.slow, pytest.mark.hang_seconds(90)]

SHOP = (Path(__file__).parents[1] / "busy_shop.py").read_text(encoding="utf-8")

GROUP = click.Group("actors", {str(command.name): command for command in COMMANDS})


@pytest.fixture(scope="module")
def busy() -> Iterator[Machine]:
    """Run a node with every service."""
    with new_machine() as machine, machine.running(SHOP):
        yield machine


@pytest.fixture
def actors(busy: Machine, monkeypatch: pytest.MonkeyPatch) -> Actors:
    """Return what runs a command."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(busy.folder))

    def run(*line: str) -> Result:
        return CliRunner().invoke(GROUP, [*line, "--node", str(busy.pid)])

    return run


def lines(result: Result) -> list[str]:
    """Return what a command printed, with single spaces."""
    assert result.exit_code == 0, result.exception or result.output
    return [" ".join(line.split()) for line in result.output.splitlines()]


LISTED: dict[tuple[str, ...], str] = {
    ("ps", "--sort", "handled", "--limit", "1"): "1 of 11 shown; times are of one message in 64",
    ("ps", "--sort", "wait", "--limit", "2"): "2 of 11 shown; times are of one message in 64",
    ("breakers", "--actor", "router"): "oven open 1 of 1",
    ("router", "statistics", "--actor", "router"): "at_least_once 3 2 1 2 0 0 33.3 %",
    ("router", "dead-letters", "list", "--limit", "1", "--actor", "router"): "1 shown; there were 2",
    ("router", "dead-letters", "show", "bad-one", "--actor", "router"): "reason ValueError: the oven is cold",
    ("queue", "recipients", "--sort", "name", "--limit", "1", "--actor", "queue"): "mill 2 1",
    ("queue", "pending", "mill", "--limit", "1", "--actor", "queue"): "mill-1 filler grind",
    ("queue", "dead-letters", "list", "--limit", "1", "--actor", "queue"): "1 dead letters, and perhaps more",
    ("queue", "dead-letters", "show", "oven-0", "--actor", "queue"): "error the oven is cold",
    ("memory", "namespaces", "--actor", "shared_memory"): "session 1 3 0 1 0 0",
    ("memory", "keys", "--namespace", "global", "--limit", "1", "--actor", "shared_memory"): "global open 2 3 filler",
    ("memory", "keys", "draft.*", "--scope", "s1", "--sort", "name"): "session s1 draft.one 1 3 filler",
    ("memory", "watchers", "--namespace", "global", "--limit", "1", "--actor", "shared_memory"): "global ** <filler",
    ("refs", "--quarantined", "--limit", "1", "--actor", "store"): "0 shown of 2 in a memory store",
    ("topics", "--sort", "name", "--limit", "1", "--actor", "bus"): "1 shown of 3 topics",
    ("topics", "--subscriptions", "--agent", "till", "--sort", "age"): "stock.* till <till",
}


@pytest.mark.parametrize("line", LISTED, ids=" ".join)
def test_an_option_chooses_what_is_listed(actors: Actors, line: tuple[str, ...]) -> None:
    assert any(LISTED[line] in shown for shown in lines(actors(*line)))


ACTED: dict[tuple[str, ...], str] = {
    ("suspend", "till", "--timeout", "30"): "is suspended",
    ("resume", "till", "--timeout", "30"): "goes on",
    ("restart", "till", "--timeout", "30"): "was restarted, as <till #",
    ("kill", "till", "--timeout", "30"): "was killed",
    ("stop", "oven", "--timeout", "30"): "has stopped",
    ("trace", "filler", "--for", "0.05"): "tracing filler for 0.05 s",
}


@pytest.mark.parametrize("line", ACTED, ids=" ".join)
def test_an_option_says_how_long_an_actor_may_take(actors: Actors, line: tuple[str, ...]) -> None:
    assert ACTED[line] in lines(actors(*line))[0]


@pytest.mark.parametrize("line", [("kill", "till"), ("state", "till"), ("call", "till", "7")], ids=" ".join)
@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "3601", "soon"])
def test_what_is_no_time_is_refused(actors: Actors, line: tuple[str, ...], seconds: str) -> None:
    refused = actors(*line, "--timeout", seconds)

    assert refused.exit_code == 2
    assert "Invalid value for '--timeout'" in refused.output


@pytest.mark.parametrize("words", ["breakers", "memory", "queue", "refs", "router", "topics"])
def test_a_service_of_another_name_is_not_there(actors: Actors, words: str) -> None:
    missing = actors(words, "--actor", "nobody")

    assert isinstance(missing.exception, ShellError)
    assert "'nobody'" in str(missing.exception)


def test_two_operators_who_mean_one_incarnation_kill_it_once(actors: Actors) -> None:
    listed = [line.split() for line in lines(actors("ps", "--sort", "age"))]
    [till] = [line[0] for line in listed if line[1] == "till"]

    first, second = actors("kill", till), actors("kill", till)

    assert lines(first) == [f"<till {till}> was killed"]
    assert f"has no actor '{till}'" in str(second.exception)


def test_letters_are_chosen_by_their_number_or_all(actors: Actors) -> None:
    actors("dead-letters", "discard", "--all")
    actors("suspend", "till")

    listed = lines(actors("dead-letters", "list", "--limit", "1"))
    replayed = actors("dead-letters", "replay", "--all", "--to", "till")
    queue = actors("queue", "dead-letters", "replay", "--all", "--actor", "queue")
    rejected = actors("queue", "dead-letters", "discard", "--all", "--actor", "queue")
    router = actors("router", "dead-letters", "replay", "--all", "--to", "till", "--actor", "router")
    left = actors("router", "dead-letters", "discard", "--all", "--actor", "router")

    assert listed[0].startswith("0 of 0 that are kept")
    assert replayed.exit_code == 0
    assert lines(queue) == ["oven-0 was put again"]
    assert lines(rejected) == ["there are no dead letters"]
    assert len(lines(router)) == 2
    assert lines(left) == ["there are no dead letters"]


def test_the_log_is_cut_to_what_is_asked_for(actors: Actors) -> None:
    for _ in range(2):
        actors("kill", "till")

    last = lines(actors("log", "--limit", "1"))
    of_till = lines(actors("log", "--actor", "till", "--failed"))
    of_nobody = lines(actors("log", "--actor", "nobody"))

    assert len(last) == 2
    assert last[1].endswith("killed")
    assert {line.split()[3] for line in of_till[1:]} == {"till"}
    assert of_nobody == ["no such end is known"]
