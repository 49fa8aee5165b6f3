"""SqliteStore: rows in a file, which outlive the program.

What belongs together is one statement with many rows, as far as that goes: Python lets go of its global lock with
every step of a statement and must get it back, which beside a busy event loop costs more than the step.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from actors.queue.behaviour import Change, Record, Row, Sketch
from actors.queue.errors import FencedError, StoreFailedError, StoreTakenError
from actors.sqlite import FiledStore, Part, in_groups

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from actors.queue.behaviour import Batch, Done

STEPS: Final = (
    """
    CREATE TABLE queue (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL, given INTEGER NOT NULL, recipient TEXT NOT NULL,
        priority INTEGER NOT NULL, sender TEXT NOT NULL, type TEXT NOT NULL, kind INTEGER NOT NULL,
        correlation_id TEXT, metadata BLOB, payload BLOB NOT NULL, enqueued_at REAL NOT NULL,
        available_at REAL NOT NULL, expires_at REAL NOT NULL, max_retries INTEGER NOT NULL,
        dequeue_count INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0, finished_at REAL, error TEXT
    );
    CREATE INDEX queue_finished ON queue (status, finished_at, seq) WHERE status >= 2;
    """,
    "ALTER TABLE queue ADD COLUMN lapses_at REAL",
)
"""How the tables came to be, version by version."""

COLUMNS: Final = Row._fields
CHANGE: Final = ("available_at", "lapses_at", "dequeue_count", "status", "finished_at", "error")
"""What is updated; `lapses_at` is when the message expires, if that is no longer when it expired as it was put."""
LAPSES: Final = "coalesce(lapses_at, expires_at)"
RECORD: Final = f"SELECT {', '.join(COLUMNS)}, available_at, {LAPSES}, {', '.join(CHANGE[2:])} FROM queue"  # noqa: S608 -- of names above
UPDATE: Final = f"UPDATE queue SET {', '.join(f'{name} = ?' for name in CHANGE)} WHERE seq = ?"  # noqa: S608 -- as above
PENDING: Final = (
    f"SELECT seq, recipient, priority, CASE WHEN status IN (0, 1) THEN available_at ELSE 9e999 END, {LAPSES},"  # noqa: S608 -- as above
    " CASE WHEN given THEN id END"
    " FROM queue WHERE status < 2 OR status NOT IN (2, 3, 4, 5) OR typeof(finished_at) != 'real' ORDER BY seq"
)
"""What is neither pending nor in flight nor anything else comes too, to be set apart."""
FINISHED_IDS: Final = "SELECT seq, id FROM queue WHERE status >= 2 AND given"
FINISHED: Final = (
    f"{RECORD} WHERE status = ? AND status >= 2 AND (finished_at, seq) > (?, ?) ORDER BY finished_at, seq LIMIT ?"
)
FIND: Final = f"{RECORD} WHERE status >= 2 AND id = ?"
LAST: Final = "SELECT coalesce(max(seq), 0) FROM queue WHERE seq < 1 << 62"
"""A greater number no queue has given, and none could follow it for long: its row keeps it and is as good as others."""

SIZES: Final = (256, 128, 64, 32, 16, 8, 4, 2, 1)
"""How many rows one statement takes."""


class SqliteStore(FiledStore):
    """The rows of one queue, in a database file that may hold other things as well, but no second queue.

    A queue that is restarted takes over the file from the incarnation before; another one is refused.

    The file is this program's alone: another that opens it waits *lock_timeout* seconds for this one to end, and is
    refused. *inline* has commits made by the event loop itself, which virtual time needs; *cache_size* is that of
    `actors.sqlite.open_database`. ``":memory:"`` is no file, and its messages end with the system.
    """

    part = Part("queue", STEPS)
    tenant = "queue"
    taken = StoreTakenError
    stale = FencedError
    failed = StoreFailedError

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Have *batch* stored with what others store at the same time."""
        self._append(epoch, list(statements_of(batch)), done)

    def last_seq(self) -> int:
        """Return the greatest number that a queue has given."""
        last: int = self._read(LAST, ())[0][0]
        return last

    async def pending(self) -> AsyncGenerator[Sequence[Sketch]]:
        """Read what is pending or in flight."""
        async with aclosing(self._database.slices(PENDING)) as slices:
            async for rows in slices:
                yield [Sketch._make(row) for row in rows]

    async def finished_ids(self) -> AsyncGenerator[Sequence[tuple[int, str]]]:
        """Read the given ids of what is neither."""
        async with aclosing(self._database.slices(FINISHED_IDS)) as slices:
            async for rows in slices:
                yield rows

    def fetch(self, seqs: Sequence[int]) -> list[Record]:
        """Read rows."""
        marks = ", ".join("?" * len(seqs))
        return [_record(row) for row in self._read(f"{RECORD} WHERE seq IN ({marks}) ORDER BY seq", tuple(seqs))]

    def finished(self, status: int, after: tuple[float, int], most: int) -> list[Record]:
        """Read rows that became *status*."""
        return [_record(row) for row in self._read(FINISHED, (status, *after, most))]

    def find(self, message_id: str) -> list[Record]:
        """Read rows with this id."""
        return [_record(row) for row in self._read(FIND, (message_id,))]


def statements_of(batch: Batch) -> Iterator[tuple[str, Sequence[Any]]]:
    """Give the statements that store *batch*."""
    for rows in in_groups(batch.rows, SIZES):
        yield insert_of(len(rows)), tuple(chain.from_iterable(rows))
    for change in batch.changes:
        yield UPDATE, change
    for seqs in in_groups(batch.deletes, SIZES):
        yield delete_of(len(seqs)), seqs


@cache
def insert_of(size: int) -> str:
    """Return the statement that inserts so many rows."""
    marks = f"({', '.join('?' * len(COLUMNS))})"
    return f"INSERT INTO queue ({', '.join(COLUMNS)}) VALUES {', '.join([marks] * size)}"  # noqa: S608 -- as above


@cache
def delete_of(size: int) -> str:
    """Return the statement that deletes so many rows."""
    return f"DELETE FROM queue WHERE seq IN ({', '.join('?' * size)})"  # noqa: S608 -- as above


def _record(row: tuple[Any, ...]) -> Record:
    columns = len(COLUMNS)
    return Record(Row._make(row[:columns]), Change._make((*row[columns:], row[0])))
