"""Slices: a long query, read a few rows at a time from a snapshot while commits go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from actors.sqlite import file

if TYPE_CHECKING:
    import sqlite3

    from actors.sqlite.batch import Parameters


class Slices:
    """One query, on a connection of its own; all it does runs in the writer's thread."""

    def __init__(self, path: str, connection: sqlite3.Connection, sql: str, parameters: Parameters) -> None:
        self._path = path
        self._sql = sql
        self._parameters = parameters
        self._reader = connection if path == file.MEMORY else None
        self._cursor: sqlite3.Cursor | None = None

    def fetch(self, rows: int, _: sqlite3.Connection) -> list[Any]:
        """Return the next *rows* rows, or as many as are left; the first time, begin the query."""
        if self._reader is None:
            self._reader = file.connect_to_read(self._path)
        if self._cursor is None:
            self._cursor = self._reader.execute(self._sql, self._parameters)
        return self._cursor.fetchmany(rows)

    def close(self, connection: sqlite3.Connection) -> None:
        """Let go of the snapshot."""
        cursor, self._cursor = self._cursor, None
        reader, self._reader = self._reader, None
        if cursor is not None:
            cursor.close()
        if reader is not None and reader is not connection:
            reader.close()
