"""A process of its own: ``python -m tests.actors.sqlite.child WHAT PATH`` does one thing to a database and tells."""

from __future__ import annotations

import os
import resource
import signal
import sys
from typing import TYPE_CHECKING

import trio

from actors import ActorSystem, open_system
from actors.sqlite import Database, DatabaseError, open_database
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import ids_in, insert

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PRODUCERS = 16


def say(text: object) -> None:
    """Write a line at once, and whole."""
    os.write(1, f"{text}\n".encode())


async def hold(database: Database) -> None:
    """Have the file open until stdin ends."""
    say("open")
    await trio.to_thread.run_sync(sys.stdin.read)


async def fork(database: Database) -> None:
    """Have the file open, and a forked process beside, until stdin ends."""
    if os.fork() == 0:
        say("forked")
        os.read(0, 1)
        os._exit(0)
    await trio.to_thread.run_sync(sys.stdin.read)


async def log(database: Database) -> None:
    """Store notes for ever, and tell each when it is acknowledged."""
    first = max(await database.read(ids_in), default=0) + 1

    async def produce(number: int) -> None:
        while True:
            await database.commit(insert(number, "x" * 100))
            say(number)
            number += PRODUCERS

    async with trio.open_nursery() as nursery:
        for offset in range(PRODUCERS):
            nursery.start_soon(produce, first + offset)


async def put(database: Database) -> None:
    """Store notes one after another, and mark where each put begins and ends."""
    for number in range(20):
        say(f"begin {number}")
        await database.commit(insert(number))
        say(f"end {number}")


async def fill(database: Database) -> None:
    """Store notes until no file may grow any more, then allow it again."""
    await database.commit(insert(0))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    number = 0
    try:
        while True:
            await database.commit(insert(number + 1, "x" * 5000))
            number += 1
    except DatabaseError as error:
        say(f"{number} were stored; {type(error).__name__}: {error}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await database.commit(insert(number + 2))


PROGRAMS: dict[str, Callable[[Database], Awaitable[None]]] = {
    "hold": hold,
    "fork": fork,
    "log": log,
    "put": put,
    "fill": fill,
}


async def run(system: ActorSystem, what: str, path: str) -> None:
    try:
        database = await open_database(system, path, lock_timeout=0)
    except DatabaseError as error:
        say(f"{type(error).__name__}: {error}")
        return
    await database.prepare(NOTES)
    await PROGRAMS[what](database)


async def main(what: str, path: str) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    async with open_system() as system:
        await run(system, what, path)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2])
