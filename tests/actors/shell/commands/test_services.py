"""The commands that look at the services, as a person uses them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from actors.shell.commands.catalogue import SERVICES
from tests.actors.shell.machine import new_machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.actors.shell.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.hang_seconds(180)]

SHOP = Path(__file__).parents[1].joinpath("busy_shop.py").read_text(encoding="utf-8")
EMPTY = "from supervision import SupervisorSpec\ntree = SupervisorSpec([])\nprint('open', flush=True)\n"


@pytest.fixture(scope="module")
def busy() -> Iterator[Machine]:
    """Run a node with every service; what these tests change, no other of them looks at."""
    with new_machine() as machine, machine.running(SHOP):
        yield machine


def test_topics_are_shown_with_what_became_of_their_messages(busy: Machine) -> None:
    lines = busy.actors("topics", "--sort", "name").lines
    told = busy.told("topics", "stock.**")

    assert lines[0] == "topic subscriptions published delivered dropped last"
    assert [line.split()[:5] for line in lines[1:4]] == [
        ["news", "0", "1", "0", "0"],
        ["stock.*", "2", "0", "0", "0"],
        ["stock.new", "2", "2", "4", "0"],
    ]
    assert [(it["topic"], it["published"]) for it in told["topics"]] == [("stock.new", 2), ("stock.*", 0)]
    assert told["statistics"]["published"] == 3


def test_subscriptions_are_shown_with_what_waits_for_them(busy: Machine) -> None:
    told = busy.told("topics", "--subscriptions")["subscriptions"]
    of_till = busy.told("topics", "--agent", "till")["subscriptions"]

    assert [(it["agent"], it["waiting"]) for it in told] == [("filler", 2), ("till", 0)]
    assert [it["agent"] for it in of_till] == ["till"]


def test_a_wrong_topic_suggests_the_nearest(busy: Machine) -> None:
    wrong = busy.actors("topics", "stok.new")
    sorted_wrongly = busy.actors("topics", "--sort", "waiting")

    assert wrong.status == 1
    assert "'stok.new'; did you mean stock.new" in wrong.err
    assert sorted_wrongly.status == 2


WRONG = [("topics", "stok.new"), ("refs", "nothing"), ("memory", "keys", "opne"), ("queue", "pending", "mil")]


@pytest.mark.parametrize("words", WRONG)
def test_a_name_that_is_not_there_is_as_wrong_to_a_program(busy: Machine, words: tuple[str, ...]) -> None:
    people, program = busy.actors(*words), busy.actors(*words, "--json")

    assert (program.status, program.out, program.err) == (1, "", people.err)
    assert people.status == 1


def test_references_are_shown_and_found_by_the_beginning_of_their_ids(busy: Machine) -> None:
    lines = busy.actors("refs", "--sort", "size").lines
    told = busy.told("refs", "--sort", "size")["references"]
    one = busy.actors("refs", told[0]["id"][:12])
    none = busy.actors("refs", "nothing")

    assert lines[0] == "id type bytes stored holders age expires in fault"
    assert [(it["bytes"], it["holders"]) for it in told] == [(50_000, 1), (100, 1)]
    assert f"id {told[0]['id']}" in one.lines
    assert (none.status, none.err) == (1, "actors: no reference in the store begins with 'nothing'; it keeps 2\n")


def test_the_queue_is_shown_with_its_depths_and_its_oldest(busy: Machine) -> None:
    lines = busy.actors("queue").lines
    [mill] = [it for it in busy.told("queue")["recipients"] if it["recipient"] == "mill"]
    pending = busy.told("queue", "pending", "mill")["pending"]
    wrong = busy.actors("queue", "pending", "mil")

    assert lines[0] == "recipient ready in flight oldest"
    assert (mill["ready"], mill["in_flight"]) == (2, 1)
    assert 0 < mill["oldest_seconds"] < 180
    assert [it["message_id"] for it in pending] == ["mill-1", "mill-2"]
    assert (wrong.status, wrong.err) == (1, "actors: nothing waits for 'mil'; did you mean mill?\n")


def test_the_list_of_dead_letters_says_who_else_keeps_some(busy: Machine) -> None:
    lines = busy.actors("dead-letters").lines
    told = busy.told("dead-letters")["elsewhere"]

    assert [(it["actor"], it["why"]) for it in told] == [("queue", None), ("router", None)]
    assert lines[-2:] == [
        "queue has dead letters of its own: actors queue dead-letters",
        "router has dead letters of its own: actors router dead-letters",
    ]


def test_a_service_that_does_not_answer_holds_up_no_list_of_dead_letters() -> None:
    with new_machine() as machine, machine.running(SHOP):
        machine.told("suspend", "queue")
        listed = machine.actors("dead-letters")

    assert listed.status == 0
    assert listed.lines[-2].startswith("queue may have dead letters of its own: actors queue dead-letters (")
    assert listed.lines[-2].endswith("did not answer ListDead(after=(-inf, 0), most=1) within 1.0 s)")
    assert listed.lines[-1] == "router has dead letters of its own: actors router dead-letters"


def test_a_dead_letter_of_the_queue_is_looked_at_replayed_and_discarded() -> None:
    with new_machine() as machine, machine.running(SHOP):
        letters = machine.told("queue", "dead-letters")["letters"]
        shown = machine.actors("queue", "dead-letters", "show", "oven-0").lines
        unsaid = machine.actors("queue", "dead-letters", "replay")
        replayed = machine.actors("queue", "dead-letters", "replay", "oven-0")
        depths = {it["recipient"]: it["ready"] for it in machine.told("queue")["recipients"]}
        again = machine.actors("queue", "dead-letters", "discard", "oven-0")
        left = machine.actors("queue", "dead-letters", "discard", "--all")

    assert [(it["id"], it["status"], it["error"]) for it in letters] == [("oven-0", "failed", "the oven is cold")]
    assert "payload {'loaf': 1}" in shown
    assert (unsaid.status, unsaid.err) == (2, "actors: say which letter to replay: its ID, or --all\n")
    assert replayed.out == "oven-0 was put again\n"
    assert depths == {"mill": 2, "oven": 1}
    assert (again.status, again.err.endswith("no dead letter of the queue has the id 'oven-0'\n")) == (1, True)
    assert left.out == "there are no dead letters\n"


def test_the_shared_memory_is_shown_with_its_versions_and_watchers(busy: Machine) -> None:
    namespaces = {it["namespace"]: it for it in busy.told("memory")["namespaces"]}
    keys = busy.actors("memory", "keys", "--sort", "name").lines
    scoped = busy.told("memory", "keys", "draft.*", "--namespace", "session", "--scope", "s1")["keys"]
    watchers = busy.told("memory", "watchers")["watchers"]
    wrong = busy.actors("memory", "keys", "opn")

    assert (namespaces["global"]["key_count"], namespaces["global"]["watcher_count"]) == (1, 1)
    assert keys[0] == "namespace key version bytes by updated"
    assert keys[1].startswith("global open 2 3 filler")
    assert [(it["key"], it["version"]) for it in scoped] == [("draft.one", 1)]
    assert [(it["keys"], it["dropped"]) for it in watchers] == [("**", 0)]
    assert (wrong.status, wrong.err) == (1, "actors: no key is 'opn'; did you mean open?\n")


def test_the_router_is_shown_by_guarantee_and_with_its_open_breakers(busy: Machine) -> None:
    lines = busy.actors("router").lines
    told = busy.told("router")["statistics"]
    [breaker] = busy.told("breakers")["breakers"]

    assert lines[2] == "at_least_once 3 2 1 2 0 0 33.3 %"
    assert (told["routed"], told["failed"], told["breakers_open"]) == (3, 2, 1)
    assert (breaker["target"], breaker["state"], breaker["failures"]) == ("oven", "open", 1)


def test_a_dead_letter_of_the_router_is_looked_at_replayed_and_discarded() -> None:
    with new_machine() as machine, machine.running(SHOP):
        shown = machine.actors("router", "dead-letters", "show", "lost-one").lines
        replayed = machine.actors("router", "dead-letters", "replay", "lost-one", "--to", "till")
        wrong = machine.actors("router", "dead-letters", "show", "lost-one")
        discarded = machine.actors("router", "dead-letters", "discard", "--all")
        left = machine.told("router", "dead-letters")

    assert "message 'lost'" in shown
    assert shown[-1].endswith("ago: nobody has the name")
    assert replayed.out == "lost-one was sent to till\n"
    assert (wrong.status, "has the id 'lost-one'; 1 of 2 are kept" in wrong.err) == (1, True)
    assert discarded.out == "bad-one was discarded\n"
    assert (left["letters"], left["count"]) == ([], 2)


def test_a_node_without_services_says_so_in_one_line_each() -> None:
    with new_machine() as machine, machine.running(EMPTY, name="bare"):
        said = {words: machine.actors(*words) for words in (("topics",), ("refs",), ("queue",), ("memory",))}
        routers = [machine.actors(word) for word in ("router", "breakers")]
        node = f"node bare.{machine.pid}"

    assert {words[0]: it.err for words, it in said.items()} == {
        "topics": f"actors: {node} has no topic bus\n",
        "refs": f"actors: {node} has no store of references\n",
        "queue": f"actors: {node} has no queue\n",
        "memory": f"actors: {node} has no shared memory\n",
    }
    assert [it.err for it in routers] == [f"actors: {node} has no router\n"] * 2
    assert {it.status for it in [*said.values(), *routers]} == {1}


def test_every_command_has_examples_in_its_help() -> None:
    helps = {words: help_of(command).partition("Examples:")[2] for words, command in all_of(SERVICES)}
    without = [words for words, shown in helps.items() if f"  actors {words}" not in shown]

    assert without == []


def all_of(commands: Iterable[click.Command], before: str = "") -> Iterator[tuple[str, click.Command]]:
    for command in commands:
        words = f"{before} {command.name}".lstrip()
        yield words, command
        if isinstance(command, click.Group):
            yield from all_of(command.commands.values(), words)


def help_of(command: click.Command) -> str:
    return CliRunner().invoke(command, ["--help"]).output


def test_a_wrong_command_suggests_the_nearest(busy: Machine) -> None:
    wrong = busy.actors("queue", "dead-leters")

    assert wrong.status == 2
    assert "dead-letters" in wrong.err
