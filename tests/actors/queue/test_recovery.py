"""What a queue finds when it is opened: also rows that are broken, and very many."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
import trio
import trio.lowlevel

from actors import open_system
from actors.queue import CorruptMessageError, Queue, QueueClient, SqliteStore
from actors.queue.sqlite import insert_of
from actors.testing.queue_bench import row
from tests.actors.steps import measured_steps

if TYPE_CHECKING:
    from pathlib import Path


def broken(path: Path, statement: str) -> None:
    """Change the file behind the back of its owner."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute(statement)
    connection.commit()
    connection.close()


async def filled(path: Path) -> None:
    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        for number in range(4):
            await queue.put("ann", number, metadata={"a": 1}, id=str(number))


@pytest.mark.parametrize(
    ("change", "left", "told"),
    [
        ("payload = x'c1'", [0, 1, 3], "its payload of 1 bytes cannot be read"),
        ("payload = 'text'", [0, 1, 3], "its payload is 'text'"),
        ("recipient = x'ff'", [0, 1, 3], r"its recipient is b'\\xff' and its priority 0"),
        ("priority = 'high'", [0, 1, 3], "its recipient is 'ann' and its priority 'high'"),
        ("expires_at = 'never'", [0, 1, 3], "'<' not supported between instances of 'str' and 'float'"),
        ("max_retries = 'many'", [0, 1, 3], "its max_retries is 'many'"),
        ("kind = 9", [0, 1, 3], "its kind is 9"),
        ("recipient = ''", [0, 1, 3], "its recipient is '' and its priority 0"),
        ("recipient = '', available_at = 9e15", [0, 1, 3], "its recipient is ''"),
        ("status = 'x'", [0, 1, 3], "its status is 'x' and its finished_at None"),
        ("status = 99", [0, 1, 3], "its status is 99 and its finished_at None"),
        ("status = -1", [0, 1, 3], "its status is -1 and its finished_at None"),
        ("status = 2.5, finished_at = 1", [0, 1, 3], "its status is 2.5 and its finished_at 1.0"),
        ("status = 2", [0, 1, 3], "its status is 2 and its finished_at None"),
        ("status = 3", [0, 1, 3], "its status is 3 and its finished_at None"),
        ("status = 4, finished_at = 'x'", [0, 1, 3], "its status is 4 and its finished_at 'x'"),
    ],
)
async def test_a_row_that_cannot_be_read_is_set_apart_and_told_of(
    tmp_path: Path,
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
    change: str,
    left: list[int],
    told: str,
) -> None:
    """L-QUE-19."""
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, f"UPDATE queue SET {change} WHERE seq = 3")  # noqa: S608 -- of the texts above

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        leases = await queue.lease_many("ann", 9)
        corrupt = await queue.corrupt_rows()

    assert [lease.message.payload for lease in leases] == left
    assert [(record.row.seq, record.row.id) for record in corrupt] == [(3, "2")]
    assert str(corrupt[0].change.error).startswith(told.replace("\\\\", "\\"))
    assert len([record for record in caplog.records if "set apart" in record.message]) == 1


@pytest.mark.parametrize("damage", ["payload = x'c1'", "kind = 9"])
async def test_a_row_that_is_set_apart_is_neither_ready_nor_in_flight(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, damage: str
) -> None:
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, f"UPDATE queue SET {damage} WHERE seq = 3")  # noqa: S608 -- of the texts above

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        await queue.ack(*await queue.lease_many("ann", 9))
        done, waiting = await queue.statistics(), await queue.agents_with_pending()

    assert (done.acked, done.corrupt, done.ready, done.in_flight, waiting) == (3, 1, 0, 0, ())


async def test_a_row_that_is_in_no_state_is_told_of_once_although_nobody_leases_it(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, "UPDATE queue SET status = 99, available_at = 'x' WHERE seq = 3")

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        told = [record.message for record in caplog.records]
        counted = (await QueueClient(system.named("queue")).statistics()).corrupt
    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        depth, corrupt = await queue.depth("ann"), await queue.corrupt_rows()

    assert told == ["row 3 of the queue is set apart: its status is 99 and its finished_at None"]
    assert len(caplog.records) == counted == 1
    assert [(record.row.seq, record.change.error) for record in corrupt] == [(3, told[0].partition(": ")[2])]
    assert depth == 3


@pytest.mark.parametrize("damage", ["payload = x'c1'", "recipient = ''", "expires_at = 'x'", "kind = 9"])
async def test_a_dead_letter_that_cannot_be_read_is_set_apart_and_hides_no_other(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, "UPDATE queue SET status = 3, finished_at = enqueued_at, error = 'no tea'")
    broken(path, f"UPDATE queue SET {damage} WHERE seq = 1")  # noqa: S608 -- of the texts above

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        first = await queue.dead_letters(most=1)
        corrupt = await queue.corrupt_rows()

    assert [letter.message.id for letter in first] == ["1"]
    assert [record.row.seq for record in corrupt] == [1]
    assert [record.message.partition(":")[0] for record in caplog.records] == ["row 1 of the queue is set apart"]


