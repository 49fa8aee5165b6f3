"""Files that are full, damaged, somebody else's or too new, as those see it who send durably and keep their state."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorExitedError, ActorSystem, open_system
from actors.backoff import Backoff
from actors.delivery import (
    DeliveryFailedError,
    DeliveryOptions,
    DurableActor,
    Guarantee,
    NoRouterError,
    Router,
    RouterConfig,
    RouterRef,
    UnreadableStateError,
)
from actors.delivery.codec import encode
from actors.sqlite import Database, DatabaseFullError, open_database
from supervision import ChildSpec, ChildStartError, Supervisor, SupervisorSpec
from tests.actors.delivery.accounts import Account, Credit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from actors import Caller

BIG = "x" * 5_000
ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True)
NOBODY = 65534


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "messages.db"


class Diary(DurableActor):
    """Its state grows with each message."""

    starts = 0
    """How often any was started."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def init(self) -> None:
        Diary.starts += 1

    def handle_cast(self, message: str) -> None:
        self.entries.append(message)

    def handle_call(self, message: str, caller: Caller) -> int:
        if message:
            self.entries.append(message)
        return len(self.entries)


@asynccontextmanager
async def program(file: Path, **actors: type[Any]) -> AsyncIterator[tuple[ActorSystem, RouterRef, Database]]:
    """Run a router and these actors, restarted after delays of up to a minute."""
    async with open_system() as system:
        database = await open_database(system, file, inline=True)
        children = [
            ChildSpec("router", Router, (RouterConfig(database=str(file)),), name="router"),
            *(ChildSpec(name, actor, name=name) for name, actor in actors.items()),
        ]
        backoff = Backoff(1.0, max_seconds=60.0)
        await system.start(Supervisor, SupervisorSpec(children, intensity=5, period=5.0, backoff=backoff), name="tree")
        Diary.starts = 0
        yield system, RouterRef(system), database


async def leave_pages(database: Database, more: int) -> None:
    """Let the file grow by so many pages and no further."""
    (pages,) = await database.read(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    await database.read(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + more}").fetchone())


async def test_a_durable_message_without_room_is_refused_and_never_delivered(file: Path, autojump_clock: Any) -> None:
    async with program(file, diary=Diary) as (system, router, database):
        await leave_pages(database, 3)

        with pytest.raises(DatabaseFullError, match=f"{file} has no room") as raised:
            await send_for_ever(router)
        accepted = router.statistics().routed
        with pytest.raises(DatabaseFullError):
            await router.send("diary", BIG * 10, ONCE, id="page 1")
        await leave_pages(database, 100)
        await trio.sleep(60)

        assert raised.value.retryable
        assert 0 < accepted < 5
        assert router.statistics().routed == accepted
        assert await system.named("diary").call("") == 0
        await (await router.send("diary", BIG * 10, ONCE, id="page 1")).acknowledged()
        assert await system.named("diary").call("") == 1


async def send_for_ever(router: RouterRef) -> None:
    while True:
        await router.send("nobody", BIG, ONCE)


async def test_a_state_without_room_is_the_crash_of_its_actor_and_not_of_others(
    file: Path, autojump_clock: Any
) -> None:
    async with program(file, diary=Diary, account=Account) as (system, _, database):
        await leave_pages(database, 1)

        with pytest.raises(ActorExitedError, match="has no room"):
            await system.named("diary").call(BIG * 10)

        assert await system.named("account").call("balance") == 100
        await trio.sleep(60)
        assert await system.named("diary").call("") == 0


async def test_what_finds_no_room_for_its_effect_is_a_dead_letter_that_can_be_sent_again(
    file: Path, autojump_clock: Any
) -> None:
    async with program(file, diary=Diary) as (system, router, database):
        await leave_pages(database, 2)
        receipt = await router.send("diary", BIG, ONCE)

        with pytest.raises(DeliveryFailedError, match="has no room"):
            await receipt.acknowledged()
        await leave_pages(database, 100)
        await router.dead_letters.replay_all()[0].acknowledged()

        assert Diary.starts <= 3
        assert await system.named("diary").call("") == 1


async def test_an_actor_that_cannot_be_stored_is_tried_again_after_delays(file: Path, autojump_clock: Any) -> None:
    async with program(file, diary=Diary) as (system, _, database):
        ref = system.whereis("diary")
        assert ref is not None
        await database.commit(("ALTER TABLE delivery_states RENAME TO hidden", ()))
        ref.kill()
        await trio.sleep(600)
        failed = database.statistics()

        await database.commit(("ALTER TABLE hidden RENAME TO delivery_states", ()))
        await trio.sleep(120)

        # One epoch is claimed at each start; delays of 1, 2, 4 ... 60 s allow for so many.
        assert 5 < failed.commits < 40
        assert await system.named("diary").call("") == 0


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (b"\xc1", "FormatError"),
        (b"\x07", "it is 7"),
        (encode(Credit(5), "a credit").replace(b"Credit", b"Debits"), "AttributeError: .* no attribute 'Debits'"),
    ],
)
async def test_a_state_that_cannot_be_read_is_named_and_left_as_it_is(
    file: Path, autojump_clock: Any, stored: bytes, why: str
) -> None:
    async with program(file) as (system, _, database):
        diary = await system.start(Diary, name="diary")
        await diary.call("tea")
        await diary.stop()
        await database.commit(("UPDATE delivery_states SET state = ?", (stored,)))

        with pytest.raises(UnreadableStateError, match=f"the state of <diary #.*> in {file} cannot be read: .*{why}"):
            await system.start(Diary, name="diary")

        assert await database.read(lambda one: one.execute("SELECT state FROM delivery_states").fetchone()) == (stored,)


def damaged(file: Path) -> str:
    file.write_bytes(b"no database" * 1_000)
    return "damaged, or no database"


def newer(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE actors_parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID")
        connection.execute("INSERT INTO actors_parts VALUES ('delivery', 99)")
        connection.commit()
    return "has version 99 of part 'delivery'; this program knows versions up to"


def in_no_folder(file: Path) -> str:
    file.parent.rmdir()
    return "there is no folder"


@pytest.mark.parametrize("spoil", [damaged, newer, in_no_folder])
async def test_a_file_that_cannot_be_had_fails_the_start_of_the_tree_and_is_named(
    file: Path, spoil: Callable[[Path], str]
) -> None:
    fault = spoil(file)
    async with open_system() as system:
        tree = [
            ChildSpec("router", Router, (RouterConfig(database=str(file)),), name="router"),
            ChildSpec("diary", Diary, name="diary"),
        ]

        with pytest.raises(ChildStartError, match=f"'router' did not start: .*: {file}.* {fault}"):
            await system.start(Supervisor, SupervisorSpec(tree, backoff=Backoff(1.0)))

        with pytest.raises(NoRouterError, match="no router 'router' runs"):
            await RouterRef(system).send("diary", "tea", ONCE)
        with pytest.raises(NoRouterError, match="no router 'router' with a database runs"):
            await system.start(Diary, name="diary")


async def test_a_file_of_another_uid_fails_the_start_of_the_tree_and_names_both(file: Path) -> None:
    tree = SupervisorSpec([ChildSpec("router", Router, (RouterConfig(database="/etc/passwd"),), name="router")])
    async with open_system() as system:
        with as_nobody() as me, pytest.raises(ChildStartError, match=f"/etc/passwd belongs to uid 0; uid {me} may not"):
            await system.start(Supervisor, tree)


@contextmanager
def as_nobody() -> Iterator[int]:
    """Run a block with the rights of somebody who is not root; return who that is."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    try:
        yield os.geteuid()
    finally:
        os.seteuid(me)
