"""A disk that takes its time: the loop goes on, and what comes meanwhile is committed at once."""

from __future__ import annotations

from threading import Event, Semaphore
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
import trio

from actors.sqlite import Database, open_database
from actors.sqlite.batch import commit
from actors.sqlite.writer import MAX_UNITS
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import ids_of, insert

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from actors import ActorSystem
    from actors.handover import Worker
    from actors.sqlite.batch import Unit


class SlowDisk:
    """Commits when it is let go on."""

    def __init__(self) -> None:
        self.begun = Event()
        self.go_on = Event()
        self._turnstile = Semaphore(0)
        self.slow_to_sync = False
        """Whether it has run the statements when it waits."""

    def commit(
        self, connection: sqlite3.Connection, units: Sequence[Unit], before_sync: Callable[[], object]
    ) -> object:
        if not self.slow_to_sync:
            self._wait()
            return commit(connection, units, before_sync)

        def wait() -> None:
            before_sync()
            self._wait()

        return commit(connection, units, wait)

    def go_on_once(self) -> None:
        """Let the commit that waits go on, and have the next one wait again."""
        self._turnstile.release()

    def _wait(self) -> None:
        self.begun.set()
        while not self.go_on.is_set() and not self._turnstile.acquire(timeout=0.001):
            pass


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    """Have commits wait, once the tables are made."""
    disk = SlowDisk()
    monkeypatch.setattr("actors.sqlite.writer.commit", disk.commit)
    yield disk
    disk.go_on.set()


@pytest.fixture
async def database(real_system: ActorSystem, path: Path) -> Database:
    """Open a database that a thread writes."""
    database = await open_database(real_system, path)
    await database.prepare(NOTES)
    return database


async def test_the_loop_goes_on_while_the_disk_works(database: Database, slow_disk: SlowDisk) -> None:
    told: list[object] = []
    database.append(*insert(1), told.append)
    await turns_until(slow_disk.begun)

    for _ in range(100):
        await trio.lowlevel.checkpoint()
    meanwhile = list(told)
    slow_disk.go_on.set()
    await database.committed()

    assert (meanwhile, told) == ([], [None])


async def test_what_gathers_while_the_disk_works_is_one_commit(database: Database, slow_disk: SlowDisk) -> None:
    before = database.statistics().commits
    database.append(*insert(0))
    await turns_until(slow_disk.begun)

    for number in range(1, 501):
        database.append(*insert(number))
        await trio.lowlevel.checkpoint()
    slow_disk.go_on.set()
    await database.committed()

    assert database.statistics().commits == before + 2
    assert database.statistics().largest_commit == 500
    assert len(await ids_of(database)) == 501


async def test_the_loop_hands_over_only_while_somebody_waits(
    real_system: ActorSystem, database: Database, slow_disk: SlowDisk
) -> None:
    idle = len(real_system.handover.workers)
    database.append(*insert(1), lazy=True)
    lazy = len(real_system.handover.workers)

    database.append(*insert(2))
    await turns_until(slow_disk.begun)
    await met_worker(real_system)
    waiting = len(real_system.handover.workers)
    slow_disk.go_on.set()
    await database.committed()

    assert (idle, lazy, waiting, len(real_system.handover.workers)) == (0, 0, 1, 0)


async def test_the_loop_hands_over_for_whoever_joins_a_thread_that_nobody_waited_for(
    real_system: ActorSystem, database: Database, slow_disk: SlowDisk
) -> None:
    for number in range(2 * MAX_UNITS + 1):
        database.append(*insert(number), lazy=number > 0)
    await turns_until(slow_disk.begun)

    slow_disk.begun.clear()
    slow_disk.go_on_once()
    await turns_until(slow_disk.begun)
    while real_system.handover.workers:
        await trio.lowlevel.checkpoint()
    database.append(*insert(9_999))
    await met_worker(real_system)
    slow_disk.go_on.set()
    await database.committed()

    assert real_system.handover.workers == []


async def test_a_busy_loop_waits_for_a_thread_with_statements_to_run_but_not_for_long(
    real_system: ActorSystem, database: Database, slow_disk: SlowDisk
) -> None:
    database.append(*insert(1))
    await turns_until(slow_disk.begun)

    worker = await met_worker(real_system)
    began = perf_counter()
    needed = worker.meet()
    took = perf_counter() - began
    slow_disk.go_on.set()
    await database.committed()

    assert needed
    assert took >= 0.01


async def test_a_busy_loop_does_not_wait_for_a_thread_that_waits_for_the_disk(
    real_system: ActorSystem, database: Database, slow_disk: SlowDisk
) -> None:
    slow_disk.slow_to_sync = True
    database.append(*insert(1))
    await turns_until(slow_disk.begun)

    needed = (await met_worker(real_system)).meet()
    slow_disk.go_on.set()
    await database.committed()

    assert not needed


async def test_what_is_appended_while_a_thread_waits_for_the_disk_makes_no_busy_loop_wait_for_it(
    real_system: ActorSystem, database: Database, slow_disk: SlowDisk
) -> None:
    slow_disk.slow_to_sync = True
    database.append(*insert(1))
    await turns_until(slow_disk.begun)

    worker = await met_worker(real_system)
    database.append(*insert(2))
    needed = worker.meet()
    slow_disk.go_on.set()
    await database.committed()

    assert not needed
    assert await ids_of(database) == [1, 2]


async def test_what_is_appended_while_a_thread_reads_makes_no_busy_loop_wait_for_that(
    real_system: ActorSystem, database: Database
) -> None:
    begun, go_on = Event(), Event()

    def read(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(database.read, read)
        await turns_until(begun)
        worker = await met_worker(real_system)
        database.append(*insert(1))
        needed = worker.meet()
        go_on.set()

    assert not needed
    assert await ids_of(database) == [1]


async def test_a_thread_that_is_woken_when_it_had_nothing_to_do_needs_the_lock(
    real_system: ActorSystem, database: Database, slow_disk: SlowDisk
) -> None:
    slow_disk.go_on.set()
    await database.commit(insert(1))  # which leaves it waiting
    slow_disk.begun.clear()
    slow_disk.go_on.clear()

    database.append(*insert(2))
    await turns_until(slow_disk.begun)
    needed = (await met_worker(real_system)).meet()
    slow_disk.go_on.set()
    await database.committed()

    assert needed


async def test_a_database_that_is_closed_while_the_disk_works_waits_for_it(
    database: Database, slow_disk: SlowDisk
) -> None:
    told: list[object] = []
    database.append(*insert(1), told.append)
    await turns_until(slow_disk.begun)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(database.close)
        await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
        slow_disk.go_on.set()

    assert told == [None]
    assert database.ended.is_set()


async def turns_until(event: Event) -> None:
    """Let the loop turn until another thread has set *event*."""
    while not event.is_set():
        await trio.lowlevel.checkpoint()


async def met_worker(system: ActorSystem) -> Worker:
    """Let the loop turn until it no longer waits for the thread itself, and pauses for it instead; return that."""
    while not system.handover.workers:
        await trio.lowlevel.checkpoint()
    return system.handover.workers[0]
