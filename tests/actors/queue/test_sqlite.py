"""The store in a file does what every store does, also with a thread that writes, and when the program is killed."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

import pytest
import trio

from actors import open_system
from actors.queue import Queue, QueueClient, SqliteStore
from actors.sqlite import find_database
from actors.testing.queue import DurableQueueStoreSuite

if TYPE_CHECKING:
    from pathlib import Path

PRODUCERS: Final = 8

PROGRAM: Final = """
import sys, trio
from actors import open_system
from actors.queue import Queue, QueueClient, SqliteStore

async def produce(queue, name):
    number = 0
    while True:
        await queue.put("worker", f"{name}-{number}")
        print("stored", f"{name}-{number}", flush=True)
        number += 1

async def consume(queue):
    while True:
        lease = await queue.lease("worker")
        if hash(lease.message.payload) % 2:
            await queue.ack(lease)
            print("acked", lease.message.payload, flush=True)

async def main():
    async with open_system() as system, trio.open_nursery() as nursery:
        await system.start(Queue, SqliteStore(sys.argv[1]), name="queue")
        queue = QueueClient(system.named("queue"))
        nursery.start_soon(consume, queue)
        for name in range(int(sys.argv[2])):
            nursery.start_soon(produce, queue, name)

trio.run(main)
"""


class TestSqliteStore(DurableQueueStoreSuite):
    def new_store(self, folder: Path) -> SqliteStore:
        return SqliteStore(folder / "queue.db", inline=True)


async def test_a_recovery_that_is_broken_off_reads_no_further(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "queue.db", inline=True)
    async with open_system() as system:
        await system.start(Queue, store, name="queue")
        for number in range(2):
            await QueueClient(system.named("queue")).put("worker", number, id=str(number))

        async with aclosing(store.pending()) as pending:
            sketches = await anext(pending)
        database = find_database(system, tmp_path / "queue.db")
        await database.committed()

        assert [sketch.recipient for sketch in sketches] == ["worker", "worker"]
        assert not database._slices


async def test_messages_go_through_a_file_that_a_thread_writes(tmp_path: Path) -> None:
    handled: list[int] = []
    async with open_system() as system:
        await system.start(Queue, SqliteStore(tmp_path / "queue.db"), name="queue")
        queue = QueueClient(system.named("queue"))

        async def produce(first: int) -> None:
            for number in range(first, first + 10):
                await queue.put("worker", number)

        async with trio.open_nursery() as nursery:
            for first in range(0, 100, 10):
                nursery.start_soon(produce, first)
            while len(handled) < 100:
                leases = await queue.lease_many("worker", 7, wait=True)
                handled += [lease.message.payload for lease in leases]
                await queue.ack(*leases)

    async with open_system() as system:
        await system.start(Queue, SqliteStore(tmp_path / "queue.db"), name="queue")
        assert await QueueClient(system.named("queue")).depth("worker") == 0
    assert sorted(handled) == list(range(100))


@pytest.mark.slow
@pytest.mark.parametrize("lines", [40, 400])
async def test_what_a_program_stored_is_there_when_it_was_killed(tmp_path: Path, lines: int) -> None:
    """All that was put is pending, but for what was acknowledged; the last acknowledgements may be missing."""
    path = tmp_path / "queue.db"
    told = told_before_it_was_killed(path, lines)

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path), name="queue")
        left = await leased(QueueClient(system.named("queue")))

    stored, acked = (set(re.findall(rf"^{word} (\S+)$", told, re.MULTILINE)) for word in ("stored", "acked"))
    assert stored - acked <= set(left)
    assert len(left) == len(set(left))
    # A put may be stored without an answer; each producer has one at a time.
    assert len(set(left) - stored) <= PRODUCERS


def told_before_it_was_killed(path: Path, lines: int) -> str:
    """Run the program until it has printed so many lines, kill it, and return all that it printed."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(PRODUCERS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = [program.stdout.readline() for _ in range(lines)]
        program.send_signal(signal.SIGKILL)
        return "".join(told + program.stdout.readlines())


async def leased(queue: QueueClient) -> list[str]:
    """Return all there is."""
    payloads: list[str] = []
    while leases := await queue.lease_many("worker", 100):
        payloads += [lease.message.payload for lease in leases]
    return payloads
