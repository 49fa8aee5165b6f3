"""Clients that hang half-way: the node lets go of them in its time, and of all that it had for them."""

from __future__ import annotations

import gc
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio

from actors import Actor
from actors.shell.frame import HEADER, encode

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.shell import Node

ROUNDS = 20
AT_ONCE = 3
MOST_OBJECTS = 100
"""How many more there may be after all rounds than after one: less than one for each client."""

HANGING = {
    "says nothing": b"",
    "two bytes of a header": HEADER.pack(500)[:2],
    "half a frame": encode("actors", {})[:7],
    "reads nothing": encode("actors", {}) * 20,
}


class Till(Actor):
    """An actor to look at."""


def objects() -> int:
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.slow
@pytest.mark.parametrize("data", HANGING.values(), ids=HANGING.keys())
async def test_a_client_that_hangs_leaves_nothing_behind(
    data: bytes, hasty_node: Node, real_system: ActorSystem
) -> None:
    for _ in range(1000):
        await real_system.start(Till)

    async def hang_around() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(AT_ONCE):
                stream = await stack.enter_async_context(await trio.open_unix_socket(str(hasty_node.path)))
                await stream.send_all(data)
            with trio.fail_after(20):
                while hasty_node.counters.connections < hung or hasty_node.clients:  # noqa: ASYNC110 -- nothing else tells
                    await trio.sleep(0.001)

    hung = AT_ONCE
    await hang_around()
    tasks, before = trio.lowlevel.current_statistics().tasks_living, objects()
    for _ in range(ROUNDS):
        hung += AT_ONCE
        await hang_around()

    assert trio.lowlevel.current_statistics().tasks_living == tasks
    assert objects() - before < MOST_OBJECTS
    assert hasty_node.counters.timed_out == hung == hasty_node.counters.connections
    assert hasty_node.counters.failed == 0
