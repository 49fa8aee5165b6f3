"""``python -m tests.benchmarks.references [ROUNDS]``: stores of references beside the hash, and beside bare SQLite.

A value of 10 KB is stored and awaited. In memory that is compared with its SHA-256 alone. In a file it is compared with
a loop that executes the same statements, hashes included, in batches of as many as there are writers. Both take turns,
several times a second, for what a disk costs changes from moment to moment, on a log that has its size from the
beginning.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import attrs
import trio

from actors import open_system
from actors.sqlite.file import lengthen_log
from actors.store import MemoryReferenceStore, SqliteReferenceStore, Store, StoreClient
from actors.store.behaviour import Batch, Piece, Row, Totals
from actors.store.sqlite import STEPS, statements_of
from tests.benchmarks.burn import burn
from tests.benchmarks.even_disk import commits_take, folder_for
from tests.benchmarks.rounds import say
from tests.benchmarks.tables import in_columns, shown

SIZE: Final = 10_240
TURN: Final = 0.05
"""Seconds of one turn."""
TURNS: Final = 15
"""So many turns has each in one round."""
POOL: Final = 2048
"""So many values there are, each of which is made into another one before it is used again."""
SLICE_SECONDS: Final = 0.0001
COLUMNS: Final = ("ours", "bare", "ratio", "p50", "p99")
EXPLANATION: Final = """Values of 10 KB a second, each stored and awaited; medians of the rounds.
bare: SQLite in a plain loop that makes the same hashes and the same inserts, as many at once as there are writers.
ratio: ours to bare, in the same tenth of a second. p50, p99: milliseconds that a store takes.
Busy: beside a task that works for 0.1 ms at a time, for ever. So many ms a sync: files in memory, and each commit of
both waits so long, as on a disk that always takes the same time.
"""


@attrs.frozen
class Workload:
    """How many store at the same time, and beside what."""

    writers: int
    busy: bool = False
    """Whether the loop is busy with something else as well."""
    sync: float = 0.0
    """Seconds that each commit takes, if files are in memory and that is all it waits for; 0 for a real disk."""

    def __str__(self) -> str:
        more = f", {self.sync * 1e3:g} ms a sync" if self.sync else ""
        many = "s" if self.writers > 1 else ""
        return f"{self.writers} writer{many}{', busy loop' if self.busy else ''}{more}"


WORKLOADS: Final = (
    Workload(1),
    Workload(1, sync=0.0002),
    Workload(1, sync=0.001),
    Workload(64),
    Workload(64, sync=0.0002),
    Workload(64, sync=0.001),
    Workload(1, busy=True),
    Workload(64, busy=True),
)


@attrs.frozen
class Figures:
    """What one round has shown: medians of the turns."""

    per_second: float
    bare_per_second: float
    ratio: float
    """Ours to bare in the same turn."""
    p50: float
    p99: float
    """Seconds that a store took."""


class Values:
    """Values that no store has: random ones, numbered when they are used again."""

    def __init__(self) -> None:
        self._pool = [os.urandom(SIZE - 8) for _ in range(POOL)]
        self._count = 0

    def next(self) -> bytes:
        """Return a value."""
        self._count += 1
        return self._count.to_bytes(8, "big") + self._pool[self._count % POOL]


class BareSqlite:
    """A loop that makes the same inserts."""

    def __init__(self, path: Path, workload: Workload, values: Values) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(STEPS[0])
        lengthen_log(self._connection, str(path))
        self._workload = workload
        self._values = values
        self._seq = 0

    def turn(self) -> float:
        """Run for one turn, and return how many values a second that were."""
        execute = self._connection.execute
        begin, first = time.perf_counter(), self._seq
        while time.perf_counter() - begin < TURN:
            batch = self._batch()
            execute("BEGIN IMMEDIATE")
            for sql, parameters in statements_of(batch):
                execute(sql, parameters)
            execute("COMMIT")
            if self._workload.sync:
                time.sleep(self._workload.sync)
        return (self._seq - first) / (time.perf_counter() - begin)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _batch(self) -> Batch:
        batch = Batch()
        for _ in range(self._workload.writers):
            self._seq += 1
            data = self._values.next()
            batch.rows[self._seq] = Row(self._seq, sha256(data).hexdigest(), "", "", 0.0, 0.0, 1, SIZE, SIZE, 1, 1)
            batch.pieces.append(Piece(self._seq, 0, 0, data))
        batch.totals = Totals(self._seq)
        return batch


class Load:
    """Writers of one store."""

    def __init__(self, client: StoreClient, workload: Workload, values: Values) -> None:
        self._client = client
        self._workload = workload
        self._values = values
        self.latencies: list[float] = []

    async def turn(self) -> float:
        """Run for one turn, and return how many values a second were stored."""
        before, begin = len(self.latencies), time.perf_counter()
        async with trio.open_nursery() as others:
            if self._workload.busy:
                others.start_soon(self._be_busy)
            async with trio.open_nursery() as writers:
                for _ in range(self._workload.writers):
                    writers.start_soon(self._write, begin + TURN)
            others.cancel_scope.cancel()
        return (len(self.latencies) - before) / (time.perf_counter() - begin)

    async def _write(self, end: float) -> None:
        while (begin := time.perf_counter()) < end:
            await self._client.store(self._values.next())
            self.latencies.append(time.perf_counter() - begin)

    async def _be_busy(self) -> None:
        while True:
            burn(SLICE_SECONDS)
            await trio.lowlevel.checkpoint()


async def compared(workload: Workload, turns: int = TURNS) -> Figures:
    """Measure ours and the bare loop, in so many turns each after one that is not counted."""
    values = Values()
    with TemporaryDirectory(prefix="store", dir=folder_for(workload.sync)) as folder, commits_take(workload.sync):
        async with open_system() as system:
            bare = BareSqlite(Path(folder, "bare.db"), workload, values)
            await system.start(Store, SqliteReferenceStore(Path(folder, "ours.db")), name="store")
            load = Load(StoreClient(system.named("store")), workload, values)
            _ = await load.turn(), bare.turn()
            load.latencies.clear()
            rates = [(await load.turn(), bare.turn()) for _ in range(turns)]
            bare.close()
    latencies = sorted(load.latencies)
    p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.5, 0.99))
    ours, plain = (median(column) for column in zip(*rates, strict=True))
    return Figures(ours, plain, median(ours / plain for ours, plain in rates), p50, p99)


async def in_memory(turns: int = 4 * TURNS) -> float:
    """Return how many times as long as its SHA-256 it takes to store a value in memory."""
    values = Values()
    ratios = []
    async with open_system() as system:
        await system.start(Store, MemoryReferenceStore(), name="store")
        client = StoreClient(system.named("store"))
        for _ in range(turns):
            data = [values.next() for _ in range(256)]
            begin = time.perf_counter()
            for one in data:
                sha256(one).hexdigest()
            between = time.perf_counter()
            for one in data:
                await client.store(one)
            ratios.append((time.perf_counter() - between) / (between - begin))
    return median(ratios)


def tables(rounds: int) -> str:
    """Measure each workload so many times, and return the tables."""
    memory: list[float] = []
    lines: dict[Workload, list[Figures]] = {}
    for number in range(rounds):
        memory.append(trio.run(in_memory))
        for workload in WORKLOADS:
            lines.setdefault(workload, []).append(trio.run(compared, workload))
        say(f"round {number + 1} of {rounds}")
    table = in_columns(["", *COLUMNS], [line_of(*line) for line in lines.items()])
    return f"{EXPLANATION}\n{table}\nIn memory, 10 KB take {median(memory):.2f} times as long as their SHA-256 alone.\n"


def line_of(workload: Workload, figures: list[Figures]) -> list[str]:
    """Return the medians as a line of the table."""
    rates = [[one.per_second, one.bare_per_second] for one in figures]
    others = [[one.ratio, one.p50 * 1e3, one.p99 * 1e3] for one in figures]
    return [
        str(workload),
        *(shown(median(column)) for column in zip(*rates, strict=True)),
        *(f"{median(column):.2f}" for column in zip(*others, strict=True)),
    ]


if __name__ == "__main__":
    sys.stdout.write(tables(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
