"""A disk that always takes the same time: files in memory, and a sleep after each commit."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actors.sqlite import writer

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108 -- its point is that nothing reaches a disk


def folder_for(sync: float) -> Path:
    """Return where files are on which a commit takes *sync* seconds; 0 for those of the disk there is."""
    return IN_MEMORY if sync and IN_MEMORY.is_dir() else Path.cwd()


@contextmanager
def commits_take(seconds: float) -> Iterator[None]:
    """Have each commit of `actors.sqlite` take so long more; 0 leaves them as they are."""
    functions = vars(writer)
    commit = functions["commit"]

    def commit_slowly(*arguments: Any) -> Any:
        errors = commit(*arguments)
        time.sleep(seconds)
        return errors

    if seconds:
        _wake_up_within(nanoseconds=1)
        functions["commit"] = commit_slowly
    try:
        yield
    finally:
        functions["commit"] = commit
        _wake_up_within(nanoseconds=0)


def _wake_up_within(nanoseconds: int) -> None:
    """Say how late sleeps may end in this thread and those that it starts; 0 is the usual, 50 µs on Linux."""
    with suppress(OSError):
        Path("/proc/self/timerslack_ns").write_text(str(nanoseconds))
