"""Files that several routers have, or that hold what was not written so."""

from __future__ import annotations

import logging
import sqlite3
import time
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from actors import open_system
from actors.delivery import (
    DeliveryFailedError,
    DeliveryOptions,
    DurableActor,
    NotDurableError,
    Router,
    RouterConfig,
    RouterRef,
)
from actors.delivery.message_store import PART
from actors.sqlite import open_database
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.delivery.accounts import ONCE, Account, Credit
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock

    from actors import ActorSystem

DURABLE = DeliveryOptions(durable=True)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def files(tmp_path: Path, autojump_clock: MockClock) -> tuple[Path, Path]:
    return tmp_path / "one.db", tmp_path / "two.db"


@asynccontextmanager
async def program(file: Path, other: Path, **actors: tuple[Any, ...]) -> AsyncIterator[ActorSystem]:
    """Run a program with a router on *file* and one, called other, on *other*."""
    async with open_system() as system:
        for path in {file, other}:
            await open_database(system, path, inline=True)
        children = [
            ChildSpec("router", Router, (RouterConfig(database=str(file)),), name="router"),
            ChildSpec("other", Router, (RouterConfig(database=str(other)),), name="other"),
            *(ChildSpec(name, actor, tuple(args), name=name) for name, (actor, *args) in actors.items()),
        ]
        await system.start(Supervisor, SupervisorSpec(children, intensity=1_000, period=1.0), name="tree")
        yield system


class Remembering(DurableActor):
    """It notes what it handles."""

    def __init__(self, notes: list[object]) -> None:
        self._notes = notes

    async def handle_cast(self, message: object) -> None:
        self._notes.append(message)


async def test_what_came_through_another_router_of_the_file_is_what_is_done_with(files: tuple[Path, Path]) -> None:
    notes: list[object] = []
    file, _ = files
    async with program(file, file, account=(Account,)) as system:
        for number in range(3):
            await RouterRef(system).send("receiver", number, DURABLE, delay=60.0)
            await (await RouterRef(system, "other").send("account", Credit(10), ONCE)).acknowledged()

    async with program(file, file, account=(Account,), receiver=(Receiver, notes)) as system:
        await trio.sleep(120)
        balance = await system.named("account").call("balance")

    assert notes == [0, 1, 2]
    assert balance == 130


@pytest.mark.parametrize("receiver", [Receiver, Remembering])
async def test_an_id_that_one_router_had_is_new_to_another_also_in_the_next_program(
    files: tuple[Path, Path], receiver: type[Any]
) -> None:
    file, _ = files
    notes: list[object] = []
    async with program(file, file, receiver=(receiver, notes)) as system:
        await (await RouterRef(system).send("receiver", "tea", ONCE, id="order 1")).acknowledged()

    async with program(file, file, receiver=(receiver, notes)) as system:
        for name in ("router", "other"):
            await (await RouterRef(system, name).send("receiver", name, ONCE, id="order 1")).acknowledged()
        assert RouterRef(system).statistics().repeated == 1

    assert notes == ["tea", "other"]


async def test_ids_that_an_earlier_version_remembered_are_remembered(files: tuple[Path, Path]) -> None:
    notes: list[object] = []
    file, _ = files
    await leave_ids_of_version_2(file)

    async with program(file, file, receiver=(Receiver, notes)) as system:
        for id in ("old", "new"):
            await (await RouterRef(system).send("receiver", id, ONCE, id=id)).acknowledged()

    assert notes == ["new"]


async def leave_ids_of_version_2(file: Path) -> None:
    async with open_system() as system:
        database = await open_database(system, file, inline=True)
        await database.prepare(attrs.evolve(PART, steps=PART.steps[:2]))
        await database.commit(("INSERT INTO delivery_handled VALUES ('receiver', 'old', ?)", (time.time(),)))


async def test_what_is_stored_in_another_file_than_the_state_is_not_handled(files: tuple[Path, Path]) -> None:
    async with program(*files, account=(Account,)) as system:
        receipt = await RouterRef(system, "other").send("account", Credit(10), ONCE)
        with pytest.raises(DeliveryFailedError, match=r"is stored in .*one\.db, and cannot .*two\.db"):
            await receipt.acknowledged()

        # The supervisor has heard of the crash before this call, so the account is back when it answers.
        await which_children(system.whereis("tree"))  # type: ignore[arg-type]  # it lives
        assert await system.named("account").call("balance") == 100


async def test_a_handler_sends_nothing_that_is_stored_in_another_file_than_its_state(files: tuple[Path, Path]) -> None:
    class Sender(DurableActor):
        async def handle_cast(self, message: object) -> None:
            await RouterRef(self.system, "other").send("nobody", message, DURABLE)

    async with program(*files, sender=(Sender,)) as system:
        receipt = await RouterRef(system).send("sender", "tea", DURABLE)
        with pytest.raises(DeliveryFailedError, match=r"router 'other' stores in .*two\.db; .* in .*one\.db"):
            await receipt.acknowledged()

        assert isinstance(receipt.faults[0].reason.cause, NotDurableError)  # type: ignore[attr-defined]  # a crash
        assert RouterRef(system, "other").statistics().pending == 0


@pytest.mark.parametrize("number", [2**63 - 1, 2**62, -1])
async def test_a_message_with_a_number_that_no_router_has_given_is_handled_and_others_are_sent(
    files: tuple[Path, Path], number: int
) -> None:
    file, _ = files
    notes: list[object] = []
    async with program(file, file) as system:
        for message in range(3):
            await RouterRef(system).send("receiver", message, DURABLE)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE delivery_messages SET number = {number} WHERE number = 1")  # noqa: S608 -- as above

    async with program(file, file, receiver=(Receiver, notes)) as system:
        receipts = [await RouterRef(system).send("receiver", message, DURABLE) for message in range(3, 6)]
        for receipt in receipts:
            await receipt.acknowledged()
        await RouterRef(system).drained()

    assert sorted(map(str, notes)) == ["0", "1", "2", "3", "4", "5"]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT number FROM delivery_messages").fetchall() == []


@pytest.mark.parametrize(
    "damage",
    [
        "body = x'c1'",
        "options = x'c1'",
        "created = 'yesterday'",
        "due = x'00'",
        "due = 9e999",
        "attempts = 'many'",
        "receiver = x'01'",
        "receiver = ''",
        "failed = 'x'",
        "failed = 1, faults = x'93010203'",
        "number = 'x'",
        "number = 1.5",
    ],
)
async def test_a_message_that_cannot_be_read_keeps_no_other_waiting_and_stays(
    files: tuple[Path, Path], damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    file, _ = files
    notes: list[object] = []
    async with program(file, file) as system:
        for number in range(3):
            await RouterRef(system).send("receiver", number, DURABLE)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"UPDATE delivery_messages SET {damage} WHERE number = 1")  # noqa: S608 -- as given above
        damaged = connection.execute("SELECT * FROM delivery_messages WHERE number NOT IN (0, 2)").fetchall()

    caplog.set_level(logging.ERROR)
    async with program(file, file, receiver=(Receiver, notes)) as system:
        router = RouterRef(system)
        await (await router.send("receiver", "new", DURABLE)).acknowledged()
        await router.drained()

    assert notes == [0, 2, "new"]
    assert "cannot read message" in caplog.text
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT * FROM delivery_messages").fetchall() == damaged
