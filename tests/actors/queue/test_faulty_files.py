"""A file that is full, or that cannot be read, as those see it who use a queue under a supervisor with backoff."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio

from actors import ActorSystem, NoProcessError, open_system
from actors.backoff import Backoff
from actors.queue import Queue, QueueClient, SqliteStore, StoreFailedError
from actors.sqlite import Database, open_database
from supervision import ChildSpec, ChildStartError, Supervisor, SupervisorSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock

BIG = "x" * 3_000


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def file(tmp_path: Path, autojump_clock: MockClock) -> Path:
    return tmp_path / "queue.db"


def tree(file: Path, starts: list[float]) -> SupervisorSpec:
    """Return a queue that notes its starts, and is started again after delays of up to a minute."""

    class Noted(Queue):
        async def init(self) -> None:
            starts.append(trio.current_time())
            await super().init()

    child = ChildSpec("queue", Noted, (SqliteStore(file, inline=True),), name="queue")
    return SupervisorSpec([child], intensity=5, period=5.0, backoff=Backoff(1.0, max_seconds=60.0))


@asynccontextmanager
async def queue(file: Path, starts: list[float]) -> AsyncIterator[tuple[ActorSystem, QueueClient, Database]]:
    async with open_system() as system:
        database = await open_database(system, file, inline=True)
        await system.start(Supervisor, tree(file, starts))
        yield system, QueueClient(system.named("queue")), database


async def allow_pages(database: Database, more: int) -> None:
    (pages,) = await database.read(lambda one: one.execute("PRAGMA page_count").fetchone())
    await database.read(lambda one: one.execute(f"PRAGMA max_page_count = {pages + more}").fetchone())


async def put_for_ever(client: QueueClient, stored: list[str]) -> None:
    while True:
        stored.append(await client.put("mill", BIG))


async def ids_leased(client: QueueClient) -> list[str]:
    return [lease.message.id for lease in await client.lease_many("mill", 1_000)]


async def test_what_has_no_room_is_refused_and_all_else_is_there_after_a_restart(file: Path) -> None:
    stored: list[str] = []
    async with queue(file, []) as (system, client, database):
        await allow_pages(database, 5)

        with pytest.raises(StoreFailedError, match=f"{file} has no room"):
            await put_for_ever(client, stored)
        system.named("queue").kill()
        await trio.sleep(60)

        assert len(stored) > 1
        assert await ids_leased(client) == stored


async def test_a_queue_whose_file_cannot_be_read_is_tried_again_after_delays(file: Path) -> None:
    starts: list[float] = []
    async with queue(file, starts) as (system, client, database):
        stored = [await client.put("mill", "beans")]
        await database.commit(("ALTER TABLE queue RENAME TO hidden", ()))
        system.named("queue").kill()
        await trio.sleep(600)
        with pytest.raises(NoProcessError, match="nobody has the name 'queue'"):
            await client.put("mill", "beans")

        assert 10 < len(starts) < 20
        await database.commit(("ALTER TABLE hidden RENAME TO queue", ()))
        await trio.sleep(60)
        assert await ids_leased(client) == stored


async def test_a_file_that_is_no_database_fails_the_start_of_the_tree_and_is_left_as_it_is(file: Path) -> None:
    spoil(file)
    starts: list[float] = []
    async with open_system() as system:
        with pytest.raises(ChildStartError, match=f"'queue' did not start: DatabaseCorruptError: {file} is damaged"):
            await system.start(Supervisor, tree(file, starts))

    assert len(starts) == 1
    assert is_spoilt(file)


def spoil(file: Path) -> None:
    file.write_bytes(b"no database" * 1_000)


def is_spoilt(file: Path) -> bool:
    return file.read_bytes() == b"no database" * 1_000
