"""Database: an open file, and the only way to write it."""

from __future__ import annotations

import logging
import sqlite3
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from actors.errors import WrongThreadError
from actors.sqlite import file
from actors.sqlite.batch import Unit
from actors.sqlite.epoch import CLAIM, FORGET, Epoch
from actors.sqlite.errors import DatabaseClosedError, DatabaseError, StaleEpochError, explained
from actors.sqlite.part import migrate
from actors.sqlite.slices import Slices
from actors.sqlite.waiter import Waiter
from actors.sqlite.writer import Job

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from actors.sqlite.batch import OnCommit, Parameters, Statement
    from actors.sqlite.lock import FileLock
    from actors.sqlite.part import Part
    from actors.sqlite.writer import Writer

R = TypeVar("R")

logger: Final = logging.getLogger("actors")

LAZY_SECONDS: Final = 0.05
"""How long what was appended lazily waits for something else to be committed with."""


@attrs.frozen
class DatabaseStatistics:
    """What a database has done since it was opened."""

    commits: int
    stored: int
    """How many units were stored."""
    failed: int
    """How many units were not."""
    refused: int
    """How many of those were refused for their epoch."""
    pending: int
    """How many units and reads wait to be done, or to be told."""
    largest_commit: int
    """The units of the largest commit."""


