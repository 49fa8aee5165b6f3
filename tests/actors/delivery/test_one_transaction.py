"""What a handler of a durable actor does is one unit: nothing of it is there, and nobody is told, if a part is not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import NO_REPLY, ActorExitedError
from actors.delivery import DeliveryFailedError, DeliveryOptions, DurableActor, Guarantee, RouterRef
from actors.sqlite import Database, find_database
from tests.actors.delivery.receivers import Slow

if TYPE_CHECKING:
    from pathlib import Path

    from actors import Caller
    from tests.actors.delivery.conftest import Run

ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True)
BIG = "x" * 50_000


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class Diary(DurableActor):
    """It writes down what it is told, tells somebody else, and answers with how much there is."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    async def handle_call(self, message: str, caller: Caller) -> object:
        if message:
            self.entries.append(message)
            await RouterRef(self.system).send("nobody", "a new entry", ONCE)
        caller.reply(len(self.entries))
        return NO_REPLY


async def leave_pages(database: Database, more: int) -> None:
    """Let the file grow by so many pages and no further."""
    (pages,) = await database.read(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    await database.read(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + more}").fetchone())


async def stored_in(database: Database, table: str) -> int:
    count = f"SELECT count(*) FROM {table}"  # noqa: S608 -- one of ours
    (found,) = await database.read(lambda connection: connection.execute(count).fetchone())
    return int(found)


async def test_a_state_without_room_takes_what_was_sent_and_answered_along(run: Run, tmp_path: Path) -> None:
    async with run(diary=(Diary,)) as (system, _):
        database = find_database(system, tmp_path / "messages.db")
        await leave_pages(database, 2)

        with pytest.raises(ActorExitedError, match="has no room"):
            await system.named("diary").call(BIG)

        assert await stored_in(database, "delivery_messages") == 0
        assert await stored_in(database, "delivery_states") == 0
        await leave_pages(database, 100)
        await trio.sleep(1)
        assert await system.named("diary").call(BIG) == 1
        assert await stored_in(database, "delivery_messages") == 1


class Switch(DurableActor):
    """It is as it was set last."""

    def __init__(self) -> None:
        self.on = False

    def handle_call(self, message: bool | None, caller: Caller) -> bool:  # noqa: FBT001 -- it is the message
        if message is not None:
            self.on = message
        return self.on


async def test_a_state_that_comes_back_to_what_it_was_is_stored_as_well(run: Run) -> None:
    settings: tuple[tuple[Any, ...], ...] = ((True,), (False, True), ())
    for changes in settings:
        async with run(switch=(Switch,)) as (system, _):
            for change in changes:
                await system.named("switch").call(change)

            assert await system.named("switch").call(None)


async def test_what_was_handled_after_it_was_given_up_is_known_to_the_next_program(run: Run) -> None:
    notes: list[object] = []
    hasty = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True, max_retries=1, timeout=1.0)
    async with run(slow=(Slow, notes, 3.0)) as (_, router):
        receipt = await router.send("slow", "tea", hasty, id="order 1")
        with pytest.raises(DeliveryFailedError):
            await receipt.acknowledged()
        await trio.sleep(5)

    async with run(slow=(Slow, notes, 3.0)) as (_, router):
        await (await router.send("slow", "tea", ONCE, id="order 1")).acknowledged()

    assert notes == ["tea"]
