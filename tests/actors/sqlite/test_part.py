"""The tables of parts: made once, brought from version to version, and left alone by older programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.sqlite import Database, DatabaseError, NewerSchemaError, Part
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import ids_of, insert

if TYPE_CHECKING:
    import sqlite3

CREATE = "CREATE TABLE prices (item TEXT); INSERT INTO prices VALUES ('tea');"
ADD_PRICE = "ALTER TABLE prices ADD COLUMN cents INTEGER; UPDATE prices SET cents = 120;"


def prices_in(connection: sqlite3.Connection) -> list[tuple[object, ...]]:
    return connection.execute("SELECT * FROM prices").fetchall()


async def test_the_tables_are_made_once(database: Database) -> None:
    await database.prepare(Part("prices", (CREATE,)))
    await database.prepare(Part("prices", (CREATE,)))

    assert await database.read(prices_in) == [("tea",)]


async def test_only_the_steps_that_are_new_to_the_file_are_run(database: Database) -> None:
    def double(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE prices SET cents = cents * 2")

    await database.prepare(Part("prices", (CREATE,)))
    await database.prepare(Part("prices", (CREATE, ADD_PRICE, double)))
    await database.prepare(Part("prices", (CREATE, ADD_PRICE, double)))

    assert await database.read(prices_in) == [("tea", 240)]


async def test_a_newer_schema_is_refused_and_left_alone(database: Database) -> None:
    await database.prepare(Part("prices", (CREATE, ADD_PRICE)))

    text = f"{database.path} has version 2 of part 'prices'; this program knows versions up to 1"
    with pytest.raises(NewerSchemaError, match=text):
        await database.prepare(Part("prices", (CREATE,)))

    assert await database.read(prices_in) == [("tea", 120)]


async def test_steps_that_fail_leave_the_tables_as_they_were(database: Database) -> None:
    await database.prepare(Part("prices", (CREATE,)))

    with pytest.raises(DatabaseError, match="no such table: nowhere") as raised:
        await database.prepare(Part("prices", (CREATE, ADD_PRICE, "INSERT INTO nowhere VALUES (1)")))

    assert raised.value.__notes__ == ["while the tables of part 'prices' were brought to version 3"]
    assert await database.read(prices_in) == [("tea",)]
    await database.prepare(Part("prices", (CREATE, ADD_PRICE)))
    assert await database.read(prices_in) == [("tea", 120)]


async def test_an_error_of_a_step_comes_as_it_is_and_undoes_the_steps(database: Database) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.prepare(Part("prices", (CREATE, fail)))
    await database.prepare(Part("prices", (CREATE,)))

    assert await database.read(prices_in) == [("tea",)]


async def test_parts_live_side_by_side_in_one_file(database: Database) -> None:
    await database.prepare(Part("prices", (CREATE,)))
    await database.prepare(NOTES)

    await database.commit(insert(1))

    assert await ids_of(database) == [1]
    assert await database.read(prices_in) == [("tea",)]


async def test_a_script_may_have_triggers(database: Database) -> None:
    trigger = """
    CREATE TRIGGER copy AFTER INSERT ON notes BEGIN
      INSERT INTO copies VALUES (new.id); INSERT INTO copies VALUES (-new.id);
    END;
    """
    await database.prepare(Part("copies", ("CREATE TABLE copies (id);" + trigger,)))

    await database.commit(insert(7))

    copies = await database.read(lambda connection: connection.execute("SELECT id FROM copies").fetchall())
    assert copies == [(7,), (-7,)]
