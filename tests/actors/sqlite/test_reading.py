"""What readers see, and that they cannot write."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest
import trio

from actors.sqlite import Database, DatabaseClosedError, DatabaseError
from tests.actors.sqlite.notes import ids_in, ids_of, insert

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

IDS = "SELECT id FROM notes ORDER BY id"


async def test_a_read_sees_what_was_appended_before(database: Database) -> None:
    for number in range(3):
        database.append(*insert(number))

    assert await ids_of(database) == [0, 1, 2]


async def test_a_read_sees_what_was_appended_lazily_before(database: Database) -> None:
    database.append(*insert(1), lazy=True)

    assert await ids_of(database) == [1]


def write(connection: sqlite3.Connection) -> None:
    connection.execute(*insert(1))


async def test_a_read_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseError, match=f"{database.path} may not be written"):
        await database.read(write)
    with pytest.raises(DatabaseError, match=f"{database.path} may not be written"):
        database.read_now(write)

    await database.commit(insert(2))
    assert await ids_of(database) == [2]


async def test_a_read_raises_what_its_function_raised(database: Database) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.read(fail)

    assert await ids_of(database) == []


async def test_a_read_that_leaves_a_transaction_open_keeps_nobody_from_writing(database: Database) -> None:
    await database.read(lambda connection: connection.execute("BEGIN"))

    await database.commit(insert(1))

    assert await ids_of(database) == [1]


async def test_a_read_in_the_loop_sees_what_was_told_to_be_committed(database: Database) -> None:
    seen: list[list[int]] = []

    for number in range(3):
        await database.commit(insert(number))
        seen.append(database.read_now(ids_in))

    assert seen == [[0], [0, 1], [0, 1, 2]]


async def test_slices_are_a_snapshot_while_commits_go_on(database: Database) -> None:
    for number in range(10):
        database.append(*insert(number))
    found: list[list[int]] = []

    async with aclosing(database.slices(IDS, rows=4)) as slices:
        async for rows in slices:
            found.append([number for (number,) in rows])
            await database.commit(insert(100 + len(found)))

    assert found == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert len(await ids_of(database)) == 13


async def test_slices_take_parameters_and_may_be_empty(database: Database) -> None:
    await database.commit(insert(1), insert(2))

    some = [rows async for rows in database.slices("SELECT id FROM notes WHERE id > ?", (1,))]
    none = [rows async for rows in database.slices("SELECT id FROM notes WHERE id > ?", (2,))]

    assert (some, none) == ([[(2,)]], [])


async def test_slices_that_are_closed_early_let_the_log_move_into_the_file(database: Database, path: Path) -> None:
    for number in range(100):
        database.append(*insert(number, "x" * 1000))
    async with aclosing(database.slices(IDS, rows=1)) as slices:
        assert await anext(slices) == [(0,)]
    with trio.CancelScope() as scope:
        async with aclosing(database.slices(IDS, rows=1)) as slices:
            scope.cancel()
            await anext(slices)

    await database.committed()
    busy, log, moved = await database.read(
        lambda connection: connection.execute("PRAGMA wal_checkpoint(FULL)").fetchone()
    )

    assert (busy, log) == (0, moved)


async def test_slices_of_a_database_that_is_closed_meanwhile_end_with_an_error(database: Database, path: Path) -> None:
    await database.commit(insert(1), insert(2))

    slices = database.slices(IDS, rows=1)
    await anext(slices)
    await database.close()

    with pytest.raises(DatabaseClosedError):
        await anext(slices)
    assert not path.with_name("shop.db-wal").exists()


async def test_a_query_that_fails_names_the_file(database: Database) -> None:
    with pytest.raises(DatabaseError, match=f"{database.path} refused a statement: no such table"):
        await anext(database.slices("SELECT * FROM nowhere"))
    with pytest.raises(DatabaseError, match=f"{database.path} refused a statement: no such table"):
        database.read_now(lambda connection: connection.execute("SELECT * FROM nowhere"))

    assert await ids_of(database) == []
