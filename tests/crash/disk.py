"""What is on the disk after a kill, read by nothing of the code under test: SQLite and MessagePack alone."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgpack
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator


@frozen
class Disk:
    """The content of a database file."""

    sound: bool
    """Whether SQLite finds nothing wrong."""
    waiting: frozenset[tuple[str, int, int]]
    """The producers, numbers and hops of messages that are still to be handled, in the router or in the queue."""
    letters: frozenset[tuple[str, int]]
    """Those of them that are letters."""
    given_up: int
    seen: dict[str, set[int]]
    """The numbers that stations have seen, by producer and hop."""
    twice: tuple[str, ...]
    """What stations have seen more than once."""


def look_at(file: Path) -> Disk:
    """Read a copy of *file* and of its log, so that the next process finds both as the killed one has left them."""
    with TemporaryDirectory(dir=file.parent) as folder:
        for path in file.parent.glob(f"{file.name}*"):
            if not path.name.endswith(("-shm", "-lock")):
                shutil.copy(path, folder)
        with closing(sqlite3.connect(Path(folder) / file.name)) as connection:
            return _read(connection)


def _read(connection: sqlite3.Connection) -> Disk:
    sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    waiting, letters, given_up, twice = set(), set(), 0, []
    seen: dict[str, set[int]] = {}
    if "delivery_messages" in tables:
        for body, failed in connection.execute("SELECT body, failed FROM delivery_messages"):
            given_up += failed is not None
            _, fields = msgpack.unpackb(msgpack.unpackb(body).data)
            message = fields["producer"], fields["number"]
            waiting.add((*message, fields.get("hop", 0)))
            if "hop" not in fields:
                letters.add(message)
        for (state,) in connection.execute("SELECT state FROM delivery_states"):
            found = msgpack.unpackb(state)
            twice += found["twice"]
            seen |= {key: set(_numbers(ranges)) for key, ranges in found["seen"].items()}
    if "queue" in tables:
        rows = connection.execute("SELECT id, status FROM queue").fetchall()
        given_up += sum(status >= 2 for _, status in rows)
        waiting |= {(*_parcel_of(id), 0) for id, _ in rows}
    return Disk(sound, frozenset(waiting), frozenset(letters), given_up, seen, tuple(twice))


def _parcel_of(id: str) -> tuple[str, int]:
    producer, _, number = id.rpartition("-")
    return producer, int(number)


def _numbers(ranges: Any) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)