async def test_the_id_of_a_dead_letter_is_still_taken_when_the_queue_is_opened_again(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_system() as system:
        await system.start(Queue, SqliteStore(tmp_path / "queue.db", inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        await queue.put("ann", "tea", id="mine")
        await queue.reject(await queue.lease("ann"), "no tea")

    async with open_system() as system:
        await system.start(Queue, SqliteStore(tmp_path / "queue.db", inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        await queue.put("ann", "tea", id="mine")
        letters, depth = await queue.dead_letters(), await queue.depth("ann")

    assert [letter.message.id for letter in letters] == ["mine"]
    assert depth == 0


async def test_a_dead_letter_that_cannot_be_read_is_not_replayed(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, "UPDATE queue SET status = 3, finished_at = 1, expires_at = 'x' WHERE seq = 1")

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        with pytest.raises(CorruptMessageError, match="dead letter '0' cannot be read: its expires_at is 'x'"):
            await queue.replay("0")
        corrupt, depth = await queue.corrupt_rows(), await queue.depth("ann")

    assert [record.row.seq for record in corrupt] == [1]
    assert depth == 3


async def test_why_a_message_is_a_dead_letter_may_be_told_by_anything(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, "UPDATE queue SET status = 3, finished_at = 1, error = x'01' WHERE seq = 1")

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        letters = await QueueClient(system.named("queue")).dead_letters()

    assert [(letter.message.id, letter.error) for letter in letters] == [("0", r"b'\x01'")]


@pytest.mark.parametrize("number", [2**62, 2**63 - 1, -(2**63)])
async def test_a_row_with_a_number_that_no_queue_has_given_is_leased_and_others_are_put(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, number: int
) -> None:
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, f"UPDATE queue SET seq = {number} WHERE seq = 3")  # noqa: S608 -- of the numbers above

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        await queue.put("ann", 4)
        leases = await queue.lease_many("ann", 9)
        await queue.ack(*leases)
    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        depth = await QueueClient(system.named("queue")).depth("ann")

    assert sorted(lease.message.payload for lease in leases) == [0, 1, 2, 3, 4]
    assert sorted(lease.seq for lease in leases) == sorted([1, 2, 4, 5, number])
    assert depth == 0


async def test_metadata_that_cannot_be_read_are_none(tmp_path: Path, autojump_clock: trio.testing.MockClock) -> None:
    """L-QUE-19."""
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, "UPDATE queue SET metadata = x'c1' WHERE seq = 1")

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        message = (await QueueClient(system.named("queue")).lease("ann")).message

    assert (message.payload, message.metadata) == (0, {})


async def test_a_message_that_was_leased_too_often_before_is_a_dead_letter(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """L-QUE-12, 20: what ends the program each time it is leased does not do so for ever."""
    path = tmp_path / "queue.db"
    await filled(path)
    broken(path, "UPDATE queue SET status = 1, dequeue_count = 3 WHERE seq = 1")

    async with open_system() as system:
        await system.start(Queue, SqliteStore(path, inline=True), name="queue")
        queue = QueueClient(system.named("queue"))
        leases = await queue.lease_many("ann", 9)
        dead = await queue.dead_letters()

    assert [lease.message.payload for lease in leases] == [1, 2, 3]
    assert [letter.error for letter in dead] == ["it was leased 3 times and never acknowledged"]


@pytest.mark.slow
@pytest.mark.hang_seconds(120)
async def test_opening_many_messages_keeps_nobody_waiting(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    await filled_with(path, 50_000)

    async with open_system() as system:
        async with trio.open_nursery() as nursery:
            looker = Looker()
            nursery.start_soon(looker.look)
            await system.start(Queue, SqliteStore(path), name="queue")
            nursery.cancel_scope.cancel()
        longest = sorted(looker.gaps)[-5]
        queue = QueueClient(system.named("queue"))
        leases = await queue.lease_many("worker", 200)
        depth = await queue.depth("worker")

    assert [lease.seq for lease in leases] == list(range(1, 201))
    assert depth == 49_800
    # The machine may be busy with other things, but not five times.
    assert longest < 0.05


@pytest.mark.slow
async def test_opening_many_messages_that_are_delayed_keeps_nobody_waiting(tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    await filled_with(path, 20_000, delay=60.0)

    async with open_system() as system:
        with measured_steps() as steps:
            await system.start(Queue, SqliteStore(path), name="queue")
        queue = QueueClient(system.named("queue"))
        depth = await queue.depth("worker")

    assert depth == 0
    assert steps.longest < 0.005


class Looker:
    """A task that notes how long it waits for its turn."""

    def __init__(self) -> None:
        self.gaps: list[float] = []

    async def look(self) -> None:
        while True:
            begin = time.perf_counter()
            await trio.lowlevel.checkpoint()
            self.gaps.append(time.perf_counter() - begin)


async def filled_with(path: Path, count: int, *, delay: float = 0.0) -> None:
    """Let a queue make the file, and fill it."""
    async with open_system() as system:
        await system.start(Queue, SqliteStore(path), name="queue")
    connection = sqlite3.connect(path)
    now = time.time()
    model = row(0, given=0, enqueued_at=now, available_at=now + delay, expires_at=now + 86_400)
    connection.executemany(insert_of(1), (model._replace(seq=seq, id=f"{seq:032x}") for seq in range(1, count + 1)))
    connection.commit()
    connection.close()
