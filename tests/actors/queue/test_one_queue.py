"""A file has one queue: a second one is refused, and the next incarnation of the first is not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from actors import open_system
from actors.queue import Queue, QueueClient, SqliteStore, StoreTakenError
from supervision import ChildSpec, ChildStartError, Supervisor, SupervisorSpec, start_child, which_children

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.db"


def child(name: str, path: Path) -> ChildSpec:
    return ChildSpec(name, Queue, (SqliteStore(path, inline=True),), name=name)


async def test_a_second_queue_does_not_start_and_says_who_has_the_file(
    system: ActorSystem, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    supervisor = await system.start(Supervisor, SupervisorSpec([child("first", path)]))
    first = QueueClient(system.named("first"))
    await first.put("ann", "tea")

    with pytest.raises(ChildStartError, match=f"{path} has the queue <first #[0-9]+> already") as refused:
        await start_child(supervisor, child("second", link))
    await first.put("ann", "milk")

    assert isinstance(refused.value.__cause__, StoreTakenError)
    assert [lease.message.payload for lease in await first.lease_many("ann", 9)] == ["tea", "milk"]
    assert system.whereis("second") is None
    assert "Traceback" not in caplog.text


async def test_of_two_queues_that_start_at_once_one_is_refused(system: ActorSystem, path: Path) -> None:
    refused: list[BaseException] = []

    async def start(name: str) -> None:
        try:
            await system.start(Queue, SqliteStore(path, inline=True), name=name)
        except StoreTakenError as error:
            refused.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(start, "first")
        nursery.start_soon(start, "second")
    (left,) = [name for name in ("first", "second") if system.whereis(name) is not None]
    await QueueClient(system.named(left)).put("ann", "tea")

    assert len(refused) == 1
    assert f"has the queue <{left} #" in str(refused[0])


async def test_two_queues_with_one_store_are_refused_too(system: ActorSystem, path: Path) -> None:
    store = SqliteStore(path, inline=True)
    await system.start(Queue, store, name="first")

    with pytest.raises(StoreTakenError, match="has the queue <first #"):
        await system.start(Queue, store, name="second")
    message_id = await QueueClient(system.named("first")).put("ann", "tea")

    assert (await QueueClient(system.named("first")).lease("ann")).message.id == message_id


async def test_the_next_queue_may_have_the_file_when_the_first_has_ended(system: ActorSystem, path: Path) -> None:
    first = await system.start(Queue, SqliteStore(path, inline=True), name="first")
    await QueueClient(first).put("ann", "tea")
    await first.stop()

    second = await system.start(Queue, SqliteStore(path, inline=True), name="second")

    assert (await QueueClient(second).lease("ann")).message.payload == "tea"


class Stuck(Queue):
    """A queue with a handler that a kill does not end."""

    async def handle_info(self, message: object) -> None:  # type: ignore[override]  # it may wait
        if message != "stick":
            super().handle_info(message)
            return
        with trio.CancelScope(shield=True):
            await trio.sleep(100)


async def test_a_queue_is_restarted_beside_what_a_kill_has_left_of_it(
    system: ActorSystem, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    spec = ChildSpec("queue", Stuck, (SqliteStore(path, inline=True),), name="queue")
    supervisor = await system.start(Supervisor, SupervisorSpec([spec]))
    queue = QueueClient(system.named("queue"))
    await queue.put("ann", "tea")
    first = system.whereis("queue")
    assert first is not None

    first.send("stick")
    await trio.testing.wait_all_tasks_blocked()
    first.kill()
    await which_children(supervisor)
    lease = await queue.lease("ann")

    assert trio.current_time() < 100
    assert system.whereis("queue") not in (None, first)
    assert lease.message.payload == "tea"


async def test_another_system_of_the_process_has_files_of_its_own(tmp_path: Path) -> None:
    async with open_system() as one, open_system() as other:
        for number, system in enumerate((one, other)):
            queue = await system.start(Queue, SqliteStore(tmp_path / f"{number}.db", inline=True), name="queue")
            await QueueClient(queue).put("ann", number)
            assert (await QueueClient(queue).lease("ann")).message.payload == number
