"""``python -m tests.benchmarks.durable_queue``: the queue on SQLite beside bare SQLite, and with a million messages.

One message is put and awaited, leased and acknowledged; the bare loop makes the same inserts, and the deletes with the
next commit, in batches of as many as there are producers. Paced is that loop with 50 µs of other work between two
commits: some disks are at their fastest only for a caller that comes back at once. They are measured in turns. The log
beside the database has its size from the beginning: as long as it grows, a commit waits several times as long.
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

PAYLOAD: Final = b"x" * 200
WARM_SECONDS: Final = 1.0
SECONDS: Final = 1.0
SLICE_SECONDS: Final = 0.0001
PAUSE_SECONDS: Final = 0.00005
MILLION: Final = 1_000_000
DELETE: Final = "DELETE FROM queue WHERE seq = ?"


@attrs.frozen
class Workload:
    """How many put at the same time, and whether the loop is busy with something else as well."""

    producers: int
    busy: bool = False

    def __str__(self) -> str:
        return f"{self.producers} producers{', busy loop' if self.busy else ''}"


@attrs.frozen
class Figures:
    """What one turn has shown."""

    per_second: float
    bare_per_second: float
    paced_per_second: float
    p50: float
    p99: float
    """Seconds that a put took."""

    @property
    def ratio(self) -> float:
        """Ours to bare."""
        return self.per_second / self.bare_per_second


WORKLOADS: Final = (Workload(1), Workload(64), Workload(256), Workload(64, busy=True))


def bare(path: Path, batch: int, pause: float = 0.0) -> float:
    """Return how many messages a second a plain loop inserts and deletes, with *pause* seconds of work in between."""
    connection = opened(path)
    loop = BareLoop(connection, batch, pause)
    loop.run(WARM_SECONDS)
    rate = loop.run(SECONDS)
    connection.close()
    return rate


class BareLoop:
    """A loop that stores batches and deletes the ones before."""

    def __init__(self, connection: sqlite3.Connection, batch: int, pause: float) -> None:
        self._connection = connection
        self._pause = pause
        self._batch = batch
        self._seq = 0
        self._gone: list[tuple[int]] = []

    def run(self, seconds: float) -> float:
        """Run for *seconds*, and return how many messages a second that were."""
        begin, first = time.perf_counter(), self._seq
        while time.perf_counter() - begin < seconds:
            self._commit([row_of(number) for number in range(self._seq, self._seq + self._batch)])
            self._seq += self._batch
            burn(self._pause)
        return (self._seq - first) / (time.perf_counter() - begin)

    def _commit(self, rows: list[Row]) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        self._connection.executemany(insert_of(1), rows)
        self._connection.executemany(DELETE, self._gone)
        execute("COMMIT")
        self._gone = [(row.seq,) for row in rows]


def row_of(seq: int) -> Row:
    now = time.time()
    content = ("me", "", 0, None, None, encode(PAYLOAD, "payload"))
    return Row(seq, new_message_id(), 0, "worker", 0, *content, now, now, now + 86_400, 3)


def opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(STEPS[0])
    lengthen_log(connection, str(path))
    return connection


class Load:
    """Producers and a consumer of one queue."""

    def __init__(self, queue: QueueClient) -> None:
        self.queue = queue
        self.latencies: list[float] = []

    async def produce(self) -> None:
        while True:
            begin = time.perf_counter()
            await self.queue.put("worker", PAYLOAD)
            self.latencies.append(time.perf_counter() - begin)

    async def consume(self) -> None:
        while True:
            await self.queue.ack(*await self.queue.lease_many("worker", 256, wait=True))

    async def be_busy(self) -> None:
        while True:
            burn(SLICE_SECONDS)
            await trio.lowlevel.checkpoint()


async def ours(path: Path, workload: Workload) -> tuple[float, list[float]]:
    """Return how many messages a second go through a queue, and how long the puts took."""
    async with open_system() as system, trio.open_nursery() as nursery:
        await system.start(Queue, SqliteStore(path), name="queue")
        load = Load(QueueClient(system.named("queue"), sender="me"))
        nursery.start_soon(load.consume)
        for _ in range(workload.producers):
            nursery.start_soon(load.produce)
        if workload.busy:
            nursery.start_soon(load.be_busy)
        await trio.sleep(WARM_SECONDS)
        load.latencies.clear()
        begin = time.perf_counter()
        await trio.sleep(SECONDS)
        rate = len(load.latencies) / (time.perf_counter() - begin)
        nursery.cancel_scope.cancel()
    return rate, sorted(load.latencies)


def compared(workload: Workload) -> Figures:
    """Measure both, the bare loop before and after."""
    with TemporaryDirectory(prefix="queue", dir=Path.cwd()) as folder:
        before = bare(Path(folder, "before.db"), workload.producers)
        rate, latencies = trio.run(ours, Path(folder, "ours.db"), workload)
        after = bare(Path(folder, "after.db"), workload.producers)
        paced = bare(Path(folder, "paced.db"), workload.producers, PAUSE_SECONDS)
    p50, p99 = (latencies[int(len(latencies) * part)] for part in (0.5, 0.99))
    return Figures(rate, (before + after) / 2, paced, p50, p99)


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
        return {"open": opening, "put": await puts(queue), "lease": await leases(queue)}


def fill(path: Path, count: int) -> None:
    connection = sqlite3.connect(path)
    connection.executemany(insert_of(1), (row_of(seq) for seq in range(1, count + 1)))
    connection.commit()
    connection.close()


async def puts(queue: QueueClient) -> float:
    """Return the seconds each of many puts at the same time takes."""

    async def put() -> None:
        for _ in range(100):
            await queue.put("worker", PAYLOAD)

    begin = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(64):
            nursery.start_soon(put)
    return (time.perf_counter() - begin) / 6400


async def leases(queue: QueueClient) -> float:
    """Return the seconds that it takes to lease and acknowledge one message, a hundred at a time."""
    begin = time.perf_counter()
    for _ in range(50):
        await queue.ack(*await queue.lease_many("worker", 100))
    return (time.perf_counter() - begin) / 5000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.durable_queue", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument(
        "--many", action="store_true", help="instead: a queue of a million messages beside an empty one"
    )
    arguments = parser.parse_args()
    if arguments.many:
        for count in (0, MILLION):
            with TemporaryDirectory(prefix="queue", dir=Path.cwd()) as folder:
                found = trio.run(with_many, Path(folder, "queue.db"), count)
            sys.stdout.write(
                f"{count:9,} messages: open {found['open']:.2f} s, put {found['put'] * 1e6:.0f} µs, "
                f"lease and ack {found['lease'] * 1e6:.0f} µs\n"
            )
        return
    for workload in WORKLOADS:
        sys.stdout.write(line_of(workload, [compared(workload) for _ in range(arguments.rounds)]))
        sys.stdout.flush()


def line_of(workload: Workload, figures: list[Figures]) -> str:
    """Return the medians as a line of the table."""
    rate, plain, paced, ratio, p50, p99 = (
        median(values)
        for values in zip(
            *(
                (one.per_second, one.bare_per_second, one.paced_per_second, one.ratio, one.p50, one.p99)
                for one in figures
            ),
            strict=True,
        )
    )
    return (
        f"{workload!s:24} {rate:8,.0f} messages/s, bare {plain:8,.0f}, paced {paced:8,.0f}, ratio {ratio:.2f}, "
        f"put p50 {p50 * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms\n"
    )


if __name__ == "__main__":
    main()
