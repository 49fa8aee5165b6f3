"""Whatever comes through the socket, the node's actors notice nothing, and nothing of it is left."""

from __future__ import annotations

import gc
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors import Actor, get_statistics
from actors.name_ref import process_of
from actors.shell import CommandError
from actors.shell.frame import HEADER, encode
from actors.shell.messages import message_from
from actors.shell.node_commands import COMMANDS
from actors.shell.plain import plain

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.shell import Node

FRAMES = 100_000
AT_ONCE = 3
WARM_FRAMES = 20_000
MOST_GROWTH_BYTES = 8 * 1024 * 1024

READING = ["actor", "actors", "names", "node", "offers", "state", "trace", "tree", "waits", "log", "dead_letters"]
NAMES = ["name", "id", "number", "timeout", "set", "message", "how", "to", "all", "actor"]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    2**63,
    1.5,
    float("nan"),
    "",
    "nobody",
    "#999999",
    b"\xff",
    [],
    {},
    [[]],
    {"a": {}},
]


class Till(Actor):
    def handle_call(self, message: object, caller: object) -> object:
        return message

    def handle_cast(self, message: object) -> None:
        """Take anything."""


def odd_frame(chance: random.Random) -> bytes:
    """Return a frame that is random, or was mutated, or asks for something odd."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(40))
    if kind == 1:
        body = chance.randbytes(chance.randrange(1, 40))
        return HEADER.pack(len(body)) + body
    if kind == 2:
        data = bytearray(encode(chance.choice(READING), {"name": "till", "timeout": 0.001}))
        for _ in range(chance.randrange(1, 5)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data)[: chance.randrange(len(data) + 1)] if chance.randrange(4) == 0 else bytes(data)
    arguments = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(4))}
    return encode(chance.choice([*COMMANDS, "actor", "nothing"]), arguments)


async def visit(path: str, data: bytes, *, patient: bool) -> None:
    """Send *data*, and read the answer if one is *patient*."""
    stream = await trio.open_unix_socket(path)
    async with stream:
        try:
            await stream.send_all(data)
            if patient:
                await stream.send_eof()
                while await stream.receive_some():
                    """Read whatever comes."""
        except trio.BrokenResourceError:
            return  # the node has had enough


def resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.hang_seconds(400)
async def test_a_hundred_thousand_odd_frames_are_noticed_by_nobody(node: Node, real_system: ActorSystem) -> None:
    till = await real_system.start(Till, name="till")
    sizes: list[int] = []

    async def visit_often(seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 -- chance, not secrecy
        for number in range(seed, FRAMES, AT_ONCE):
            await visit(str(node.path), odd_frame(chance), patient=chance.randrange(10) > 0)
            if number in {WARM_FRAMES, FRAMES - 1}:
                sizes.append(resident_bytes())

    async with trio.open_nursery() as visitors:
        for seed in range(AT_ONCE):
            visitors.start_soon(visit_often, seed)
    with trio.fail_after(20):
        while node.clients:  # noqa: ASYNC110 -- nothing else tells that a client has gone
            await trio.sleep(0.001)

    counted = node.counters
    assert (counted.connections, counted.failed, counted.timed_out) == (FRAMES, 0, 0)
    assert counted.too_many < FRAMES // 10
    assert min(counted.malformed, counted.oversized, counted.broken, counted.refused) > FRAMES // 100
    assert sizes[1] - sizes[0] < MOST_GROWTH_BYTES
    process = process_of(till)
    assert process is not None
    assert process.callbacks.trace is None
    assert get_statistics(till).received == 0
    assert await till.call("alive") == "alive"


TREES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["is", "make", "name", "dict", "set", "Till", "trio.Event"]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=20,
)


@given(TREES)
def test_what_is_no_tree_of_a_message_is_refused_as_that(tree: object) -> None:
    try:
        made = message_from(tree, Till)
    except CommandError:
        return
    assert made is None or isinstance(made, bool | int | float | str | bytes | list | tuple | set | dict)


@given(TREES)
def test_any_value_can_be_told_plainly(value: object) -> None:
    assert encode("part", [0, [plain(value), plain({1: value})]])
