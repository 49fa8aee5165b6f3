"""``python -m tests.benchmarks.references``: stores of references beside the hash, and beside bare SQLite.

A value of 10 KB is stored and awaited. In memory it is compared with its SHA-256 alone. In a file it is compared with
a loop that makes the same inserts in batches of as many as there are writers, hashes included. Both are measured in
turns, on a log that has its size from the beginning.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from hashlib import sha256
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

import trio

from actors import open_system
from actors.sqlite.file import lengthen_log
from actors.store import MemoryReferenceStore, SqliteReferenceStore, Store, StoreClient
from actors.store.behaviour import Batch, Piece, Row, Totals
from actors.store.sqlite import STEPS, statements_of

SIZE: Final = 10_240
ROUNDS: Final = 9
VALUES: Final = {1: 128, 64: 1024}
"""How many are stored in each round, by the writers."""
WRITERS: Final = (1, 64)


def values(writers: int) -> list[bytes]:
    """Return values that no store has."""
    return [os.urandom(SIZE) for _ in range(VALUES[writers])]


async def stored(client: StoreClient, data: list[bytes], writers: int) -> float:
    """Return the seconds that *writers* take to store all of *data*."""
    left = iter(data)

    async def write() -> None:
        for one in left:
            await client.store(one)

    begin = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for _ in range(writers):
            nursery.start_soon(write)
    return time.perf_counter() - begin


def hashed(data: list[bytes]) -> float:
    """Return the seconds that the hashes take."""
    begin = time.perf_counter()
    for one in data:
        sha256(one).hexdigest()
    return time.perf_counter() - begin


class BareSqlite:
    """A loop that makes the same inserts."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(STEPS[0])
        lengthen_log(self._connection, str(path))
        self._seq = 0

    def stored(self, data: list[bytes], writers: int) -> float:
        """Return the seconds that all of *data* takes in batches of *writers*."""
        left = iter(data)
        begin = time.perf_counter()
        while batch := list(islice(left, writers)):
            self._connection.execute("BEGIN IMMEDIATE")
            for sql, parameters in statements_of(self._inserts(batch)):
                self._connection.execute(sql, parameters)
            self._connection.execute("COMMIT")
        return time.perf_counter() - begin

    def _inserts(self, values: list[bytes]) -> Batch:
        batch = Batch()
        for data in values:
            self._seq += 1
            batch.rows[self._seq] = Row(self._seq, sha256(data).hexdigest(), "", "", 0.0, 0.0, 1, SIZE, SIZE, 1, 1)
            batch.pieces.append(Piece(self._seq, 0, 0, data))
        batch.totals = Totals(self._seq)
        return batch


async def main() -> None:
    """Print the ratios."""
    with TemporaryDirectory(dir=".") as folder:
        async with open_system() as system:
            await system.start(Store, MemoryReferenceStore(), name="memory")
            memory = StoreClient(system.named("memory"))
            ratios = []
            for _ in range(ROUNDS):
                data = values(64)
                alone = hashed(data)
                ratios.append(await stored(memory, data, 1) / alone)
            sys.stdout.write(f"memory, 1 writer: {median(ratios):.2f} x the SHA-256 of 10 KB\n")
            await system.start(Store, SqliteReferenceStore(Path(folder, "ours.db")), name="sqlite")
            ours, bare = StoreClient(system.named("sqlite")), BareSqlite(Path(folder, "bare.db"))
            for writers in WRITERS:
                ratios, theirs = [], 0.0
                for _ in range(ROUNDS):
                    data = values(writers)
                    theirs = bare.stored(data, writers)
                    ratios.append(theirs / await stored(ours, data, writers))
                rate = VALUES[writers] / theirs
                sys.stdout.write(f"sqlite, {writers} writers: {median(ratios):.2f} of bare SQLite, {rate:,.0f}/s\n")


if __name__ == "__main__":
    trio.run(main)
