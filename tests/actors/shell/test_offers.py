"""Commands that actors offer themselves: found when they are asked for, and of no harm to anybody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from actors import Actor
from actors.shell import CommandError
from tests.actors.shell.conversation import Client, Connect, rows
from tests.actors.shell.machine import new_machine

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from actors import ActorSystem
    from actors.shell import Node

EXAMPLE = Path(__file__).parents[3] / "examples" / "shell_commands.py"


class Till(Actor):
    """Offers all kinds of commands."""

    def __init__(self) -> None:
        self.left = trio.Event()

    def handle_call(self, message: object, caller: object) -> object:
        return message

    def shell_commands(self) -> Mapping[str, Any]:
        return {
            "count": self._count,
            "ask": self._ask,
            "wait": self._wait,
            "refuse": self._refuse,
            "fail": self._fail,
            "odd": lambda arguments: 7,
        }

    def _count(self, arguments: Mapping[str, Any]) -> Iterator[int | None]:
        """Count as far as it is told.

        It says when others may have their turn.
        """
        for number in range(arguments["to"]):
            yield None
            yield number

    async def _ask(self, arguments: Mapping[str, Any]) -> AsyncIterator[Any]:
        yield await self.ref.call("alive")

    async def _wait(self, arguments: Mapping[str, Any]) -> AsyncIterator[Any]:
        yield "begun"
        yield None
        try:
            await trio.sleep_forever()
        finally:
            self.left.set()

    def _refuse(self, arguments: Mapping[str, Any]) -> Iterator[Any]:
        yield "so far"
        raise CommandError("not today", "tired")

    def _fail(self, arguments: Mapping[str, Any]) -> Iterator[Any]:
        yield 1 / 0


@pytest.fixture
async def till(real_system: ActorSystem) -> Till:
    """Start a till."""
    made: list[Till] = []

    class Made(Till):
        def init(self) -> None:
            made.append(self)

    await real_system.start(Made, name="till")
    return made[0]


@pytest.fixture
async def client(connect: Connect, node: Node) -> Client:
    """Connect to the node."""
    return await connect(node)


async def test_an_actor_answers_its_own_command(client: Client, till: Till) -> None:
    assert rows(await client.ask("count", {"to": 3})) == [0, 1, 2]


async def test_a_command_may_ask_its_actor(client: Client, till: Till) -> None:
    assert rows(await client.ask("ask")) == ["alive"]


async def test_others_have_their_turn_between_rows(client: Client, till: Till, nursery: trio.Nursery) -> None:
    turns: list[None] = []

    async def take_turns() -> None:
        while True:
            turns.append(None)
            await trio.lowlevel.checkpoint()

    nursery.start_soon(take_turns)
    answer = await client.ask("count", {"to": 5000})

    assert rows(answer) == list(range(5000))
    assert len(answer) > 10
    assert len(turns) >= len(answer)


async def test_a_command_that_refuses_is_told_and_its_client_may_go_on(client: Client, till: Till, node: Node) -> None:
    answer = await client.ask("refuse")

    assert answer[-1].content == ["tired", "not today"]
    assert node.counters.refused == 1
    assert rows(await client.ask("ask")) == ["alive"]


@pytest.mark.parametrize(
    ("word", "told"),
    [("odd", ["failed", "'odd' returned a int; a command yields its rows"]), ("nothing", None)],
)
async def test_what_is_no_command_is_refused(client: Client, till: Till, word: str, told: list[str] | None) -> None:
    [answer] = await client.ask(word)

    assert answer.content == (told or ["unknown", "the command 'nothing' is offered by no actor here"])


async def test_a_command_that_fails_is_logged_and_harms_nobody(
    client: Client, till: Till, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    await client.ask("fail")

    with trio.fail_after(20):
        while node.clients:  # noqa: ASYNC110 -- nothing else tells that a client has gone
            await trio.sleep(0.001)
    assert node.counters.failed == 1
    assert "ZeroDivisionError" in caplog.text
    assert await till.ref.call("alive") == "alive"


async def test_a_command_ends_when_its_client_goes(client: Client, till: Till, node: Node) -> None:
    await client.send(b"\x00\x00\x00\x08\x93\x01\xa4wait\x80")
    frame = await client.receive()
    assert frame is not None
    assert frame.content[1] == ["begun"]

    await client.stream.aclose()

    with trio.fail_after(20):
        await till.left.wait()


async def test_of_several_actors_with_a_command_one_has_to_be_named(
    client: Client, till: Till, real_system: ActorSystem
) -> None:
    await real_system.start(Till, name="other")

    [which] = await client.ask("ask")
    answer = await client.ask("count", {"to": 1, "actor": "other"})

    assert which.content == ["several", "2 actors offer 'ask'; say whose: till, other"]
    assert rows(answer) == [0]


async def test_offers_are_listed_with_what_they_show(client: Client, till: Till) -> None:
    listed = rows(await client.ask("offers"))

    assert listed[0] == {
        "command": "count",
        "actor": "till",
        "id": till.ref.id,
        "shows": "Count as far as it is told.",
    }
    assert [row["command"] for row in listed] == ["count", "ask", "wait", "refuse", "fail", "odd"]


@pytest.mark.slow
def test_the_command_line_asks_an_actor() -> None:
    program = EXAMPLE.read_text() + '\nprint("open", flush=True)\n'
    with new_machine() as machine, machine.running(program):
        offers = machine.actors("offers")
        orders = machine.actors("ask", "orders", "least=2")
        told = machine.told("ask", "orders", "least=3", "--actor", "till")
        unknown = machine.actors("ask", "order")
        wrong = machine.actors("ask", "orders", "--actor", "tlil")

    assert unknown.err.endswith("the command 'order' is offered by no actor here; did you mean orders?\n")
    assert offers.lines == [
        "command actor id shows",
        "orders till 3 The orders that are open, of at least so many loaves.",
    ]
    assert orders.lines == ["number customer loaves", "1 Bob 2", "2 Cy 3"]
    assert told["rows"] == [{"number": 2, "customer": "Cy", "loaves": 3}]
    assert (wrong.status, wrong.err.endswith("has no actor 'tlil'; did you mean till?\n")) == (1, True)
