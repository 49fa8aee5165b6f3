"""A trace from a command line, which lasts as long as somebody looks."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

import trio

from actors import Actor, inspect
from actors.name_ref import process_of
from actors.shell.frame import encode
from actors.shell.tracing import LAST
from tests.actors.shell.conversation import rows

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.shell import Node
    from tests.actors.shell.conversation import Client, Connect


class Waiter(Actor):
    async def handle_cast(self, message: object) -> None:
        await trio.sleep_forever()


class Counter(Actor):
    def handle_cast(self, message: object) -> None:
        if message == "die":
            raise ValueError(message)

    def handle_call(self, message: object, caller: object) -> object:
        return message


async def test_a_trace_ends_with_its_client(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    frail = await real_system.start(Waiter, name="waiter")
    client = await connect(node)
    process = process_of(frail)
    assert process is not None
    await looking(client, at="waiter")
    traced = process.callbacks.trace
    frail.cast("x")
    frame = await client.receive()
    while frame is not None and not frame.content[1]:
        frame = await client.receive()

    await client.stream.aclose()

    await left(node, 0)
    assert traced is not None
    assert frame is not None
    assert frame.content[1][0]["kind"] == "cast"
    assert process.callbacks.trace is None


async def test_a_second_operator_goes_on_looking_when_the_first_has_left(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    frail = await real_system.start(Counter, name="counter")
    first, second = await looking(await connect(node)), await looking(await connect(node))

    await first.stream.aclose()
    await left(node, 1)
    frail.cast("x")
    kinds = [(await event_of(second))["kind"] for _ in range(2)]
    await second.stream.aclose()
    await left(node, 0)

    process = process_of(frail)
    assert kinds == ["cast", "noreply"]
    assert process is not None
    assert process.callbacks.trace is None
    assert node.traces == {}


async def test_a_trace_says_how_many_events_came_too_fast_for_it(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    busy = await real_system.start(Counter, name="counter")
    client = await looking(await connect(node))

    for number in range(1000):
        busy.cast(number)
    await busy.call("done")
    told = await event_of(client)
    contents = [(await event_of(client))["content"] for _ in range(LAST)]

    assert (told["kind"], told["content"]) == ("lost", str(2002 - LAST))
    assert contents[-4:] == ["999", "999", "'done'", "'done'"]


async def test_a_trace_tells_the_time_of_the_wall_as_the_log_does(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    frail = await real_system.start(Counter, name="counter")
    client = await looking(await connect(node))

    began = time.time()
    frail.cast("die")
    events = [await event_of(client) for _ in range(2)]
    [ended] = rows(await (await connect(node)).ask("log"))

    assert [it["kind"] for it in events] == ["cast", "raise"]
    # Two clocks are read one after the other.
    assert began - 0.01 <= events[0]["time"] <= events[1]["time"] + 0.01 <= ended["time"] + 0.02


async def test_the_last_that_an_actor_did_before_it_died_is_shown(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    frail = await real_system.start(Counter, name="counter")
    client = await looking(await connect(node))

    frail.cast("die")
    events = [await event_of(client) for _ in range(3)]

    assert [(it["kind"], it["content"]) for it in events] == [
        ("cast", "'die'"),
        ("raise", "ValueError: die"),
        ("exit", "ValueError: die"),
    ]
    assert node.traces == {}


async def test_who_looks_at_a_trace_is_told_when_somebody_else_ends_it(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    counter = await real_system.start(Counter, name="counter")
    client = await looking(await connect(node))

    inspect.stop_trace(counter)

    assert await event_of(client) == {
        "kind": "ended",
        "content": "somebody else has ended the trace",
        "peer": None,
        "time": None,
        "seconds": None,
    }


async def looking(client: Client, at: str = "counter") -> Client:
    """Have *client* trace an actor, and return it when the trace has begun."""
    await client.send(encode("trace", {"name": at, "timeout": 60}))
    await client.receive()
    return client


async def event_of(client: Client) -> dict[str, Any]:
    """Return the next event that a trace tells."""
    unread: deque[dict[str, Any]] = client.__dict__.setdefault("events", deque())
    with trio.fail_after(20):
        while not unread:
            frame = await client.receive()
            assert frame is not None
            unread.extend(frame.content[1])
    return unread.popleft()


async def left(node: Node, clients: int) -> None:
    """Wait until so many clients are left."""
    with trio.fail_after(20):
        while node.clients > clients:  # noqa: ASYNC110 -- nothing else tells that a client has gone
            await trio.sleep(0.001)
