"""Opening a file: who may, how its connections are set, and what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from actors.sqlite.errors import DatabaseAccessError, DatabaseError, explained
from actors.sqlite.part import SCHEMA, run_script

MEMORY: Final = ":memory:"
BUSY_SECONDS: Final = 5.0
"""How long a commit waits for another program that reads or backs up the file."""
LOG: Final = "-wal"
LOG_PAGES: Final = 1100
"""SQLite moves the log into the file when it has 1000 pages, and begins it anew."""
FRAME_HEADER: Final = 24
STATEMENTS: Final = 512
"""How many statements each connection keeps compiled."""
CACHE_SIZE: Final = -2000
"""What each connection keeps of the file in memory unless it is told otherwise: SQLite's own default, 2000 KiB."""
WAL_BYTES: Final = 64 * 2**20
"""What the log beside the file is cut to when its content has moved into the file."""


def located(path: str | os.PathLike[str]) -> str:
    """Return the one absolute path of the file, whatever links lead to it; raises `DatabaseAccessError`."""
    if (fault := fault_of_path(path)) is not None:
        raise DatabaseAccessError(f"{os.fspath(path)!a} is no path of a file: {fault}", str(path))
    return MEMORY if path == MEMORY else os.path.realpath(path)


def fault_of_path(path: str | os.PathLike[str]) -> str | None:
    r"""Return why no file can have this path, or None.

    >>> fault_of_path("shop.db"), fault_of_path("shop\0.db")
    (None, 'it has a NUL character, at 4')
    """
    try:
        position = os.fsencode(path).find(0)
    except UnicodeEncodeError as error:
        return f"it has half of a character, at {error.start}"
    return None if position < 0 else f"it has a NUL character, at {position}"


def check_access(path: str) -> None:
    """Raise `DatabaseAccessError` if this process cannot have the file."""
    try:
        fault = _fault_of(Path(path))
    except OSError as error:
        raise DatabaseAccessError(f"{path} cannot be opened: {error.strerror}", path) from error
    if fault is not None:
        raise DatabaseAccessError(fault, path)


def _fault_of(path: Path) -> str | None:
    folder, me = path.parent, os.geteuid()
    if not folder.is_dir():
        return f"{path} cannot be made: there is no folder {folder}"
    if path.exists():
        if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
            return f"{path} belongs to uid {path.stat().st_uid}; uid {me} may not read and write it"
        if not path.is_file():
            return f"{path} is no file"
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return (
            f"{path} cannot be opened: uid {me} may not write to {folder}, which belongs to uid {folder.stat().st_uid}"
        )
    return None


def connect(path: str, cache_size: int = CACHE_SIZE) -> sqlite3.Connection:
    """Return the connection that writes the file, with everything set so that what is committed is on the disk.

    Raises what `explained` makes of SQLite's errors.
    """
    connection = _connected(path)
    try:
        connection.execute(f"PRAGMA cache_size = {cache_size}")
        _set_up(connection, path)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise explained(error, path) from error
        raise
    return connection


def _set_up(connection: sqlite3.Connection, path: str) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != ("memory" if path == MEMORY else "wal"):
        raise DatabaseError(f"{path} has journal mode {mode!r}, and the file system allows no write-ahead log", path)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    connection.execute("BEGIN IMMEDIATE")
    run_script(connection, SCHEMA)
    connection.execute("COMMIT")
    epochs_in(connection)  # what is damaged here is damaged for everybody


def lengthen_log(connection: sqlite3.Connection, path: str) -> None:
    """Give the log the length that it comes to have, so that commits need not lengthen it.

    As long as a file grows, to synchronise it costs a journal's commit of the file system, several times as much.
    What is appended is nothing to SQLite, which reads as far as the check sums go.
    """
    (page,) = connection.execute("PRAGMA page_size").fetchone()
    # Where there is no room for it, commits are slower, or say so themselves.
    with suppress(OSError), Path(path + LOG).open("r+b") as log:
        length = log.seek(0, os.SEEK_END)
        log.write(bytes(max(0, LOG_PAGES * (page + FRAME_HEADER) - length)))
        log.flush()
        os.fsync(log.fileno())


def connect_to_read(path: str, cache_size: int = CACHE_SIZE) -> sqlite3.Connection:
    """Return a connection that can only read."""
    connection = _connected(f"{Path(path).as_uri()}?mode=ro")
    connection.execute(f"PRAGMA cache_size = {cache_size}")
    return connection


def _connected(path: str) -> sqlite3.Connection:
    return sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
        uri=path.startswith("file:"),
    )


def epochs_in(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the latest epoch of each owner."""
    return dict(connection.execute("SELECT owner, number FROM actors_epochs"))


def close(connection: sqlite3.Connection) -> None:
    """Move the log into the file, as far as readers allow, and close it."""
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
