"""Measures what a put costs beside SQLite alone: ``python -m tests.benchmarks.workloads_disk PRODUCERS BUSY SECONDS``.

Both take turns, many times a second, for what a disk costs changes from moment to moment.
"""

from __future__ import annotations

import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio

from actors import open_system
from actors.sqlite import Part, open_database
from actors.sqlite.file import connect, lengthen_log
from tests.benchmarks.burn import burn
from tests.benchmarks.measure import publish

if TYPE_CHECKING:
    import sqlite3

    from actors.sqlite import Database
    from tests.benchmarks.measure import Figures

TURN: Final = 0.1
"""Seconds of one turn."""
PAUSE: Final = 50e-6
"""Seconds of work between two commits of the loop that is paced."""
SLICE: Final = 100e-6
"""Seconds for which a busy loop's other task works at a time."""

BODY: Final = b"x" * 200
CREATE: Final = "CREATE TABLE put (id INTEGER PRIMARY KEY, box INTEGER, body BLOB)"
INSERT: Final = "INSERT INTO put VALUES (?, ?, ?)"


class Alone:
    """SQLite in a plain loop, which commits as many rows at once as there are producers."""

    ids = count()

    def __init__(self, connection: sqlite3.Connection, producers: int, pause: float = 0.0) -> None:
        self._connection = connection
        self._producers = producers
        self._pause = pause
        self.done = 0
        self.seconds = 0.0

    def turn(self) -> None:
        """Put for one turn."""
        begin = perf_counter()
        while perf_counter() < begin + TURN:
            rows = [(next(self.ids), 7, BODY) for _ in range(self._producers)]
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(INSERT, rows)
            self._connection.execute("COMMIT")
            self.done += self._producers
            burn(self._pause)
        self.seconds += perf_counter() - begin


class Producers:
    """Tasks that put one row after another, and wait for each."""

    def __init__(self, database: Database, producers: int, busy: float) -> None:
        self._database = database
        self._producers = producers
        self._busy = busy
        self._ids = count()
        self.took: list[float] = []
        self.seconds = 0.0

    async def turn(self) -> None:
        """Put for one turn."""
        begin = perf_counter()
        self._end = begin + TURN
        async with trio.open_nursery() as nursery:
            if self._busy:
                nursery.start_soon(self._keep_busy)
            for _ in range(self._producers):
                nursery.start_soon(self._produce)
        self.seconds += perf_counter() - begin

    async def _produce(self) -> None:
        begin = perf_counter()
        while begin < self._end:
            await self._database.commit((INSERT, (next(self._ids), 7, BODY)))
            self.took.append(perf_counter() - begin)
            begin = perf_counter()

    async def _keep_busy(self) -> None:
        while perf_counter() < self._end:
            burn(self._busy)
            await trio.lowlevel.checkpoint()


async def main(producers: int, busy: float, seconds: float) -> None:
    with TemporaryDirectory() as folder, closing(connect(str(Path(folder, "alone.db")))) as connection:
        connection.execute(CREATE)
        lengthen_log(connection, str(Path(folder, "alone.db")))
        alone, paced = Alone(connection, producers), Alone(connection, producers, PAUSE)
        async with open_system() as system:
            database = await open_database(system, Path(folder, "ours.db"))
            await database.prepare(Part("put", (CREATE,)))
            ours = Producers(database, producers, busy)
            for _ in range(max(1, round(seconds / TURN / 3))):
                alone.turn()
                await ours.turn()
                paced.turn()
    publish(figures(alone.done / alone.seconds, paced.done / paced.seconds, ours))


def figures(alone: float, paced: float, ours: Producers) -> Figures:
    """Return what was found, rates by the second and times in milliseconds."""
    took = sorted(ours.took)
    rate = len(took) / ours.seconds
    p50, p99 = (1e3 * took[len(took) * percent // 100] for percent in (50, 99))
    ratios = {"to alone": rate / alone, "to paced": rate / paced}
    return {"alone": alone, "paced": paced, "ours": rate, **ratios, "p50": p50, "p99": p99}


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), SLICE if sys.argv[2] == "busy" else 0.0, float(sys.argv[3]))
