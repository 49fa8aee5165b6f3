"""Opening databases: one for each system and file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from trio.lowlevel import enable_ki_protection

from actors.errors import SystemClosedError
from actors.options import LOCK_TIMEOUT, check_cache_size, check_seconds
from actors.sqlite import file
from actors.sqlite.database import Database
from actors.sqlite.errors import DatabaseClosedError, VirtualTimeError
from actors.sqlite.lock import lock_file
from actors.sqlite.thread_writer import ThreadWriter
from actors.sqlite.writer import InlineWriter

if TYPE_CHECKING:
    import os
    import sqlite3

    from actors.sqlite.lock import FileLock
    from actors.sqlite.writer import Writer
    from actors.system import ActorSystem


class _Slot:
    """The place of one file in one system."""

    def __init__(self) -> None:
        self.opening = trio.Lock()
        self.database: Database | None = None


@enable_ki_protection
async def open_database(
    system: ActorSystem,
    path: str | os.PathLike[str],
    *,
    inline: bool = False,
    lock_timeout: float = LOCK_TIMEOUT,
    cache_size: int | None = None,
) -> Database:
    """Return the database at *path*, which is opened, or made, if *system* has not opened it yet.

    It belongs to the system: when the last actor has ended, what was appended is committed, and it is closed.
    With *inline* the loop itself commits, and waits for the disk, which is for tests in virtual time; otherwise a
    thread does. One process at a time has a file: this waits *lock_timeout* seconds for another one to close it, and
    logs whom it waits for. ``":memory:"`` is a database without a file, and always inline.
    *cache_size* is what each connection keeps of the file in memory, as SQLite's pragma has it: so many pages, or KiB
    if it is below 0; by default -2000, or what the file was opened with.

    Raises `DatabaseLockedError`, `DatabaseAccessError`, `DatabaseCorruptError` or another `DatabaseError`,
    `VirtualTimeError` if the clock jumps and *inline* is false, and ``ValueError`` if it is open the other way.
    """
    check_seconds("lock_timeout", lock_timeout)
    check_cache_size(cache_size)
    where = file.located(path)
    inline = inline or where == file.MEMORY
    slot = _slots_of(system).setdefault(where, _Slot())
    async with slot.opening:
        if system.stopped.is_set():
            raise SystemClosedError(f"{where} cannot be opened: {system} has been left")
        if slot.database is None or slot.database.closed:
            size = file.CACHE_SIZE if cache_size is None else cache_size
            slot.database = await _open(system, where, size, inline=inline, lock_timeout=lock_timeout)
    if slot.database.inline != inline:
        raise ValueError(f"{slot.database} was opened with inline={not inline}, and now with inline={inline}")
    if cache_size not in (None, slot.database.cache_size):
        opened_with = f"{slot.database} was opened with cache_size={slot.database.cache_size}"
        raise ValueError(f"{opened_with}, and now with cache_size={cache_size}")
    return slot.database


def find_database(system: ActorSystem, path: str | os.PathLike[str]) -> Database:
    """Return the database at *path* that *system* has opened.

    Raises `DatabaseClosedError` if there is none.
    """
    where = file.located(path)
    slot = _slots_of(system).get(where)
    if slot is None or slot.database is None or slot.database.closed:
        raise DatabaseClosedError(f"{where} is not open in {system}", where)
    return slot.database


def _slots_of(system: ActorSystem) -> dict[str, _Slot]:
    slots: dict[str, _Slot] = system.belongings.setdefault(_Slot, {})
    return slots


async def _open(system: ActorSystem, path: str, cache_size: int, *, inline: bool, lock_timeout: float) -> Database:
    if not inline:
        _refuse_virtual_time(path)
    if path == file.MEMORY:
        return _serve(system, path, file.connect(path, cache_size), None, inline=inline, cache_size=cache_size)
    file.check_access(path)
    lock = await lock_file(path, lock_timeout)
    try:
        if inline:
            connection = file.connect(path, cache_size)
        else:
            with system.handover:
                connection = await trio.to_thread.run_sync(_connect_for_long, path, cache_size)
        return _serve(system, path, connection, lock, inline=inline, cache_size=cache_size)
    except BaseException:
        lock.release()
        raise


def _refuse_virtual_time(path: str) -> None:
    clock = trio.lowlevel.current_clock()
    if hasattr(clock, "autojump_threshold"):
        text = f"{path} cannot be written by a thread beside {clock!r}, which takes waiting for one as being idle"
        raise VirtualTimeError(f"{text}; open it with inline=True", path)


def _connect_for_long(path: str, cache_size: int) -> sqlite3.Connection:
    connection = file.connect(path, cache_size)
    file.lengthen_log(connection, path)
    return connection


def _serve(
    system: ActorSystem,
    path: str,
    connection: sqlite3.Connection,
    lock: FileLock | None,
    *,
    inline: bool,
    cache_size: int,
) -> Database:
    writer = InlineWriter(path, connection) if inline else ThreadWriter(path, connection, system.handover)
    database = Database(path, connection, writer, lock, inline=inline, cache_size=cache_size)
    system.start_soon(_keep, system, database, writer)
    return database


@enable_ki_protection
async def _keep(system: ActorSystem, database: Database, writer: Writer) -> None:
    """Serve *database* until somebody closes it; close it when no actor is left."""
    with trio.CancelScope(shield=True):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(writer.attend)
            nursery.start_soon(database.hurry_the_lazy)
            nursery.start_soon(_close_at_the_end, system, database)
            await database.ended.wait()
            nursery.cancel_scope.cancel()


@enable_ki_protection
async def _close_at_the_end(system: ActorSystem, database: Database) -> None:
    await system.stopped.wait()
    if not database.closed:
        await database.close()
