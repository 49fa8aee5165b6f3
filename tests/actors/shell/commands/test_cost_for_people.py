"""What commands cost whoever types them: little processor time, also for the tables of ten thousand."""

from __future__ import annotations

import os
import sys
import time
from math import inf
from typing import TYPE_CHECKING

import pytest
import trio

from actors.shell.client.connection import Connection
from actors.shell.terminal.board import Board
from actors.shell.terminal.orders import ORDERS
from tests.actors.shell.test_cost import COMMANDS as OF_ACTORS
from tests.actors.shell.test_cost import TRIES, Till, crowd, flood, have_known_all_durations
from tests.actors.shell.test_cost_of_services import COMMANDS as OF_SERVICES
from tests.actors.shell.test_cost_of_services import fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors import ActorSystem
    from actors.shell import Node

MOST_SECONDS = 0.25
"""Of the processor, for all but the start of Python, which is as much again."""

LISTING = ("ps", "tree", "waits", "log", "offers", "dead-letters list")
"""Those of `OF_ACTORS` that show many."""

MOST_ROWS = ["--limit", "1000"]
LIMITED = {"memory keys", "queue recipients", "refs", "topics"}


async def run(words: Sequence[str], text: str = "") -> tuple[float, bytes]:
    """Run a command, and return the processor time that it took, and what it printed."""
    # From byte code, as where they are installed, also if this test was told to write none.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": ""}
    before = os.times()
    finished = await trio.run_process(
        [sys.executable, "-m", "supervision.command", *words],
        stdin=text.encode(),
        capture_stdout=True,
        env=environment,
    )
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, finished.stdout


async def least(words: Sequence[str], text: str = "") -> float:
    """Return the processor time of a command beyond that of one that asks nothing, the best of some tries of each."""
    starting = seconds = inf
    for _ in range(TRIES):
        starting = min(starting, (await run(["--version"]))[0])
        seconds = min(seconds, (await run(words, text))[0])
        if seconds - starting < MOST_SECONDS:
            break
    return seconds - starting


async def fall(system: ActorSystem, till: type[Till]) -> None:
    """Have the log full of ends, and the dead letters of letters."""
    for _ in range(1000):
        system.named("nobody").cast("x")
        dying = await system.start(till)
        dying.kill()
        ending = await system.start(till)
        await ending.stop()


@pytest.mark.slow
@pytest.mark.hang_seconds(240)
async def test_the_tables_of_10000_actors_take_a_quarter_of_a_second_of_the_client(
    real_system: ActorSystem, nursery: trio.Nursery, node: Node
) -> None:
    refs = await crowd(real_system, Till)
    await flood(refs, 70)
    for ref in refs:
        have_known_all_durations(ref)
    await fall(real_system, Till)
    here = ["--node", node.name]

    _, listed = await run(["ps", *here])
    spent = {name: await least([*name.split(), *OF_ACTORS[name], *here]) for name in LISTING}
    spent["shell"] = await least(["shell", *here], "ps\n")

    assert len(listed.splitlines()) > len(refs)
    assert {name: seconds for name, seconds in spent.items() if seconds >= MOST_SECONDS} == {}


@pytest.mark.slow
@pytest.mark.hang_seconds(240)
async def test_the_tables_of_full_services_take_a_quarter_of_a_second_of_the_client(
    real_system: ActorSystem, nursery: trio.Nursery, node: Node
) -> None:
    await fill(real_system)
    here = ["--node", node.name]

    spent = {
        name: await least([*name.split(), *arguments, *here, *(MOST_ROWS if name in LIMITED else ())])
        for name, arguments in OF_SERVICES.items()
    }

    assert {name: seconds for name, seconds in spent.items() if seconds >= MOST_SECONDS} == {}


@pytest.mark.slow
@pytest.mark.hang_seconds(240)
async def test_a_look_of_top_at_10000_actors_takes_a_quarter_of_a_second(
    real_system: ActorSystem, nursery: trio.Nursery, node: Node
) -> None:
    refs = await crowd(real_system, Till)
    await flood(refs, 70)
    for ref in refs:
        have_known_all_durations(ref)

    def look(board: Board) -> float:
        began = time.thread_time()
        with Connection(node.name, node.path) as connection:
            board.seen(connection.actors(), time.monotonic())
        assert len(board.lines(200, 50)) == 50
        return time.thread_time() - began

    async def best(board: Board) -> float:
        await trio.to_thread.run_sync(look, board)  # a board that has seen them before says how much they handle
        spent = inf
        for _ in range(TRIES):
            spent = min(spent, await trio.to_thread.run_sync(look, board))
            if spent < MOST_SECONDS:
                break
        return spent

    spent = {order: await best(Board(order=order)) for order in ORDERS}

    assert {order: seconds for order, seconds in spent.items() if seconds >= MOST_SECONDS} == {}
