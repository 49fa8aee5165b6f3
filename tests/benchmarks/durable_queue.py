"""``python -m tests.benchmarks.durable_queue``: the queue on SQLite beside bare SQLite, and with a million messages.

One message is put and awaited, leased and acknowledged; the bare loop makes the same inserts, and the deletes with the
next commit, in batches of as many as there are producers. Paced is that loop with 50 µs of other work between two
commits: some disks are at their fastest only for a caller that comes back at once. All take turns, several times a
second, for what a disk costs changes from moment to moment. The log beside the database has its size from the
beginning: as long as it grows, a commit waits several times as long.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import attrs
import trio

from actors import open_system
from actors.queue import Queue, QueueClient, Row, SqliteStore
from actors.queue.message import encode
from actors.queue.message_id import new_message_id
from actors.queue.sqlite import STEPS, insert_of
from actors.sqlite.file import lengthen_log
from tests.benchmarks.burn import burn
from tests.benchmarks.even_disk import commits_take, folder_for
from tests.benchmarks.rounds import say
from tests.benchmarks.tables import in_columns, shown

PAYLOAD: Final = b"x" * 200
TURN: Final = 0.1
"""Seconds of one turn."""
TURNS: Final = 10
"""So many turns has each in one round."""
SLICE_SECONDS: Final = 0.0001
PAUSE_SECONDS: Final = 0.00005
MILLION: Final = 1_000_000
DELETE: Final = "DELETE FROM queue WHERE seq = ?"
COLUMNS: Final = ("ours", "bare", "paced", "ratio", "p50", "p99")
EXPLANATION: Final = """Messages a second, each put and awaited, leased and acknowledged; medians of the rounds.
bare: SQLite in a plain loop that makes the same inserts and deletes, as many at once as there are producers.
paced: the same with 50 µs of work after each commit, for some disks are fast only for who comes back at once.
ratio: ours to bare, in the same tenth of a second. p50, p99: milliseconds that a put takes.
Busy: beside a task that works for 0.1 ms at a time, for ever. So many ms a sync: files in memory, and each commit of
all three waits so long, as on a disk that always takes the same time.
"""


@attrs.frozen
class Workload:
    """How many put at the same time, and beside what."""

    producers: int
    busy: bool = False
    """Whether the loop is busy with something else as well."""
    sync: float = 0.0
    """Seconds that each commit takes, if files are in memory and that is all it waits for; 0 for a real disk."""

    def __str__(self) -> str:
        more = f", {self.sync * 1e3:g} ms a sync" if self.sync else ""
        many = "s" if self.producers > 1 else ""
        return f"{self.producers} producer{many}{', busy loop' if self.busy else ''}{more}"


@attrs.frozen
class Figures:
    """What one round has shown: medians of the turns."""

    per_second: float
    bare_per_second: float
    paced_per_second: float
    ratio: float
    """Ours to bare in the same turn."""
    p50: float
    p99: float
    """Seconds that a put took."""


WORKLOADS: Final = (
    Workload(1),
    Workload(1, sync=0.0002),
    Workload(1, sync=0.001),
    Workload(64),
    Workload(64, sync=0.001),
    Workload(256),
    Workload(256, sync=0.001),
    Workload(64, busy=True),
)


class BareLoop:
    """A loop that stores batches and deletes the ones before."""

    def __init__(self, path: Path, workload: Workload, pause: float = 0.0) -> None:
        self._connection = opened(path)
        self._sync = workload.sync
        self._pause = pause
        self._batch = workload.producers
        self._seq = 0
        self._gone: list[tuple[int]] = []

    def turn(self) -> float:
        """Run for one turn, and return how many messages a second that were."""
        begin, first = time.perf_counter(), self._seq
        while time.perf_counter() - begin < TURN:
            self._commit([row_of(number) for number in range(self._seq, self._seq + self._batch)])
            self._seq += self._batch
            burn(self._pause)
        return (self._seq - first) / (time.perf_counter() - begin)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _commit(self, rows: list[Row]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        self._connection.executemany(insert_of(1), rows)
        self._connection.executemany(DELETE, self._gone)
        execute("COMMIT")
        if self._sync:
            time.sleep(self._sync)
        self._gone = [(row.seq,) for row in rows]


def row_of(seq: int) -> Row:
    now = time.time()
    content = ("me", "", 0, None, None, encode(PAYLOAD, "payload"))
    return Row(seq, new_message_id(), 0, "worker", 0, *content, now, now, now + 86_400, 3)


def opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(";".join(STEPS))
    lengthen_log(connection, str(path))
    return connection


class Load:
    """Producers and a consumer of one queue."""

    def __init__(self, queue: QueueClient, workload: Workload) -> None:
        self._queue = queue
        self._workload = workload
        self.latencies: list[float] = []

    async def turn(self) -> float:
        """Run for one turn, and return how many messages a second were put."""
        before, begin = len(self.latencies), time.perf_counter()
        async with trio.open_nursery() as others:
            others.start_soon(self._consume)
            if self._workload.busy:
                others.start_soon(self._be_busy)
            async with trio.open_nursery() as producers:
                for _ in range(self._workload.producers):
                    producers.start_soon(self._produce, begin + TURN)
            others.cancel_scope.cancel()
        return (len(self.latencies) - before) / (time.perf_counter() - begin)

    async def _produce(self, end: float) -> None:
        while (begin := time.perf_counter()) < end:
            await self._queue.put("worker", PAYLOAD)
            self.latencies.append(time.perf_counter() - begin)

    async def _consume(self) -> None:
        while True:
            await self._queue.ack(*await self._queue.lease_many("worker", 256, wait=True))

    async def _be_busy(self) -> None:
        while True:
            burn(SLICE_SECONDS)
            await trio.lowlevel.checkpoint()


async def compared(workload: Workload, turns: int = TURNS) -> Figures:
    """Measure ours, the bare loop and the paced one, in so many turns each after one that is not counted."""
    with TemporaryDirectory(prefix="queue", dir=folder_for(workload.sync)) as folder, commits_take(workload.sync):
        bare = BareLoop(Path(folder, "bare.db"), workload)
        paced = BareLoop(Path(folder, "paced.db"), workload, PAUSE_SECONDS)
        async with open_system() as system:
            await system.start(Queue, SqliteStore(Path(folder, "ours.db")), name="queue")
            load = Load(QueueClient(system.named("queue"), sender="me"), workload)
            _ = await load.turn(), bare.turn(), paced.turn()
            load.latencies.clear()
            rates = [(await load.turn(), bare.turn(), paced.turn()) for _ in range(turns)]
            bare.close()
            paced.close()
    latencies = sorted(load.latencies)
    p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.5, 0.99))
    ratio = median(ours / plain for ours, plain, _ in rates)
    ours, plain, slower = (median(column) for column in zip(*rates, strict=True))
    return Figures(ours, plain, slower, ratio, p50, p99)


# -- a million messages


async def with_many(path: Path, count: int) -> dict[str, float]:
    """Return how long it takes to open a queue with so many messages, and what a put and a lease cost then."""
    async with open_system() as system:
        await system.start(Queue, SqliteStore(path), name="queue")
    fill(path, count)
    async with open_system() as system:
        begin = time.perf_counter()
        await system.start(Queue, SqliteStore(path), name="queue")
        opening = time.perf_counter() - begin
        queue = QueueClient(system.named("queue"), sender="me")
        costs = {
            "put": await puts(queue),
            "lease": await leases(queue, "fresh"),
            "found": await leases(queue, "worker"),
        }
        return {"open": opening, **costs}


def fill(path: Path, count: int) -> None:
    connection = sqlite3.connect(path)
    connection.executemany(insert_of(1), (row_of(seq) for seq in range(1, count + 1)))
    connection.commit()
    connection.close()


async def puts(queue: QueueClient) -> float:
    """Return the seconds each of many puts at the same time takes, half of them for one who had nothing."""

    async def put() -> None:
        for _ in range(50):
            await queue.put("worker", PAYLOAD)
            await queue.put("fresh", PAYLOAD)

    begin = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(64):
            nursery.start_soon(put)
    return (time.perf_counter() - begin) / 6400


async def leases(queue: QueueClient, recipient: str) -> float:
    """Return the seconds that it takes to lease and acknowledge one message, a hundred at a time."""
    begin = time.perf_counter()
    for _ in range(30):
        await queue.ack(*await queue.lease_many(recipient, 100))
    return (time.perf_counter() - begin) / 3000


def tables(rounds: int) -> str:
    """Measure each workload so many times, and return the table."""
    lines: dict[Workload, list[Figures]] = {}
    for number in range(rounds):
        for workload in WORKLOADS:
            lines.setdefault(workload, []).append(trio.run(compared, workload))
        say(f"round {number + 1} of {rounds}")
    return f"{EXPLANATION}\n{in_columns(['', *COLUMNS], [line_of(*line) for line in lines.items()])}"


def line_of(workload: Workload, figures: list[Figures]) -> list[str]:
    """Return the medians as a line of the table."""
    rates = [[one.per_second, one.bare_per_second, one.paced_per_second] for one in figures]
    others = [[one.ratio, one.p50 * 1e3, one.p99 * 1e3] for one in figures]
    return [
        str(workload),
        *(shown(median(column)) for column in zip(*rates, strict=True)),
        *(f"{median(column):.2f}" for column in zip(*others, strict=True)),
    ]


def table_of_many() -> str:
    """Return what an empty queue costs, and one with a million messages."""
    lines = []
    for count in (0, MILLION):
        with TemporaryDirectory(prefix="queue", dir=Path.cwd()) as folder:
            found = trio.run(with_many, Path(folder, "queue.db"), count)
        costs = (f"{found[name] * 1e6:.0f}" for name in ("put", "lease", "found"))
        lines.append([f"{count:,}", f"{found['open']:.2f}", *costs])
    return in_columns(["pending", "open, s", "put, µs", "lease and ack, µs", "of those found, µs"], lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.durable_queue", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument(
        "--many", action="store_true", help="instead: a queue of a million messages beside an empty one"
    )
    arguments = parser.parse_args()
    sys.stdout.write(table_of_many() if arguments.many else tables(arguments.rounds))


if __name__ == "__main__":
    main()
