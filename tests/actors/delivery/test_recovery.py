"""A router finds very many messages that an earlier program has left: others have their turn meanwhile."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import trio

from actors import open_system
from actors.delivery import DeliveryOptions, Guarantee, NoRouterError, Router, RouterConfig, RouterRef
from actors.delivery.recovery import AT_ONCE
from actors.sqlite import open_database
from tests.actors.delivery.receivers import Receiver
from tests.actors.steps import measured_steps

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem
    from tests.actors.delivery.conftest import Run

SOME = 10 * AT_ONCE
MANY = 100_000
MOST_SECONDS = 0.005
"""About a millisecond, where others use the processor as well."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def multiply(file: Path, count: int) -> None:
    """Have *file* hold so many messages like the one it holds, and so many ids that were handled."""
    connection = sqlite3.connect(file)
    ((router, body, options, now),) = connection.execute("SELECT router, body, options, created FROM delivery_messages")
    connection.executemany(
        """INSERT INTO delivery_messages (router, number, receiver, id, body, options, created, due)
        VALUES (?, ?, 'receiver', ?, ?, ?, ?, ?)""",
        ((router, number, f"id {number}", body, options, now, now) for number in range(1, count)),
    )
    connection.executemany(
        "INSERT INTO delivery_handled (router, receiver, id, time) VALUES (?, 'receiver', ?, ?)",
        ((router, f"handled {number}", now) for number in range(count)),
    )
    connection.commit()
    connection.close()


async def start(system: ActorSystem, path: Path) -> RouterRef:
    await open_database(system, path, inline=True)
    await system.start(Router, RouterConfig(database=path), name="router")
    return RouterRef(system)


async def test_a_router_that_is_killed_while_it_recovers_loses_and_doubles_nothing(run: Run, tmp_path: Path) -> None:
    once = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True)
    path = tmp_path / "messages.db"
    notes: list[object] = []
    async with run() as (_, router):
        await router.send("receiver", "tea", once)
    multiply(path, SOME)

    async with open_system() as system:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(start, system, path)
            ledger = RouterRef(system)._ledger
            while ledger.pending < SOME // 2:
                await trio.lowlevel.checkpoint()
            with pytest.raises(NoRouterError):
                await RouterRef(system).send("receiver", "tea", once, id="handled 1")
            nursery.cancel_scope.cancel()
        left = ledger.recovery
        router = await start(system, path)
        for id in ("handled 1", "id 1"):
            await router.send("receiver", "tea", once, id=id)
        await system.start(Receiver, notes, name="receiver")
        await router.drained()

    assert left is not None
    assert ledger.recovery is None
    assert len(notes) == SOME


async def test_a_router_knows_all_that_was_handled_before_it_sends_anything(run: Run, tmp_path: Path) -> None:
    """A message may be stored twice under one id: handled once, and killed before the other could be forgotten."""
    once = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True)
    path = tmp_path / "messages.db"
    notes: list[object] = []
    async with run() as (_, router):
        await router.send("receiver", "tea", once, id="the id")
    multiply(path, 1)
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany(
            "INSERT INTO delivery_handled SELECT router, receiver, ?, time + ? FROM delivery_handled WHERE id = ?",
            ((f"handled {number}", number, "handled 0") for number in range(1, SOME)),
        )
        connection.execute("UPDATE delivery_handled SET id = 'the id' WHERE id = ?", (f"handled {SOME - 1}",))
        connection.commit()

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(1)
        with closing(sqlite3.connect(path)) as connection:
            left = connection.execute("SELECT count(*) FROM delivery_messages").fetchone()

    assert (notes, left) == ([], (0,))


async def test_a_router_that_is_closed_while_it_recovers_leaves_the_rest_to_the_next_program(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "messages.db"
    notes: list[object] = []
    async with run() as (_, router):
        await router.send("receiver", "tea", DeliveryOptions(durable=True))
    multiply(path, SOME)

    async with open_system() as system:
        router = RouterRef(system)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(start, system, path)
            while router.statistics().pending < SOME // 2:
                await trio.lowlevel.checkpoint()
            router.close()
        await router.drained()
        done = router.statistics()
    async with run(receiver=(Receiver, notes)) as (_, router):
        await router.drained()

    assert done.pending == 0
    assert SOME // 2 <= done.failed < SOME
    assert len(notes) == SOME


@pytest.mark.slow
@pytest.mark.hang_seconds(120)
async def test_recovering_100000_messages_takes_the_loop_a_millisecond_at_a_time(tmp_path: Path) -> None:
    config = RouterConfig(database=tmp_path / "messages.db")
    async with open_system() as system:
        await system.start(Router, config, name="router")
        await RouterRef(system).send("receiver", "tea", DeliveryOptions(durable=True))
    multiply(tmp_path / "messages.db", MANY)

    async with open_system() as system:
        with measured_steps() as steps:
            await system.start(Router, config, name="router")

        assert RouterRef(system).statistics().pending == MANY
    assert steps.longest < MOST_SECONDS
