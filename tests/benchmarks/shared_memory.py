"""``python -m tests.benchmarks.shared_memory [ROUNDS]``: shared notes beside a bare call, and beside bare SQLite."""

from __future__ import annotations

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
from tests.benchmarks.even_disk import commits_take, folder_for
from tests.benchmarks.rounds import say
from tests.benchmarks.tables import in_columns, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

VALUE: Final = b"x" * 100
TIMES: Final = 10_000
KEYS: Final = [f"key {number}" for number in range(1000)]
LOADS: Final = ((1, 0.0), (1, 0.001), (64, 0.0), (64, 0.001))
"""How many write, and the seconds that each commit takes, if not those of a real disk."""
WARM_SECONDS: Final = 0.5
SECONDS: Final = 1.0
GLOBAL: Final = Namespace.GLOBAL

IN_MEMORY: Final = """What it takes in memory with 100 bytes, and how many calls of an actor that does nothing; medians.
new: of keys that are not there. watched: one watch of the same key is told.
"""
IN_FILE: Final = """
Puts a second that so many writers await, in a file; medians, and of the ratios in the same round.
bare: a plain loop over SQLite that stores the same rows, as many at once as there are writers, before and after.
So many ms a sync: files in memory, and each commit of both waits so long, as on a disk that always takes the same time.
"""


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


def bare(path: Path, writers: int, sync: float) -> float:
    """Return how many rows a second a plain loop stores, and remembers, in batches of so many."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(STEPS[0])
    lengthen_log(connection, str(path))
    numbers = count(1)
    run(connection, numbers, writers, WARM_SECONDS, sync)
    rate = run(connection, numbers, writers, SECONDS, sync)
    connection.close()
    return rate


def run(connection: sqlite3.Connection, numbers: count[int], writers: int, seconds: float, sync: float) -> float:
    """Store for so many seconds, and return how many rows a second that were."""
    begin, stored = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        connection.execute("BEGIN IMMEDIATE")
        batch = [(next(numbers), KEYS[number]) for number in range(writers)]
        rows = [(1, "", key, VALUE, at, "x" * 64, "ann", 1e9, "ann", 1e9, None, 0, at) for at, key in batch]
        connection.executemany(put_of(1), rows)
        connection.executemany(done_of(1), [(at, f"0123456789abcdef-{at}", at, 0) for at, _ in batch])
        connection.execute("COMMIT")
        if sync:
            time.sleep(sync)
        stored += writers
    return stored / (time.perf_counter() - begin)


def compared(writers: int, sync: float = 0.0) -> tuple[float, float]:
    """Measure both, the bare loop before and after; 0 seconds a *sync* are a real disk."""
    with TemporaryDirectory(prefix="shared_memory", dir=folder_for(sync)) as folder, commits_take(sync):
        before = bare(Path(folder, "before.db"), writers, sync)
        rate = trio.run(ours, Path(folder, "ours.db"), writers)
        after = bare(Path(folder, "after.db"), writers, sync)
    return rate, (before + after) / 2


def tables(rounds: int) -> str:
    """Measure everything so many times, and return the tables."""
    measured = []
    for number in range(rounds):
        measured.append((trio.run(in_memory), [compared(*load) for load in LOADS]))
        say(f"round {number + 1} of {rounds}")
    costs = {name: median(costs[name] for costs, _ in measured) for name in measured[0][0]}
    rows = [[name, f"{cost:.2f}", f"{cost / costs['call']:.2f}"] for name, cost in costs.items()]
    lines = []
    for number, (writers, sync) in enumerate(LOADS):
        pairs = [pairs[number] for _, pairs in measured]
        rate, plain = (median(rates) for rates in zip(*pairs, strict=True))
        ratio = median(one / other for one, other in pairs)
        name = f"{writers}, {sync * 1e3:g} ms a sync" if sync else str(writers)
        lines.append([name, shown(rate), shown(plain), f"{ratio:.2f}"])
    in_file = in_columns(["writers", "puts", "bare", "ratio"], lines)
    return f"{IN_MEMORY}\n{in_columns(['', 'µs', 'calls'], rows)}{IN_FILE}\n{in_file}"


if __name__ == "__main__":
    sys.stdout.write(tables(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
