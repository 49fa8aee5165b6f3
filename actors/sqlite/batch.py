"""Batches: the units that one commit makes durable; a unit is all or nothing, whatever becomes of the others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

Parameters: TypeAlias = Sequence[Any]
Statement: TypeAlias = tuple[str, Parameters]
OnCommit: TypeAlias = Callable[[Exception | None], object]


class Unit(NamedTuple):
    """What is stored together or not at all; a plain tuple, for there is one for each message."""

    sql: str | None
    """The statement; None if there are several."""
    parameters: Any
    """The parameters of the statement, or the statements."""
    on_commit: OnCommit | None
    """Who is told what became of it."""


_sql_of: Final = itemgetter(0)


def commit(
    connection: sqlite3.Connection, units: Sequence[Unit], before_sync: Callable[[], object] = lambda: None
) -> Sequence[Exception | None] | None:
    """Store *units* in their order, and return when they are on the disk; None if all of them are.

    Otherwise, return for each what kept it from being stored. All are tried together; if that fails because of
    one of them, each is tried by itself: within one transaction, unless there is too little room for that.
    *before_sync* is called when only the disk is to be waited for.
    """
    try:
        _begin(connection)
        _run_together(connection, units)
        before_sync()
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 -- parameters raise what they like
        alive = connection.in_transaction
        _roll_back(connection)
        if len(units) > 1 and alive:
            return _commit_apart(connection, units)
        if len(units) > 1 and _is_full(error):
            return [_commit_alone(connection, unit) for unit in units]
        return [error] * len(units)
    return None


def _is_full(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _begin(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        # What fails here failed because of the disk, and is tried again before the next batch.
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _run_together(connection: sqlite3.Connection, units: Sequence[Unit]) -> None:
    for sql, run in groupby(units, _sql_of):
        if sql is None:
            for unit in run:
                _run(connection, unit)
            continue
        parameters = [unit[1] for unit in run]
        if len(parameters) == 1:
            connection.execute(sql, parameters[0])
        else:
            connection.executemany(sql, parameters)


def _run(connection: sqlite3.Connection, unit: Unit) -> None:
    if unit.sql is not None:
        connection.execute(unit.sql, unit.parameters)
    else:
        for sql, parameters in unit.parameters:
            connection.execute(sql, parameters)


def _commit_alone(connection: sqlite3.Connection, unit: Unit) -> Exception | None:
    errors = commit(connection, (unit,))
    return None if errors is None else errors[0]


def _commit_apart(connection: sqlite3.Connection, units: Sequence[Unit]) -> Sequence[Exception | None]:
    try:
        _begin(connection)
        errors = [_error_of(connection, unit) for unit in units]
        connection.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 -- see above
        _roll_back(connection)
        if _is_full(error):
            return [_commit_alone(connection, unit) for unit in units]
        return [error] * len(units)
    return errors


def _error_of(connection: sqlite3.Connection, unit: Unit) -> Exception | None:
    """Run *unit* within the transaction; if that fails, undo it and return why.

    Raises what ends the whole transaction.
    """
    connection.execute("SAVEPOINT unit")
    try:
        _run(connection, unit)
    except Exception as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO unit")
        connection.execute("RELEASE unit")
        return error
    connection.execute("RELEASE unit")
    return None
