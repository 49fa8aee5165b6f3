"""What is stored of durable actors that are gone for good, and how it is deleted."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Backoff
from actors.delivery import DeliveryOptions, DurableActor, NoRouterError, StateInUseError, delete_state
from actors.sqlite import StatementError, find_database
from supervision import ChildSpec, start_child, terminate_child

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem
    from tests.actors.delivery.conftest import Run

DURABLE = DeliveryOptions(durable=True)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class Diary(DurableActor):
    """It keeps what it is told, and can be kept from ending."""

    stuck = trio.Event()

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def handle_cast(self, line: str) -> None:
        if line == "fall":
            raise RuntimeError("fallen")
        self.lines.append(line)
        if line == "stick":
            with trio.CancelScope(shield=True):
                await Diary.stuck.wait()

    def handle_call(self, message: object, caller: Any) -> Any:
        return self.lines


async def lines_of(system: ActorSystem) -> Any:
    return await system.named("diary").call("lines")


async def ended(system: ActorSystem) -> None:
    tree = system.whereis("tree")
    assert tree is not None
    await terminate_child(tree, "diary")


def owners(folder: Path) -> list[str]:
    """Return of whom there is anything in the file."""
    with closing(sqlite3.connect(folder / "messages.db")) as file:
        states = [name for (name,) in file.execute("SELECT name FROM delivery_states")]
        return states + [owner for (owner,) in file.execute("SELECT owner FROM actors_epochs")]


async def test_who_has_the_name_after_a_state_was_deleted_begins_anew(run: Run, tmp_path: Path) -> None:
    async with run(diary=(Diary,)) as (system, router):
        await (await router.send("diary", "tea", DURABLE)).acknowledged()
        await ended(system)
        there_was_one = [await delete_state(system, "diary"), await delete_state(system, "diary")]

    assert there_was_one == [True, False]
    assert owners(tmp_path) == []
    async with run(diary=(Diary,)) as (system, router):
        assert await lines_of(system) == []
        await (await router.send("diary", "milk", DURABLE)).acknowledged()
    async with run(diary=(Diary,)) as (system, _):
        assert await lines_of(system) == ["milk"]


async def test_what_was_sent_to_the_name_stays(run: Run) -> None:
    async with run(diary=(Diary,)) as (system, router):
        await (await router.send("diary", "tea", DURABLE)).acknowledged()
        await ended(system)
        await router.send("diary", "milk", DURABLE, delay=3600.0)

        await delete_state(system, "diary")

    async with run(diary=(Diary,)) as (system, router):
        await trio.sleep(3601)
        assert await lines_of(system) == ["milk"]


async def test_the_state_of_an_actor_that_lives_is_not_deleted(run: Run) -> None:
    async with run(diary=(Diary,)) as (system, router):
        await (await router.send("diary", "tea", DURABLE)).acknowledged()

        with pytest.raises(StateInUseError, match=r"state of 'diary' is not deleted, for <diary #\d+> has the"):
            await delete_state(system, "diary")

        await (await router.send("diary", "milk", DURABLE)).acknowledged()
    async with run(diary=(Diary,)) as (system, _):
        assert await lines_of(system) == ["tea", "milk"]


async def test_the_state_of_an_actor_that_is_about_to_be_started_again_is_not_deleted(run: Run) -> None:
    async with run() as (system, router):
        tree = system.whereis("tree")
        assert tree is not None
        await start_child(tree, ChildSpec("diary", Diary, name="diary", backoff=Backoff(30.0, max_seconds=30.0)))
        await (await router.send("diary", "tea", DURABLE)).acknowledged()
        for _ in range(2):  # after the first time it is started at once
            system.named("diary").cast("fall")
            await wait_all_tasks_blocked()

        with pytest.raises(StateInUseError, match="'diary' is not deleted, for a supervisor is about to start it"):
            await delete_state(system, "diary")

        await trio.sleep(60)
        assert await lines_of(system) == ["tea"]


async def test_what_a_kill_has_left_of_the_actor_stores_nothing_more(run: Run, tmp_path: Path) -> None:
    Diary.stuck = trio.Event()
    async with run() as (system, router):
        first = await system.start(Diary, name="diary")
        await (await router.send("diary", "tea", DURABLE)).acknowledged()
        first.cast("stick")
        await wait_all_tasks_blocked()
        first.kill()
        await first.wait()

        assert await delete_state(system, "diary")
        await system.start(Diary, name="diary")
        Diary.stuck.set()
        await wait_all_tasks_blocked()
        statistics = find_database(system, tmp_path / "messages.db").statistics()

    assert statistics.refused == 1
    assert owners(tmp_path) == ["actor diary"]


async def test_a_state_that_cannot_be_deleted_is_there_for_the_next(run: Run, tmp_path: Path) -> None:
    async with run(diary=(Diary,)) as (system, router):
        await (await router.send("diary", "tea", DURABLE)).acknowledged()
        await ended(system)
        database = find_database(system, tmp_path / "messages.db")
        await database.commit(
            ("CREATE TRIGGER no BEFORE DELETE ON delivery_states BEGIN SELECT RAISE(ABORT, 'no'); END", ())
        )

        with pytest.raises(StatementError, match="no"):
            await delete_state(system, "diary")

        await system.start(Diary, name="diary")
        await (await router.send("diary", "milk", DURABLE)).acknowledged()
        assert await lines_of(system) == ["tea", "milk"]


async def test_without_a_router_there_is_no_state_to_delete(system: ActorSystem) -> None:
    with pytest.raises(NoRouterError, match="no router 'router' with a database runs, in which a state of 'diary'"):
        await delete_state(system, "diary")


@pytest.mark.parametrize("name", ["", None, b"diary"])
async def test_a_state_is_deleted_by_its_name(system: ActorSystem, name: Any) -> None:
    with pytest.raises(TypeError, match="stored under its name, a str; got"):
        await delete_state(system, name)
