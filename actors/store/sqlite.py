"""SqliteReferenceStore: values in a file, which outlive the program.

Rows have a table of their own, apart from the content, so that to change who holds a value writes a hundred bytes.
"""

from __future__ import annotations

import os
from functools import cache, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from actors.options import LOCK_TIMEOUT, check_cache_size, check_seconds
from actors.sqlite import DatabaseError, Part, StaleEpochError, move_in, open_database
from actors.store.behaviour import Loose, Piece, Row, Totals
from actors.store.errors import StaleStoreError, StoreFailedError, StoreInUseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from actors.sqlite import Database, Epoch
    from actors.store.behaviour import Batch, Done
    from actors.system import ActorSystem

STEPS: Final = (
    """
    CREATE TABLE store_values (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, content_type TEXT NOT NULL,
        created_at REAL NOT NULL, expires_at REAL NOT NULL, holders INTEGER NOT NULL, size INTEGER NOT NULL,
        stored INTEGER NOT NULL, pieces INTEGER NOT NULL, checked INTEGER NOT NULL, fault TEXT
    );
    CREATE TABLE store_pieces (number INTEGER PRIMARY KEY, coding INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE TABLE store_loose (seq INTEGER PRIMARY KEY, pieces INTEGER NOT NULL);
    CREATE TABLE store_totals (
        one INTEGER PRIMARY KEY CHECK (one = 1), refs INTEGER NOT NULL, bytes INTEGER NOT NULL,
        gc_runs INTEGER NOT NULL, evictions INTEGER NOT NULL
    );
    INSERT INTO store_totals VALUES (1, 0, 0, 0, 0);
    """,
)
"""How the tables came to be, version by version. The number of a piece is its value's times 65,536, and its own."""

SHIFT: Final = 16
PIECE_BYTES: Final = 2**20

ROWS: Final = f"SELECT {', '.join(Row._fields)} FROM store_values"  # noqa: S608 -- of names above
PAGE: Final = f"{ROWS} WHERE seq > ? ORDER BY seq LIMIT ?"
FETCH: Final = f"{ROWS} WHERE seq = ?"
GET_PIECE: Final = "SELECT coding, data FROM store_pieces WHERE number = ?"
DROP_PIECE: Final = "DELETE FROM store_pieces WHERE number = ?"
DELETE_ROW: Final = "DELETE FROM store_values WHERE seq = ?"
PUT_LOOSE: Final = "REPLACE INTO store_loose VALUES (?, ?)"
SETTLE: Final = "DELETE FROM store_loose WHERE seq = ?"
COUNT: Final = "UPDATE store_totals SET refs = ?, bytes = ?, gc_runs = ?, evictions = ?"
LAST: Final = (
    "SELECT max(coalesce((SELECT max(seq) FROM store_values), 0), coalesce((SELECT max(seq) FROM store_loose), 0))"
)

SIZES: Final = (32, 16, 8, 4, 2, 1)
"""How many rows one statement puts: while it runs, its thread does without the GIL."""
SMALL: Final = 16 * 1024
"""A piece of more bytes has a statement of its own, as they are copied under the GIL."""


