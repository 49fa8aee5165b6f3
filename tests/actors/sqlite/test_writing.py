"""What is appended: its order, who is told, and that a unit is all or nothing."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import ActorSystem, WrongThreadError, run_blocking
from actors.sqlite import Database, DatabaseClosedError, StatementError, open_database
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import INSERT, ids_at, ids_of, insert

if TYPE_CHECKING:
    from pathlib import Path


async def test_what_is_committed_can_be_read(database: Database) -> None:
    await database.commit(insert(1), insert(2))

    assert await ids_of(database) == [1, 2]


async def test_everybody_is_told_in_the_order_of_appending(database: Database) -> None:
    told: list[int] = []

    for number in (3, 1, 2):
        database.append(*insert(number), partial(note, told, number))
    at_once = list(told)
    await database.committed()

    assert at_once == []
    assert told == [3, 1, 2]


def note(told: list[int], number: int, error: Exception | None) -> None:
    assert error is None
    told.append(number)


async def test_what_gathers_is_committed_at_once(database: Database) -> None:
    before = database.statistics().commits

    async with trio.open_nursery() as nursery:
        for number in range(64):
            nursery.start_soon(database.commit, insert(number))

    assert database.statistics().commits <= before + 3
    assert len(await ids_of(database)) == 64


async def test_more_units_than_one_commit_takes_are_all_stored(database: Database) -> None:
    told: list[object] = []

    for number in range(2500):
        database.append(*insert(number), told.append)
    await database.committed()

    assert told == [None] * 2500
    assert await ids_of(database) == list(range(2500))


async def test_a_unit_that_fails_leaves_nothing_and_harms_no_other(database: Database) -> None:
    told: list[Exception | None] = []

    database.append(*insert(1), told.append)
    database.append_all([insert(2), insert(1), insert(3)], told.append)
    database.append_all([insert(4), insert(5)], told.append)
    await database.committed()

    refused = told[1]
    assert [told[0], told[2]] == [None, None]
    assert isinstance(refused, StatementError)
    assert str(refused).startswith(f"{database.path} refused a statement: UNIQUE")
    assert await ids_of(database) == [1, 4, 5]


@pytest.mark.parametrize("parameters", [(1, object()), (1,), (2**70, ""), (1, "\ud800")], ids=repr)
async def test_parameters_that_cannot_be_stored_are_the_error_of_their_unit(
    database: Database, parameters: tuple[object, ...]
) -> None:
    other: list[object] = []

    database.append(*insert(7), other.append)
    with pytest.raises(StatementError):
        await database.commit((INSERT, parameters))

    assert other == [None]
    assert await ids_of(database) == [7]


async def test_the_writer_goes_on_after_a_unit_that_failed_by_itself(database: Database) -> None:
    with pytest.raises(StatementError, match="no such table"):
        await database.commit(("INSERT INTO nowhere VALUES (1)", ()))

    await database.commit(insert(1))

    assert await ids_of(database) == [1]


async def test_a_wait_that_is_cancelled_takes_nothing_back(database: Database) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await database.commit(insert(1))

    assert scope.cancelled_caught
    assert await ids_of(database) == [1]


async def test_who_is_told_may_append_more(database: Database) -> None:
    told: list[object] = []

    database.append(*insert(1), lambda _: database.append(*insert(2), told.append))
    await database.committed()
    await database.committed()

    assert told == [None]


async def test_who_raises_when_told_is_logged_and_harms_nobody(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: object) -> None:
        raise ZeroDivisionError

    told: list[object] = []
    database.append(*insert(1), fail)
    database.append(*insert(2), told.append)
    await database.committed()

    assert told == [None]
    assert [record.message for record in caplog.records] == [f"telling what became of a unit in {database.path} failed"]


async def test_what_is_lazy_rides_on_the_next_commit(system: ActorSystem, path: Path) -> None:
    database = await open_database(system, path, inline=True)
    await database.prepare(NOTES)
    told: list[object] = []
    before = database.statistics().commits

    database.append(*insert(1), told.append, lazy=True)
    await wait_all_tasks_blocked()
    alone = list(told)
    await database.commit(insert(2))

    assert (alone, told) == ([], [None])
    assert database.statistics().commits == before + 1
    assert trio.current_time() == 0.0


async def test_what_is_lazy_goes_by_itself_after_50_ms(system: ActorSystem, path: Path) -> None:
    database = await open_database(system, path, inline=True)
    await database.prepare(NOTES)
    told = trio.Event()

    database.append(*insert(1), lambda _: told.set(), lazy=True)
    await told.wait()
    first = trio.current_time()
    database.append(*insert(2), lazy=True)
    await trio.sleep(0.06)

    assert first == pytest.approx(0.05)
    assert database.statistics().pending == 0


async def test_other_threads_are_refused(database: Database) -> None:
    with pytest.raises(WrongThreadError):
        await run_blocking(database.append, *insert(1))

    assert await ids_of(database) == []


async def test_a_database_that_is_closed_refuses_everything_and_has_stored_all(database: Database, path: Path) -> None:
    told: list[object] = []
    database.append(*insert(1), told.append)
    database.append(*insert(2), told.append, lazy=True)

    await database.close()

    assert told == [None, None]
    assert ids_at(path) == [1, 2]
    for refused in (database.commit, database.close, database.committed):
        with pytest.raises(DatabaseClosedError, match=f"{path} is closed"):
            await refused()


async def test_a_closed_database_leaves_no_log_and_no_thread(database: Database, path: Path) -> None:
    await database.commit(insert(1))

    await database.close()
    await run_blocking(join_writers)

    assert {found.name for found in path.parent.iterdir()} == {"shop.db", "shop.db-lock"}


def join_writers() -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("writer of"):
            thread.join()


async def test_what_a_database_has_done_is_counted(database: Database) -> None:
    before = database.statistics()

    await database.commit(insert(1), insert(2))
    with pytest.raises(StatementError):
        await database.commit(insert(1))

    after = database.statistics()
    assert (after.commits - before.commits, after.stored - before.stored, after.failed - before.failed) == (2, 1, 1)
    assert repr(database) == f"<Database {database.path}: 0 pending>"


async def test_a_commit_ends_beside_a_loop_that_is_never_idle(database: Database) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(spin)
        for number in range(20):
            await database.commit(insert(number))
        nursery.cancel_scope.cancel()

    assert len(await ids_of(database)) == 20


async def spin() -> None:
    while True:
        await trio.lowlevel.checkpoint()
