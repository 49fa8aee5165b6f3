"""What happens between the moment at which a durable message is given to the file, and that at which it is there."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from actors.delivery import DeliveryFailedError, DeliveryOptions, DurableActor, Guarantee, RouterClosedError, RouterRef
from actors.sqlite import StatementError, find_database
from actors.sqlite.writer import InlineWriter
from tests.actors.delivery.accounts import ONCE
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from actors import ActorSystem
    from actors.delivery import Receipt
    from tests.actors.delivery.conftest import Run

DURABLE = DeliveryOptions(durable=True)
NO_ROOM = """CREATE TRIGGER full BEFORE INSERT ON delivery_messages WHEN length(NEW.body) > 1000
    BEGIN SELECT RAISE(ABORT, 'no room'); END"""


@asynccontextmanager
async def held_back(system: ActorSystem, path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Have nothing committed until the block is left."""
    with monkeypatch.context() as patch:
        patch.setattr(InlineWriter, "_work", lambda _: None)
        try:
            yield
        finally:
            patch.undo()
            find_database(system, path)._writer.wake()


async def send(router: RouterRef, returned: list[Receipt]) -> None:
    returned.append(await router.send("receiver", "tea", DURABLE))


def stored_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (found,) = connection.execute("SELECT count(*) FROM delivery_messages").fetchone()
    return int(found)


async def test_a_durable_send_returns_when_the_message_is_in_the_file_and_not_before(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, returned = tmp_path / "messages.db", []  # type: Path, list[Receipt]
    async with run() as (system, router), trio.open_nursery() as nursery:
        async with held_back(system, path, monkeypatch):
            nursery.start_soon(send, router, returned)
            await trio.testing.wait_all_tasks_blocked()
            before = len(returned), stored_in(path), router.statistics().routed
        await trio.testing.wait_all_tasks_blocked()

        assert before == (0, 0, 0)
        assert (len(returned), stored_in(path), router.statistics().routed) == (1, 1, 1)


async def test_what_is_stored_after_its_router_was_closed_is_left_to_the_next_program(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[object] = []
    returned: list[Receipt] = []
    async with run(receiver=(Receiver, [])) as (system, router), trio.open_nursery() as nursery:
        async with held_back(system, tmp_path / "messages.db", monkeypatch):
            nursery.start_soon(send, router, returned)
            await trio.testing.wait_all_tasks_blocked()
            router.close()
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(RouterClosedError):
            await returned[0].acknowledged()

    async with run(receiver=(Receiver, notes)):
        await trio.sleep(1)

    assert notes == ["tea"]


class Teller(DurableActor):
    """It sends what it is told."""

    async def handle_cast(self, message: str) -> None:
        await RouterRef(self.system).send("receiver", message, ONCE, id="the id")


@pytest.mark.parametrize("handler_first", [True, False])
async def test_what_is_not_stored_does_not_stand_for_what_a_handler_has_sent_under_its_id(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, handler_first: bool
) -> None:
    notes: list[object] = []
    path = tmp_path / "messages.db"

    async def send_too_much() -> None:
        with pytest.raises(StatementError, match="no room"):
            await router.send("receiver", "x" * 2_000, ONCE, id="the id")

    async with run(receiver=(Receiver, notes), teller=(Teller,)) as (system, router), trio.open_nursery() as nursery:
        await find_database(system, path).commit((NO_ROOM, ()))
        begin = [partial(nursery.start_soon, send_too_much), partial(system.named("teller").cast, "tea")]
        async with held_back(system, path, monkeypatch):
            for start in reversed(begin) if handler_first else begin:
                start()
                await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(1)
        before, left = list(notes), stored_in(path)

    assert (before, left) == (["tea"], 0)


class Slow(DurableActor):
    """It takes its time over the first message."""

    def __init__(self) -> None:
        self.handled = 0

    async def handle_cast(self, _: object) -> None:
        if not self.handled:
            await trio.sleep(3.0)
        self.handled += 1

    def handle_call(self, _: object, __: object) -> int:
        return self.handled


async def test_a_second_copy_of_what_a_durable_actor_has_handled_changes_nothing(run: Run) -> None:
    options = DeliveryOptions(durable=True, guarantee=Guarantee.AT_LEAST_ONCE, timeout=1.0, max_retries=3)
    async with run(slow=(Slow,)) as (system, router):
        receipt = await router.send("slow", "tea", options)
        await trio.sleep(10)

        assert receipt.attempts > 1
        assert await system.named("slow").call("how many?") == 1


async def test_what_is_handled_after_it_was_given_up_is_no_dead_letter_any_more(run: Run) -> None:
    async with run(slow=(Slow,)) as (_, router):
        receipt = await router.send("slow", "tea", DeliveryOptions(durable=True, timeout=1.0, max_retries=1))
        with pytest.raises(DeliveryFailedError):
            await receipt.acknowledged()
        before = len(router.dead_letters)
        await trio.sleep(10)

        assert (before, len(router.dead_letters)) == (1, 0)


async def test_a_dead_letter_that_a_closed_router_does_not_take_stays(system: ActorSystem, router: RouterRef) -> None:
    receipt = await router.send("nobody", "tea")
    with pytest.raises(DeliveryFailedError):
        await receipt.acknowledged()
    (letter,) = router.dead_letters
    router.close()

    with pytest.raises(RouterClosedError):
        router.dead_letters.replay(letter)

    assert letter in router.dead_letters