class SqliteReferenceStore:
    """The values of one store, in a database file that may hold other things as well, but no second store.

    A store that is restarted takes over the file from the incarnation before; another one is refused.

    The file is this program's alone: another that opens it waits *lock_timeout* seconds for this one to end, and is
    refused. *inline* has commits made by the event loop itself, which virtual time needs; *cache_size* is that of
    `actors.sqlite.open_database`. ``":memory:"`` is no file, and its values end with the system.
    """

    kind = "sqlite"
    prompt = False
    piece_bytes = PIECE_BYTES

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        inline: bool = False,
        lock_timeout: float = LOCK_TIMEOUT,
        cache_size: int | None = None,
    ) -> None:
        if not isinstance(path, str | os.PathLike) or not os.fspath(path):
            raise TypeError(f"the path of a SqliteReferenceStore is a str or a path, and not empty; got {path!r}")
        check_seconds("lock_timeout", lock_timeout)
        check_cache_size(cache_size)
        self.path = os.fspath(path)
        self._inline = inline
        self._lock_timeout = lock_timeout
        self._cache_size = cache_size
        self._database: Database | None = None
        self._epochs: dict[int, Epoch] = {}

    def __repr__(self) -> str:
        return f"<SqliteReferenceStore {self.path}>"

    async def open(self, system: ActorSystem) -> int:
        """Open the file, unless the system has it open already, and claim the store in it.

        Raises `StoreInUseError` if another store that is alive has it, and what `actors.sqlite.open_database` raises.
        """
        database = await open_database(
            system,
            self.path,
            inline=self._inline,
            lock_timeout=self._lock_timeout,
            cache_size=self._cache_size,
        )
        move_in(database, "store", StoreInUseError)
        await database.prepare(Part("store", STEPS))
        epoch = await database.claim("store")
        self._database = database
        self._epochs = {epoch.number: epoch}
        return epoch.number

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Have *batch* stored with what others store at the same time."""
        if epoch not in self._epochs:
            latest = max(self._epochs, default=0)
            done(StaleStoreError(f"{self} is at epoch {latest}; a batch of epoch {epoch} came too late"))
            return
        assert self._database is not None
        self._database.append_all(list(statements_of(batch)), partial(_tell, done), self._epochs[epoch])

    def rows(self, after: int, most: int) -> list[Row]:
        """Read rows."""
        return [Row._make(row) for row in self._read(PAGE, (after, most))]

    def loose(self) -> list[Loose]:
        """Read what has no row."""
        return [Loose._make(row) for row in self._read("SELECT seq, pieces FROM store_loose ORDER BY seq", ())]

    def totals(self) -> Totals:
        """Read what was ever done."""
        return Totals._make(self._read("SELECT refs, bytes, gc_runs, evictions FROM store_totals", ())[0])

    def last_seq(self) -> int:
        """Return the greatest number there is."""
        last: int = self._read(LAST, ())[0][0]
        return last

    def fetch(self, seqs: Sequence[int]) -> list[Row]:
        """Read rows."""
        return [Row._make(row) for seq in seqs for row in self._read(FETCH, (seq,))]

    def piece(self, seq: int, number: int) -> Piece | None:
        """Read a piece."""
        found = self._read(GET_PIECE, (seq << SHIFT | number,))
        return Piece(seq, number, *found[0]) if found else None

    def close(self) -> None:
        """Do nothing: the file belongs to the system, which closes it."""

    def _read(self, sql: str, parameters: tuple[Any, ...]) -> list[Any]:
        assert self._database is not None
        try:
            return self._database.read_now(lambda connection: connection.execute(sql, parameters).fetchall())
        except DatabaseError as error:
            raise StoreFailedError(str(error)) from error


def statements_of(batch: Batch) -> Iterator[tuple[str, Sequence[Any]]]:
    """Give the statements that store *batch*."""
    yield from _in_groups("store_values", list(batch.rows.values()))
    small = []
    for seq, number, coding, data in batch.pieces:
        piece = (seq << SHIFT | number, coding, data)
        if len(data) > SMALL:
            yield put_of("store_pieces", len(piece), 1), piece
        else:
            small.append(piece)
    yield from _in_groups("store_pieces", small)
    for loose in batch.loose.values():
        yield PUT_LOOSE, loose
    for seq in batch.gone:
        yield DELETE_ROW, (seq,)
    for seq, number in batch.dropped:
        yield DROP_PIECE, (seq << SHIFT | number,)
    for seq in batch.settled:
        yield SETTLE, (seq,)
    if batch.totals is not None:
        yield COUNT, batch.totals


def _in_groups(table: str, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    if len(rows) == 1:
        yield put_of(table, len(rows[0]), 1), rows[0]
        return
    start = 0
    for size in SIZES:
        while len(rows) - start >= size:
            yield put_of(table, len(rows[start]), size), tuple(chain.from_iterable(rows[start : start + size]))
            start += size


@cache
def put_of(table: str, columns: int, size: int) -> str:
    """Return the statement that puts so many rows."""
    marks = f"({', '.join('?' * columns)})"
    return f"REPLACE INTO {table} VALUES {', '.join([marks] * size)}"  # noqa: S608 -- of a name above, and marks


def _tell(done: Done, error: Exception | None) -> None:
    if error is None:
        done(None)
        return
    told = StaleStoreError(str(error)) if isinstance(error, StaleEpochError) else StoreFailedError(str(error))
    told.__cause__ = error
    done(told)
