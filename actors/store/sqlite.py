"""SqliteReferenceStore: values in a file, which outlive the program.

Rows have a table of their own, apart from the content, so that to change who holds a value writes a hundred bytes.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from actors.sqlite import DatabaseError, FiledStore, Part, in_groups
from actors.store.behaviour import Loose, Piece, Row, Totals
from actors.store.errors import StaleStoreError, StoreFailedError, StoreInUseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from actors.sqlite import Parameters
    from actors.store.behaviour import Batch, Done

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


class SqliteReferenceStore(FiledStore):
    """The values of one store, in a database file that may hold other things as well, but no second store.

    A store that is restarted takes over the file from the incarnation before; another one is refused.

    The file is this program's alone: another that opens it waits *lock_timeout* seconds for this one to end, and is
    refused. *inline* has commits made by the event loop itself, which virtual time needs; *cache_size* is that of
    `actors.sqlite.open_database`. ``":memory:"`` is no file, and its values end with the system.
    """

    kind = "sqlite"
    prompt = False
    piece_bytes = PIECE_BYTES

    part = Part("store", STEPS)
    tenant = "store"
    taken = StoreInUseError
    stale = StaleStoreError
    failed = StoreFailedError

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Have *batch* stored with what others store at the same time."""
        self._append(epoch, list(statements_of(batch)), done)

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

    def _read(self, sql: str, parameters: Parameters) -> list[Any]:
        try:
            return super()._read(sql, parameters)
        except DatabaseError as error:
            raise StoreFailedError(str(error)) from error


def statements_of(batch: Batch) -> Iterator[tuple[str, Sequence[Any]]]:
    """Give the statements that store *batch*."""
    yield from _together("store_values", list(batch.rows.values()))
    small = []
    for seq, number, coding, data in batch.pieces:
        piece = (seq << SHIFT | number, coding, data)
        if len(data) > SMALL:
            yield put_of("store_pieces", len(piece), 1), piece
        else:
            small.append(piece)
    yield from _together("store_pieces", small)
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


def _together(table: str, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    if len(rows) == 1:
        yield put_of(table, len(rows[0]), 1), rows[0]
        return
    for group in in_groups(rows, SIZES):
        yield put_of(table, len(group[0]), len(group)), tuple(chain.from_iterable(group))


@cache
def put_of(table: str, columns: int, size: int) -> str:
    """Return the statement that puts so many rows."""
    marks = f"({', '.join('?' * columns)})"
    return f"REPLACE INTO {table} VALUES {', '.join([marks] * size)}"  # noqa: S608 -- of a name above, and marks
