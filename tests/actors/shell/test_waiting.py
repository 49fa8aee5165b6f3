"""Who waits in a call for whom, as a node finds it where its tasks wait."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

from actors import NO_REPLY, Actor, CallTimeoutError, open_system
from actors.shell.waiting import waits as rows_while_they_are_looked_for
from actors.telemetry import attached
from tests.actors.shell.conversation import Connect, rows

if TYPE_CHECKING:
    from actors import ActorRef, ActorSystem
    from actors.shell import Node


class Deaf(Actor):
    async def handle_call(self, message: object, caller: object) -> None:
        await trio.sleep_forever()


class Forgetful(Actor):
    """Takes calls, and leaves them unanswered."""

    def __init__(self) -> None:
        self.callers: list[object] = []

    def handle_call(self, message: object, caller: object) -> object:
        self.callers.append(caller)
        return NO_REPLY


class Guest(Actor):
    """Calls whom it is told to, and is there no more when that one did not answer."""

    async def handle_cast(self, message: tuple[ActorRef, float | None]) -> None:
        neighbour, timeout = message
        await neighbour.call("salt", timeout=timeout)

    async def handle_call(self, message: object, caller: object) -> object:
        return message


async def waits(connect: Connect, node: Node) -> list[dict[str, Any]]:
    await trio.testing.wait_all_tasks_blocked()
    client = await connect(node)
    found = rows(await client.ask("waits"))
    await client.stream.aclose()
    return found


async def test_nobody_waits(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    await real_system.start(Deaf)

    assert await waits(connect, node) == []


async def test_an_actor_that_waits_in_its_handler(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    deaf, guest = await real_system.start(Deaf, name="deaf"), await real_system.start(Guest)
    guest.cast((deaf, 60.0))

    [found] = await waits(connect, node)

    assert (found["caller"], found["target"], found["message"]) == (str(guest), str(deaf), "str")
    assert (found["state"], found["handler"], found["handles"]) == ("running", "handle_call", "str")
    assert 0 <= found["seconds"] < 30 < found["left"] <= 60


async def test_an_actor_that_waits_in_its_handler_while_calls_are_told_of(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    deaf, guest = await real_system.start(Deaf, name="deaf"), await real_system.start(Guest)
    with attached("actor.call.start", lambda *_: None):
        guest.cast((deaf, 60.0))

        [found] = await waits(connect, node)

    assert (found["caller"], found["target"], found["message"]) == (str(guest), str(deaf), "str")
    assert 0 <= found["seconds"] < 30 < found["left"] <= 60


async def test_an_actor_that_waits_for_one_who_owes_answers(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    forgetful = await real_system.start(Forgetful)
    for _ in range(2):
        (await real_system.start(Guest)).cast((forgetful, 60.0))

    found = await waits(connect, node)

    assert [(it["state"], it["handler"], it["owes"]) for it in found] == [("waiting", None, 2)] * 2


async def test_a_task_outside_every_actor_and_one_with_a_request(
    connect: Connect, node: Node, real_system: ActorSystem, nursery: trio.Nursery
) -> None:
    deaf = await real_system.start(Deaf)

    async def call_for_ever() -> None:
        await deaf.call("x", timeout=None)

    async def wait_for_request() -> None:
        await deaf.send_request(7).wait(None)

    nursery.start_soon(call_for_ever, name="caller")
    nursery.start_soon(wait_for_request, name="requester")

    found = await waits(connect, node)

    assert sorted((it["task"], it["message"]) for it in found) == [("caller", "str"), ("requester", "int")]
    assert [(it["caller"], it["seconds"], it["left"]) for it in found] == [(None, None, None)] * 2


async def test_a_request_is_waited_for_as_long_as_is_said(
    connect: Connect, node: Node, real_system: ActorSystem, nursery: trio.Nursery
) -> None:
    deaf = await real_system.start(Deaf)
    nursery.start_soon(deaf.send_request(7).wait, 60.0)

    [found] = await waits(connect, node)

    assert 0 <= found["seconds"] < 30 < found["left"] <= 60


async def test_calls_of_another_system_are_not_of_this_node(
    connect: Connect, node: Node, nursery: trio.Nursery
) -> None:
    async with open_system() as other:
        deaf, guest = await other.start(Deaf), await other.start(Guest)
        guest.cast((deaf, None))

        found = await waits(connect, node)

        deaf.kill()
    assert found == []


async def test_a_ring_of_which_one_was_answered_while_it_was_looked_for_is_no_deadlock(
    node: Node, real_system: ActorSystem
) -> None:
    ann, bob = [await real_system.start(Guest) for _ in range(2)]
    ann.cast((bob, None))
    bob.cast((ann, None))
    await trio.testing.wait_all_tasks_blocked()
    listing = rows_while_they_are_looked_for(node, {})
    calls = list(islice((row for row in listing if row is not None), 2))

    ann.kill()

    assert len(calls) == 2
    assert [row for row in listing if row is not None] == []


@pytest.mark.slow
async def test_a_ring_of_three_is_a_deadlock_until_a_call_gives_up(
    connect: Connect, node: Node, real_system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    guests = [await real_system.start(Guest, name=name) for name in ("ann", "bob", "cy")]
    beside = await real_system.start(Guest)
    for guest, neighbour, timeout in zip(guests, [*guests[1:], guests[0]], (0.5, 60.0, 60.0), strict=True):
        guest.cast((neighbour, timeout))
    beside.cast((guests[0], 60.0))

    *calls, ring = await waits(connect, node)
    reason = await guests[0].wait()
    after = await waits(connect, node)

    assert len(calls) == 4
    assert sorted(ring["deadlock"]) == sorted(map(str, guests))
    assert [it["caller"] for it in ring["calls"]] == ring["deadlock"]
    assert isinstance(reason.cause, CallTimeoutError)  # type: ignore[union-attr]
    assert not any("deadlock" in it for it in after)