class Database:
    """An open file, owned by the system: it outlives every actor. Made by `open_database`."""

    def __init__(
        self,
        path: str,
        connection: sqlite3.Connection,
        writer: Writer,
        lock: FileLock | None,
        *,
        inline: bool,
        cache_size: int = file.CACHE_SIZE,
    ) -> None:
        self.path = path
        self.inline = inline
        """Whether the loop waits for the disk; else a thread does."""
        self.cache_size = cache_size
        """What each connection keeps of the file in memory: pages, or KiB below 0."""
        self.closed = False
        self.ended = trio.Event()
        """Set when the file is closed."""
        self._connection = connection
        self._reader: sqlite3.Connection | None = None
        self._slices: set[Slices] = set()
        self._epochs = file.epochs_in(connection)
        self._forgotten = 0
        """The greatest epoch of all owners that were forgotten."""
        self._writer = writer
        self._lock = lock
        self._thread = get_ident()
        self._refused = 0
        self._lazy = trio.Event()

    def __repr__(self) -> str:
        what = "closed" if self.closed else f"{self._writer.appended - self._writer.told} pending"
        return f"<Database {self.path}: {what}>"

    # -- writing

    @enable_ki_protection
    def append(
        self,
        sql: str,
        parameters: Parameters = (),
        on_commit: OnCommit | None = None,
        epoch: Epoch | None = None,
        *,
        lazy: bool = False,
    ) -> None:
        """Append one statement to the batch; return at once.

        What is appended is stored in that order. ``on_commit(None)`` is called from the loop when it is on the disk,
        ``on_commit(error)`` when it is not stored and will not be: `StaleEpochError`, `StatementError`,
        `DatabaseFullError` or another `DatabaseError`. It is never called from within this function, and what it
        raises is logged. What is *lazy* rides on the next commit, or goes by itself after `LAZY_SECONDS`.
        The parameters must not change any more. Units in a row with the same *sql* are the fastest.

        Raises `DatabaseClosedError`, and in other threads `WrongThreadError`.
        """
        self._append(Unit(sql, parameters, on_commit), epoch, lazy=lazy)

    @enable_ki_protection
    def append_all(
        self,
        statements: Sequence[Statement],
        on_commit: OnCommit | None = None,
        epoch: Epoch | None = None,
        *,
        lazy: bool = False,
    ) -> None:
        """Append several statements that are stored all or not at all; else as `append`."""
        self._append(Unit(None, statements, on_commit), epoch, lazy=lazy)

    @enable_ki_protection
    async def commit(self, *statements: Statement, epoch: Epoch | None = None) -> None:
        """Append *statements* as one unit, and wait until it is on the disk.

        Raises what `append_all` tells ``on_commit``. A wait that is cancelled takes back nothing.
        """
        waiter = Waiter()
        unit = Unit(*statements[0], waiter.tell) if len(statements) == 1 else Unit(None, statements, waiter.tell)
        self._append(unit, epoch)
        await waiter.wait()

    async def committed(self) -> None:
        """Wait until everybody has been told what became of everything appended so far."""
        await self.read(_nothing)

    def _append(self, unit: Unit, epoch: Epoch | None, *, lazy: bool = False) -> None:
        if self.closed or get_ident() != self._thread:
            self._check_open()
        if epoch is not None and self._epochs.get(epoch.owner) != epoch.number:
            unit = self._refusal(unit.on_commit, epoch)
        self._writer.append(unit, lazy=lazy)
        if lazy:
            self._lazy.set()

    def _check_open(self) -> None:
        if get_ident() != self._thread:
            raise WrongThreadError(f"{self!r} was asked for something from another thread than its system's")
        if self.closed:
            raise DatabaseClosedError(f"{self.path} is closed", self.path)

    def _refusal(self, on_commit: OnCommit | None, epoch: Epoch) -> Unit:
        """Return a unit that stores nothing, and is told so in its turn."""
        self._refused += 1
        if on_commit is None:
            return Unit(None, (), None)
        latest = self._epochs.get(epoch.owner)
        why = "that was forgotten" if latest is None else f"{latest} began"
        text = f"{self.path}: epoch {epoch.number} of {epoch.owner!r} is over, for {why}"
        error = StaleEpochError(text, self.path)
        return Unit(None, (), lambda _: on_commit(error))

    # -- reading

    @enable_ki_protection
    async def read(self, function: Callable[[sqlite3.Connection], R]) -> R:
        """Run *function* on the connection when everything appended so far is committed; return what it returns.

        It cannot write. Commits wait for it, so it should be short; `slices` is for what is not. Once begun, it is
        not interrupted by a cancellation of the wait.
        """
        found: R = await self._do(partial(_reading, function))
        return found

    def read_now(self, function: Callable[[sqlite3.Connection], R]) -> R:
        """Run *function*, which reads a few rows, in the loop, and return what it returns.

        It sees what was told to be committed, perhaps more. The loop waits for it.
        """
        self._check_open()
        try:
            if self.path == file.MEMORY:
                return _reading(function, self._connection)
            if self._reader is None:
                self._reader = file.connect_to_read(self.path, self.cache_size)
            return function(self._reader)
        except sqlite3.Error as error:
            raise explained(error, self.path) from error

    async def slices(self, sql: str, parameters: Parameters = (), *, rows: int = 1000) -> AsyncGenerator[list[Any]]:
        """Yield the rows of a query in lists of *rows*, as they are when everything appended so far is committed.

        Commits go on between two slices, and change nothing of what comes. Close it (``contextlib.aclosing``).
        """
        reading = Slices(self.path, self._connection, sql, parameters)
        self._slices.add(reading)
        try:
            while found := await self._do(partial(reading.fetch, rows)):
                yield found
        finally:
            if not self.closed:
                self._writer.append(Job(reading.close, partial(self._slices.discard, reading)))

    # -- tables and epochs

    @enable_ki_protection
    async def prepare(self, part: Part) -> None:
        """Make the tables of *part*, or bring them to its version; return when that is stored.

        Raises `NewerSchemaError` if a later version of the program has been there.
        """
        await self._do(lambda connection: migrate(connection, part, self.path))

    @enable_ki_protection
    async def claim(self, owner: str) -> Epoch:
        """Begin the next epoch of *owner*, and return it when that is stored.

        What was appended with an older epoch before this is stored by then; what is appended with one afterwards
        is refused with `StaleEpochError`.
        """
        self._check_open()
        self._epochs[owner] = self._epochs.get(owner, self._forgotten) + 1
        epoch = Epoch(owner, self._epochs)
        await self.commit((CLAIM, (owner, epoch.number)), epoch=epoch)
        return epoch

    @enable_ki_protection
    async def forget(self, owner: str, *statements: Statement) -> None:
        """Delete the epoch of *owner*, who is gone for good, as one unit with *statements*; wait until that is stored.

        What was appended with an epoch of its before this is stored by then; what is appended with one afterwards is
        refused with `StaleEpochError`. It may be claimed again. Raises what `commit` does.
        """
        self._check_open()
        # No later epoch of this owner may have the number of one that somebody still has.
        self._forgotten = max(self._forgotten, self._epochs.pop(owner, 0))
        await self.commit(*statements, (FORGET, (owner,)))

    def statistics(self) -> DatabaseStatistics:
        """Return what was done so far."""
        writer = self._writer
        pending = writer.appended - writer.told
        stored, failed = writer.stored - self._refused, writer.failed + self._refused
        return DatabaseStatistics(writer.commits, stored, failed, self._refused, pending, writer.largest)

    # -- what the system needs

    @enable_ki_protection
    async def hurry_the_lazy(self) -> None:
        """See to it, for ever, that what is lazy does not wait too long."""
        while True:
            await self._lazy.wait()
            await trio.sleep(LAZY_SECONDS)
            self._lazy = trio.Event()
            self._writer.hurry()

    @enable_ki_protection
    async def close(self) -> None:
        """Commit what was appended, move the log into the file, and close it; then others may open it.

        Cancelled, it waits nevertheless.
        """
        self._check_open()
        self.closed = True
        with trio.CancelScope(shield=True):
            try:
                await self._finished(self._close)
            except DatabaseError as error:
                logger.error("%s is closed, and its log is left to whoever opens it next", self.path, exc_info=error)  # noqa: TRY400
        self._writer.stop()
        if self._lock is not None:
            self._lock.release()
        self.ended.set()

    def _close(self, connection: sqlite3.Connection) -> None:
        for reading in self._slices:
            reading.close(connection)
        if self._reader is not None:
            self._reader.close()
        file.close(connection)

    async def _do(self, function: Callable[[sqlite3.Connection], Any]) -> Any:
        self._check_open()
        return await self._finished(function)

    async def _finished(self, function: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run *function* between two batches, in the writer's thread, and return what it returns."""
        waiter = Waiter()
        job = Job(function, waiter.tell)
        self._writer.append(job)
        await waiter.wait()
        if isinstance(job.error, sqlite3.Error):
            raise explained(job.error, self.path)
        if job.error is not None:
            raise job.error
        return job.result


def _reading(function: Callable[[sqlite3.Connection], R], connection: sqlite3.Connection) -> R:
    connection.execute("PRAGMA query_only = ON")
    try:
        return function(connection)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("PRAGMA query_only = OFF")


def _nothing(_: object = None) -> None:
    """Do nothing."""
