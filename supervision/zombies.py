"""Zombies at the end of a program: actors that were killed, still run, and keep it from ending."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final, NoReturn

import trio

from actors.snapshot import where

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.process import Process

logger: Final = logging.getLogger("actors.launch")

EXIT_STATUS: Final = 70
"""EX_SOFTWARE of ``sysexits.h``."""

FLUSH_SECONDS: Final = 2.0
"""So long the logs and streams of a program that ends with a zombie may take to be flushed."""


async def wait_for_zombies(system: ActorSystem, seconds: float) -> bool:
    """Report the zombies of *system*, and tell whether some are left after *seconds*."""
    if not system.zombies:
        return False
    say(f"everything else has stopped; waiting {seconds:g} s for what was killed and still runs")
    for process in system.zombies:
        text = describe(process)
        say(text)
        if logger.hasHandlers():
            logger.error("%s", text)
    await trio.sleep(seconds)
    return bool(system.zombies)


def describe(process: Process) -> str:
    """Return who *process* is, and where it is."""
    at = "".join(f"\n  {place}" for place in where(process))
    return f"{process.ref} of class {process.kind} is a zombie: it was killed and is still running{at and ', at'}{at}"


def abandon() -> NoReturn:
    """End the program at once, whatever still runs; what was logged and printed is flushed."""
    # In a thread: whoever hangs may hold the lock of a log handler, or have filled a pipe.
    flushing = Thread(target=_flush, daemon=True)
    flushing.start()
    flushing.join(FLUSH_SECONDS)
    os._exit(EXIT_STATUS)


def _flush() -> None:
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def say(text: str) -> None:
    """Print *text* to stderr, for whoever waits at a terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
