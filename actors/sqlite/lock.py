"""The lock on a file: one process at a time, for as long as it has the file open."""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import ExitStack
from typing import Final
from weakref import WeakSet

import trio

from actors.sqlite.errors import DatabaseAccessError, DatabaseLockedError

logger: Final = logging.getLogger("actors")

SUFFIX: Final = "-lock"
"""The lock is on a file of its own beside the database: SQLite lets go of locks when any descriptor is closed."""

BETWEEN: Final = 0.05
"""Seconds between two looks at a lock that somebody else has."""


class FileLock:
    """An exclusive lock; the system lets go of it when the process ends, however it does."""

    def __init__(self, path: str) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path + SUFFIX, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            text = f"{path}{SUFFIX}, which keeps others from {path}, cannot be opened: {error.strerror}"
            raise DatabaseAccessError(text, path) from error
        _open.add(self)

    def try_acquire(self) -> bool:
        """Take the lock, if nobody has it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return True

    def holder(self) -> int | None:
        """Return the process that has the lock, as far as it has said."""
        text = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdecimal() else None

    def release(self) -> None:
        """Let others have the file."""
        _open.discard(self)
        os.close(self._descriptor)


_open: Final[WeakSet[FileLock]] = WeakSet()


def _disinherit() -> None:
    """Close what a process that was forked has inherited, or it would have the lock when this process has ended."""
    for lock in list(_open):
        lock.release()


os.register_at_fork(after_in_child=_disinherit)


async def lock_file(path: str, timeout: float) -> FileLock:
    """Lock the database at *path*; wait up to *timeout* seconds for whoever has it, and log that.

    Raises `DatabaseLockedError`, which names the holder if that is known.
    """
    lock = FileLock(path)
    with ExitStack() as stack:
        stack.callback(lock.release)
        if not lock.try_acquire():
            await _acquire_later(lock, path, timeout)
        stack.pop_all()
    return lock


async def _acquire_later(lock: FileLock, path: str, timeout: float) -> None:
    began = trio.current_time()
    holder = lock.holder()
    if timeout > 0:
        logger.warning("%s is open in %s; waiting up to %g s for it to be closed", path, _named(holder), timeout)
    while trio.current_time() < began + timeout:
        await trio.sleep(BETWEEN)
        if lock.try_acquire():
            waited = trio.current_time() - began
            logger.info("%s was closed by %s after %.1f s, and is open here", path, _named(holder), waited)
            return
    holder = lock.holder()
    raise DatabaseLockedError(
        f"{path} is open in {_named(holder)}, and was not closed within {timeout:g} s", path, holder
    )


def _named(holder: int | None) -> str:
    if holder is None:
        return "another process"
    return f"this process ({holder})" if holder == os.getpid() else f"process {holder}"
