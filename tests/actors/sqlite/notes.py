"""The one table of these tests, and how it is written and read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from actors.sqlite import Database, Statement

INSERT: Final = "INSERT INTO notes VALUES (?, ?)"


def insert(number: int, text: object = "") -> Statement:
    """Return the statement that stores a note."""
    return INSERT, (number, text)


def ids_in(connection: sqlite3.Connection) -> list[int]:
    """Return the numbers of all notes."""
    return [number for (number,) in connection.execute("SELECT id FROM notes ORDER BY id")]


async def ids_of(database: Database) -> list[int]:
    """Return the numbers of all notes that are committed."""
    return await database.read(ids_in)


def ids_at(path: Path) -> list[int]:
    """Return what the file has for whoever opens it next, if it is sound."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return ids_in(connection)
