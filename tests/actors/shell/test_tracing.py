"""A trace from a command line, which lasts as long as somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from actors import Actor
from actors.name_ref import process_of
from actors.shell.frame import encode

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.shell import Node
    from tests.actors.shell.conversation import Connect


class Waiter(Actor):
    async def handle_cast(self, message: object) -> None:
        await trio.sleep_forever()


async def test_a_trace_ends_with_its_client(connect: Connect, node: Node, real_system: ActorSystem) -> None:
    frail = await real_system.start(Waiter, name="waiter")
    client = await connect(node)
    process = process_of(frail)
    assert process is not None
    await client.send(encode("trace", {"name": "waiter", "timeout": 60}))
    await client.receive()
    traced = process.callbacks.trace
    frail.cast("x")
    frame = await client.receive()
    while frame is not None and not frame.content[1]:
        frame = await client.receive()

    await client.stream.aclose()

    with trio.fail_after(20):
        while node.clients:  # noqa: ASYNC110 -- nothing else tells that a client has gone
            await trio.sleep(0.001)
    assert traced is not None
    assert frame is not None
    assert frame.content[1][0]["kind"] == "cast"
    assert process.callbacks.trace is None
