"""Parts: who owns which tables of a file, and the steps that brought them from version to version."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

import attrs

from actors.sqlite.errors import NewerSchemaError, explained

Step: TypeAlias = str | Callable[[sqlite3.Connection], object]
"""An SQL script, or a function that changes the tables; it must not commit."""

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS actors_parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS actors_epochs (owner TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""


@attrs.frozen
class Part:
    """The tables of one part of a program, all in one file with those of the other parts."""

    name: str
    steps: tuple[Step, ...]
    """Step k brings the tables from version k to k + 1; steps are added at the end, and never changed."""

    @property
    def version(self) -> int:
        """The version that all steps lead to."""
        return len(self.steps)


def migrate(connection: sqlite3.Connection, part: Part, path: str) -> None:
    """Run the steps that the file at *path* has not seen, all or none of them."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _run_steps(connection, part, path)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        found = explained(error, path)
        found.add_note(f"while the tables of part {part.name!r} were brought to version {part.version}")
        raise found from error
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _run_steps(connection: sqlite3.Connection, part: Part, path: str) -> None:
    row = connection.execute("SELECT version FROM actors_parts WHERE name = ?", (part.name,)).fetchone()
    version = 0 if row is None else row[0]
    if version > part.version:
        text = f"{path} has version {version} of part {part.name!r}; this program knows versions up to {part.version}"
        raise NewerSchemaError(text, path)
    for step in part.steps[version:]:
        if isinstance(step, str):
            run_script(connection, step)
        else:
            step(connection)
    if version != part.version:
        connection.execute("REPLACE INTO actors_parts VALUES (?, ?)", (part.name, part.version))


def run_script(connection: sqlite3.Connection, script: str) -> None:
    """Run the statements of *script* within the transaction that is open."""
    for statement in statements_of(script):
        connection.execute(statement)


def statements_of(script: str) -> Iterator[str]:
    """Yield the statements of *script*; a trigger with semicolons of its own is one.

    >>> list(statements_of("CREATE TABLE a (x); CREATE TABLE b (y);"))
    ['CREATE TABLE a (x);', 'CREATE TABLE b (y);']
    """
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            if statement.strip(" \n\t;"):
                yield statement.strip()
            statement = ""
    if statement.strip(" \n\t;"):
        yield statement.strip()
