"""What a queue has stored of what became of messages, as the next queue of the same file finds it."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final

import pytest
import trio

from actors import open_system
from actors.backoff import Backoff
from actors.queue import LeaseLostError, Queue, QueueClient, QueueOptions, SqliteStore
from actors.queue.sqlite import insert_of
from actors.sqlite import Part, open_database
from actors.testing.queue_bench import row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock


@pytest.fixture
def path(tmp_path: Path, autojump_clock: MockClock) -> Path:
    return tmp_path / "queue.db"


@asynccontextmanager
async def queue(path: Path) -> AsyncIterator[QueueClient]:
    options = QueueOptions(backoff=Backoff(20.0, jitter=0.0), ride_seconds=0.02)
    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), options, name="queue")
        yield QueueClient(system.named("queue"), sender="shop")


async def test_what_was_given_back_after_its_lease_was_stored_waits_in_the_next_program_too(path: Path) -> None:
    async with queue(path) as client:
        await client.put("mill", "beans")
        (lease,) = await client.lease_many("mill", 1)
        await trio.sleep(1)  # the lease is stored
        await client.nack(lease, error="no water")

    async with queue(path) as client:
        assert await client.lease_many("mill", 1) == ()
        (message,) = [lease.message for lease in [await client.lease("mill")]]

    assert message.dequeue_count == 2


async def test_a_lease_of_an_earlier_queue_ends_no_lease_of_the_next(path: Path) -> None:
    async with queue(path) as client:
        await client.put("mill", "beans")
        (earlier,) = await client.lease_many("mill", 1)
    with closing(sqlite3.connect(path)) as connection:  # as after a kill before the lease was stored
        connection.execute("UPDATE queue SET dequeue_count = 0")
        connection.commit()

    async with queue(path) as client:
        (lease,) = await client.lease_many("mill", 1)
        with pytest.raises(LeaseLostError):
            await client.ack(earlier)
        await client.ack(lease)

    assert (lease.seq, lease.message.dequeue_count) == (earlier.seq, earlier.message.dequeue_count)


async def test_a_reply_that_was_told_is_not_there_for_the_next_program(path: Path) -> None:
    async with queue(path) as client, trio.open_nursery() as nursery:

        async def serve() -> None:
            lease = await client.lease("mill")
            await client.reply(lease.message, "flour")
            await client.ack(lease)

        nursery.start_soon(serve)
        assert await client.send_and_receive("mill", "beans") == "flour"

    async with queue(path) as client:
        assert await client.depth("shop") == 0
        assert not await client.agents_with_pending()


async def test_each_message_that_an_earlier_program_left_expires_in_its_time_although_nobody_leases_it(
    path: Path,
) -> None:
    async with queue(path) as client:
        for number in range(3):
            await client.put("mill", number, expires_after=100.0 * (number + 1))

    async with queue(path) as client:
        depths = []
        for _ in range(4):
            depths.append(await client.depth("mill"))
            await trio.sleep(100)

    assert depths == [3, 2, 1, 0]


FIRST_TABLES: Final = """
CREATE TABLE queue (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, given INTEGER NOT NULL, recipient TEXT NOT NULL,
    priority INTEGER NOT NULL, sender TEXT NOT NULL, type TEXT NOT NULL, kind INTEGER NOT NULL,
    correlation_id TEXT, metadata BLOB, payload BLOB NOT NULL, enqueued_at REAL NOT NULL,
    available_at REAL NOT NULL, expires_at REAL NOT NULL, max_retries INTEGER NOT NULL,
    dequeue_count INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0, finished_at REAL, error TEXT
);
CREATE INDEX queue_finished ON queue (status, finished_at, seq) WHERE status >= 2;
"""
"""As the first version of the library made them."""


async def test_what_an_earlier_version_of_the_library_has_stored_is_leased_and_replayed(path: Path) -> None:
    stored = row(1, expires_at=9e12)
    async with open_system() as system:
        database = await open_database(system, path, inline=True)
        await database.prepare(Part("queue", (FIRST_TABLES,)))
        await database.commit((insert_of(1), stored))

    async with queue(path) as client:
        await client.reject(await client.lease(stored.recipient), "no beans")
        await client.replay(stored.id)

    async with queue(path) as client:
        assert (await client.lease(stored.recipient)).message.id == stored.id
