"""The ends of actors, as far as a node has noted them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
import trio.testing

from actors import Actor, Crash, Status
from actors.shell import chronicle
from tests.actors.shell.conversation import Connect, rows

if TYPE_CHECKING:
    import pytest

    from actors import ActorSystem
    from actors.shell import Node


class Frail(Actor):
    def handle_cast(self, message: object) -> None:
        raise ValueError(message)


class Hiding(Frail):
    def format_status(self, status: Status) -> Status:
        return Status("hidden", "hidden", None)


class Waiter(Actor):
    async def handle_cast(self, message: object) -> None:
        await trio.sleep_forever()


async def ends(connect: Connect, node: Node) -> list[dict[str, Any]]:
    await trio.testing.wait_all_tasks_blocked()
    return rows(await (await connect(node)).ask("log"))


async def test_a_crash_is_noted_with_its_handler_and_message(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    frail = await real_system.start(Frail, name="frail")
    frail.cast(7)
    await frail.wait()

    [end] = await ends(connect, node)

    told = {name: end[name] for name in ("name", "kind", "failed", "reason", "handler", "message", "zombie")}
    assert told == {
        "name": "frail",
        "kind": "Frail",
        "failed": True,
        "reason": "ValueError: 7",
        "handler": "handle_cast",
        "message": "int",
        "zombie": False,
    }


async def test_only_who_was_at_work_when_it_was_killed_was_doing_something(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    idle, busy = await real_system.start(Waiter), await real_system.start(Waiter)
    busy.cast("x")
    await trio.testing.wait_all_tasks_blocked()
    for ref in (idle, busy):
        ref.kill()
        await ref.wait()

    assert [(it["reason"], it["handler"]) for it in await ends(connect, node)] == [
        ("killed", None),
        ("killed", "handle_cast"),
    ]


async def test_what_an_actor_hides_is_hidden_here_too(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    hiding = await real_system.start(Hiding)
    hiding.cast("secret")
    await hiding.wait()

    [end] = await ends(connect, node)

    assert "secret" not in end["reason"]
    assert "hidden" in end["reason"]


async def test_orderly_ends_push_no_failure_out(
    connect: Connect, node: Node, real_system: ActorSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    frail = await real_system.start(Frail)
    frail.exit(Crash("first"))
    for _ in range(chronicle.ROOM + 5):
        await (await real_system.start(Frail)).stop()

    found = await ends(connect, node)

    assert (found[0]["reason"], len(found)) == ("first", chronicle.ROOM + 1)
    assert [it["number"] for it in found[:2]] == [1, 7]


async def test_an_end_that_cannot_be_noted_keeps_nobody_from_ending(
    node: Node, real_system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd:
        def __str__(self) -> str:
            raise RuntimeError("no text today")

    frail = await real_system.start(Frail)

    frail.exit(Crash(Odd()))

    assert isinstance(await frail.wait(), Crash)
