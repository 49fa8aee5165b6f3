"""``python -m tests.benchmarks.shared_memory``: the shared memory beside a bare call, and beside bare SQLite.

In memory: what a get and a put of 100 bytes take, beside a call of an actor that does nothing; new are puts of keys
that are not there, watched those that one watch of the same key is told of. In a file: how many puts a second so many
writers get acknowledged, beside a plain loop that stores the same rows in batches of as many. Medians; measured in
turns.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import trio

from actors import Actor, Caller, open_system
from actors.shared_memory import MemoryEntries, Namespace, SharedMemory, SharedMemoryClient, SqliteEntries
from actors.shared_memory.sqlite import STEPS, done_of, put_of
from actors.sqlite.file import lengthen_log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

VALUE: Final = b"x" * 100
TIMES: Final = 10_000
KEYS: Final = [f"key {number}" for number in range(1000)]
WRITERS: Final = (1, 64)
WARM_SECONDS: Final = 0.5
SECONDS: Final = 1.0
GLOBAL: Final = Namespace.GLOBAL


class Idle(Actor):
    """An actor that answers, and nothing else."""

    def handle_call(self, message: object, caller: Caller) -> None:
        return None


async def microseconds(step: Callable[[int], Awaitable[object]]) -> float:
    """Return what one step takes."""
    begin = time.perf_counter()
    for number in range(TIMES):
        await step(number)
    return (time.perf_counter() - begin) / TIMES * 1e6


async def in_memory() -> dict[str, float]:
    """Measure one round of everything, in microseconds."""
    async with open_system() as system:
        await system.start(Idle, name="idle")
        await system.start(SharedMemory, MemoryEntries(), name="shared_memory")
        idle = system.named("idle")
        memory = SharedMemoryClient(system.named("shared_memory"), "ann")
        found = {
            "call": await microseconds(lambda _: idle.call("tea")),
            "put, new": await microseconds(lambda number: memory.put(GLOBAL, f"new {number}", VALUE)),
            "put": await microseconds(lambda number: memory.put(GLOBAL, KEYS[number % 1000], VALUE)),
            "get": await microseconds(lambda number: memory.get(GLOBAL, KEYS[number % 1000])),
        }
        async with memory.watch(GLOBAL, "watched", buffer=TIMES):
            found["put, watched"] = await microseconds(lambda _: memory.put(GLOBAL, "watched", VALUE))
        return found


# -- in a file


async def ours(path: Path, writers: int) -> float:
    """Return how many puts a second are acknowledged."""
    stored = 0

    async def write(memory: SharedMemoryClient, key: str) -> None:
        nonlocal stored
        while True:
            await memory.put(GLOBAL, key, VALUE)
            stored += 1

    async with open_system() as system, trio.open_nursery() as nursery:
        await system.start(SharedMemory, SqliteEntries(path), name="shared_memory")
        memory = SharedMemoryClient(system.named("shared_memory"), "ann")
        for number in range(writers):
            nursery.start_soon(write, memory, KEYS[number])
        await trio.sleep(WARM_SECONDS)
        stored, begin = 0, time.perf_counter()
        await trio.sleep(SECONDS)
        rate = stored / (time.perf_counter() - begin)
        nursery.cancel_scope.cancel()
    return rate


def bare(path: Path, writers: int) -> float:
    """Return how many rows a second a plain loop stores, and remembers, in batches of so many."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(STEPS[0])
    lengthen_log(connection, str(path))
    numbers = count(1)
    run(connection, numbers, writers, WARM_SECONDS)
    rate = run(connection, numbers, writers, SECONDS)
    connection.close()
    return rate


def run(connection: sqlite3.Connection, numbers: count[int], writers: int, seconds: float) -> float:
    begin, stored = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        connection.execute("BEGIN IMMEDIATE")
        batch = [(next(numbers), KEYS[number]) for number in range(writers)]
        rows = [(1, "", key, VALUE, at, "x" * 64, "ann", 1e9, "ann", 1e9, None, 0, at) for at, key in batch]
        connection.executemany(put_of(1), rows)
        connection.executemany(done_of(1), [(at, f"0123456789abcdef-{at}", at, 0) for at, _ in batch])
        connection.execute("COMMIT")
        stored += writers
    return stored / (time.perf_counter() - begin)


def compared(writers: int) -> tuple[float, float]:
    """Measure both, the bare loop before and after."""
    with TemporaryDirectory(prefix="shared_memory", dir=Path.cwd()) as folder:
        before = bare(Path(folder, "before.db"), writers)
        rate = trio.run(ours, Path(folder, "ours.db"), writers)
        after = bare(Path(folder, "after.db"), writers)
    return rate, (before + after) / 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.shared_memory", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    rounds = parser.parse_args().rounds
    measured = [trio.run(in_memory) for _ in range(rounds)]
    call = median(one["call"] for one in measured)
    for name in measured[0]:
        took = median(one[name] for one in measured)
        sys.stdout.write(f"{name:14} {took:6.2f} µs, {took / call:5.2f} calls\n")
    for writers in WRITERS:
        pairs = [compared(writers) for _ in range(rounds)]
        rate, plain = (median(values) for values in zip(*pairs, strict=True))
        ratio = median(one / other for one, other in pairs)
        sys.stdout.write(f"{writers:3} writers {rate:8,.0f} puts/s, bare {plain:8,.0f}, ratio {ratio:.2f}\n")


if __name__ == "__main__":
    main()
