"""SqliteEntries: entries in a file, which outlive the program."""

from __future__ import annotations

import zlib
from contextlib import aclosing
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import msgpack

from actors.shared_memory.behaviour import REMEMBERED, Outcome
from actors.shared_memory.entry import NO_METADATA, Broken, Entry, Tombstone, frozen
from actors.shared_memory.errors import FencedError, FileTakenError, InvalidEntryError, NotStoredError
from actors.shared_memory.key import Key, Namespace
from actors.sqlite import FiledStore, Part, in_groups

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

    from actors.shared_memory.behaviour import Change, Done
    from actors.shared_memory.entry import Record

STEPS: Final = (
    """
    CREATE TABLE shared_memory (
        namespace INTEGER NOT NULL, scope TEXT NOT NULL, key TEXT NOT NULL, value BLOB, version INTEGER NOT NULL,
        checksum TEXT NOT NULL, created_by TEXT NOT NULL, created_at REAL NOT NULL, updated_by TEXT NOT NULL,
        updated_at REAL NOT NULL, metadata BLOB, compressed INTEGER NOT NULL, change INTEGER NOT NULL,
        PRIMARY KEY (namespace, scope, key)
    );
    CREATE TABLE shared_memory_done (
        change INTEGER PRIMARY KEY, id TEXT NOT NULL, version INTEGER NOT NULL, created INTEGER NOT NULL
    );
    CREATE INDEX shared_memory_done_id ON shared_memory_done (id);
    """,
)
"""How the tables came to be, version by version. The value of a tombstone is NULL."""

COLUMNS: Final = (
    *("namespace", "scope", "key", "value", "version", "checksum", "created_by", "created_at"),
    *("updated_by", "updated_at", "metadata", "compressed", "change"),
)
RECORDS: Final = f"SELECT {', '.join(COLUMNS)} FROM shared_memory"  # noqa: S608 -- of names above
DELETE: Final = "DELETE FROM shared_memory WHERE namespace = ? AND scope = ? AND key = ?"
FORGET: Final = "DELETE FROM shared_memory_done WHERE change <= ?"
FORGET_EVERY: Final = 1000
OUTCOME: Final = "SELECT version, created FROM shared_memory_done WHERE id = ? ORDER BY change DESC LIMIT 1"
LAST: Final = "SELECT coalesce(max(change), 0) FROM shared_memory_done WHERE change < 1 << 62"

ROWS: Final = 64
"""So many rows are read at a time: each may have a value of a megabyte."""

SIZES: Final = (64, 32, 16, 8, 4, 2, 1)
"""How many rows one statement writes: Python lets go of its global lock, and must get it back, with every statement."""
SMALL: Final = 16 * 1024
"""A value of more bytes has a statement of its own, as it is copied under that lock."""


class SqliteEntries(FiledStore):
    """The entries of one shared memory, in a database file that may hold other things as well, but no second one.

    The file is this program's alone: another that opens it waits *lock_timeout* seconds for this one to end, and is
    refused. *inline* has commits made by the event loop itself, which virtual time needs; *cache_size* is that of
    `actors.sqlite.open_database`. ``":memory:"`` is no file, and its entries end with the system.
    """

    prompt = False

    part = Part("shared_memory", STEPS)
    tenant = "shared memory"
    taken = FileTakenError
    stale = FencedError
    failed = NotStoredError

    def commit(self, epoch: int, changes: Sequence[Change], done: Done) -> None:
        """Have *changes* stored with what others store at the same time."""
        self._append(epoch, list(statements_of(changes)), done)

    async def records(self) -> AsyncGenerator[Sequence[Record]]:
        """Read everything, and check it."""
        async with aclosing(self._database.slices(RECORDS, rows=ROWS)) as slices:
            async for rows in slices:
                yield [_record(row) for row in rows]

    def last_change(self) -> int:
        """Return the number of the last change."""
        last: int = self._read(LAST, ())[0][0]
        return last

    def outcome(self, id: str) -> Outcome | None:
        """Read what became of a write."""
        rows = self._read(OUTCOME, (id,))
        return Outcome(rows[0][0], bool(rows[0][1])) if rows else None


def statements_of(changes: Sequence[Change]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Give the statements that store *changes*."""
    rows: list[tuple[Any, ...]] = []
    for _, made, _ in changes:
        if type(made) is Tombstone and not made.kept:
            yield from _together(put_of, rows)
            rows = []
            yield DELETE, made.where
        else:
            row = _row_of(made) if isinstance(made, Entry) else _row_of_tombstone(made)
            if row[3] is not None and len(row[3]) > SMALL:
                yield from _together(put_of, rows)
                rows = []
                yield put_of(1), row
            else:
                rows.append(row)
    yield from _together(put_of, rows)
    yield from _together(done_of, [(made.change, id, made.version, int(created)) for id, made, created in changes])
    first, last = changes[0].made.change, changes[-1].made.change
    if first // FORGET_EVERY != (last + 1) // FORGET_EVERY:
        yield FORGET, (last - REMEMBERED,)


def _together(sql: Callable[[int], str], rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, Sequence[Any]]]:
    for group in in_groups(rows, SIZES):
        yield sql(len(group)), tuple(chain.from_iterable(group))


@cache
def put_of(size: int) -> str:
    """Return the statement that puts so many rows, each in the place of what its key has."""
    replaced = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[3:])
    return f"{_insert('shared_memory', COLUMNS, size)} ON CONFLICT DO UPDATE SET {replaced}"


@cache
def done_of(size: int) -> str:
    """Return the statement that remembers so many writes."""
    return _insert("shared_memory_done", ("change", "id", "version", "created"), size)


def _insert(table: str, columns: tuple[str, ...], size: int) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([marks] * size)}"  # noqa: S608 -- as above


def _row_of(entry: Entry) -> tuple[Any, ...]:
    where, value, version, *others, metadata, compressed, change = entry
    packed = msgpack.packb(dict(metadata)) if metadata else None
    return (*where, value, version, entry.checksum, *others, packed, int(compressed), change)


def _row_of_tombstone(tombstone: Tombstone) -> tuple[Any, ...]:
    where, version, by, at, _, change = tombstone
    return (*where, None, version, "", by, at, by, at, None, 0, change)


def _record(row: tuple[Any, ...]) -> Record:
    namespace, scope, key, value, version, *_ = row
    where = Key(namespace, scope, key)
    try:
        where = Key(Namespace(namespace), scope, key)
        if value is None:
            return Tombstone(where, version, row[8], row[9], kept=True, change=row[12])
        entry = Entry._make((where, *row[3:5], *row[6:10], _unpacked(row[10]), bool(row[11]), row[12]))
        _check(entry, row[5])
    except (TypeError, ValueError, zlib.error, msgpack.UnpackException) as error:
        known = version if isinstance(version, int) and version > 0 else 0
        return Broken(where, known, str(error))
    return entry


def _unpacked(metadata: bytes | None) -> Any:
    return NO_METADATA if metadata is None else frozen(msgpack.unpackb(metadata))


def _check(entry: Entry, checksum: object) -> None:
    """Raise if *entry* is not as it was written."""
    if not (isinstance(entry.version, int) and entry.version > 0 and isinstance(entry.change, int)):
        raise InvalidEntryError(f"its version is {entry.version!r} and its change {entry.change!r}")
    if not (isinstance(entry.created_at, float) and isinstance(entry.updated_at, float)):
        raise InvalidEntryError(f"its times are {entry.created_at!r} and {entry.updated_at!r}")
    if entry.checksum != checksum:
        raise InvalidEntryError("its checksum is that of another value")
