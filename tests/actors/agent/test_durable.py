"""In files: nothing is let go of that could still be asked for after a crash of the program."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
import trio

from actors import open_system
from actors.delivery import DeliveryOptions, DurableActor, Router, RouterConfig, RouterRef
from actors.queue import Queue, SqliteStore
from actors.sqlite import find_database, open_database
from actors.store import PolicyManager, SqliteReferenceStore, Store, StoreClient
from tests.actors.agent.desks import LARGE, Desk

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem
    from actors.agent import AgentMessage

DURABLE = DeliveryOptions(durable=True)


class Witness(StoreClient):
    """It notes how many messages a file still has whenever something is let go of."""

    def __init__(self, system: ActorSystem, path: Path, table: str) -> None:
        super().__init__(system.named("store"))
        self._count = f"SELECT count(*) FROM {table}"  # noqa: S608 -- a name of this file
        self._system = system
        self._path = path
        self.seen: list[int] = []

    async def release(self, reference: Any) -> int:
        database = find_database(self._system, self._path)
        self.seen.append(database.read_now(lambda connection: connection.execute(self._count).fetchone()[0]))
        return await super().release(reference)


@pytest.fixture
async def services(system: ActorSystem, tmp_path: Path) -> Path:
    """Start a router and a queue on one file, a store on another, and return the path of the first."""
    path = tmp_path / "messages.db"
    await open_database(system, path, inline=True)
    await system.start(Router, RouterConfig(database=str(path)), name="router")
    await system.start(Queue, SqliteStore(path, inline=True), name="queue")
    await system.start(Store, SqliteReferenceStore(tmp_path / "values.db", inline=True), name="store")
    return path


async def desk_with(system: ActorSystem, name: str, store: StoreClient, kind: type[Desk] = Desk) -> Any:
    ref = await system.start(kind, name=name, store=store, queue="queue", policies=PolicyManager())
    return ref._process.actor


async def test_a_durable_message_is_out_of_its_file_before_its_value_goes(system: ActorSystem, services: Path) -> None:
    """That a plain receiver was done is stored some time after: the message would come again, without its value."""
    witness = Witness(system, services, "delivery_messages")
    desk, till = await desk_with(system, "desk", witness), await desk_with(system, "till", witness)

    await desk.send_with_ack("till", "order", LARGE, 10, DURABLE)
    await trio.sleep(1)

    assert till.notes == [LARGE]
    assert witness.seen == [0]
    assert (await witness.stats()).active_refs == 0


async def test_a_queued_message_is_out_of_its_file_before_its_value_goes(system: ActorSystem, services: Path) -> None:
    witness = Witness(system, services, "queue")
    desk = await desk_with(system, "desk", witness)
    await desk.send_async("desk", "order", LARGE)
    lease = await desk.receive_with_timeout(1)

    await desk.ack(lease)
    await trio.sleep(1)

    assert witness.seen == [0]
    assert (await witness.stats()).active_refs == 0


class Books(DurableActor, Desk):
    """A desk whose notes outlive it, and that passes on what it is given."""

    def init(self) -> Any:
        self.passed = 0
        return self._recover()

    async def handle_cast(self, message: AgentMessage) -> None:
        self.passed += 1
        await self.send("till", "order", [self.passed, await self.receive(message)], DURABLE)


async def test_a_durable_agent_sends_with_what_it_has_changed(system: ActorSystem, services: Path) -> None:
    store = StoreClient(system.named("store"))
    desk, till = await desk_with(system, "desk", store), await desk_with(system, "till", store)
    await desk_with(system, "books", store, Books)

    for _ in range(2):
        await desk.send_with_ack("books", "order", LARGE, 10, DURABLE)
    await RouterRef(system).drained()
    await trio.sleep(1)

    assert till.notes == [[1, LARGE], [2, LARGE]]
    assert (await store.stats()).active_refs == 0


PROGRAM: Final = """
import sys, trio
from actors import open_system
from actors.agent import Agent
from actors.delivery import DeliveryOptions, Router, RouterConfig
from actors.queue import Queue, SqliteStore
from actors.store import PolicyManager, SqliteReferenceStore, Store

class Desk(Agent):
    async def handle_info(self, _):
        large = "x" * 20_000
        durable = DeliveryOptions(durable=True)
        for number in range(1_000):
            await self.send("till", "order", [number, large], durable)
            await self.send_async("mill", "order", [number, large])
            print(number, flush=True)

async def main():
    async with open_system() as system:
        await system.start(Router, RouterConfig(database="messages.db"), name="router")
        await system.start(Queue, SqliteStore("messages.db"), name="queue")
        await system.start(Store, SqliteReferenceStore("values.db"), name="store")
        desk = await system.start(Desk, name="desk", store="store", queue="queue", policies=PolicyManager())
        desk.send("begin")
        await desk.wait()

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.hang_seconds(60)
async def test_what_was_sent_before_a_kill_has_its_value_in_the_next_program(tmp_path: Path) -> None:
    sent = run_until_killed(tmp_path)

    async with open_system() as system:
        await system.start(Router, RouterConfig(database=str(tmp_path / "messages.db")), name="router")
        await system.start(Queue, SqliteStore(tmp_path / "messages.db"), name="queue")
        await system.start(Store, SqliteReferenceStore(tmp_path / "values.db"), name="store")
        store = StoreClient(system.named("store"))
        till, mill = await desk_with(system, "till", store), await desk_with(system, "mill", store)
        pulled = []
        while (lease := await mill.receive_with_timeout(0)) is not None:
            pulled.append((await mill.receive(lease))[0])
            await mill.ack(lease)
        await RouterRef(system).drained()

        delivered = [note[0] for note in till.notes]
        assert [len(note[1]) for note in till.notes] == [20_000] * len(delivered)
        assert RouterRef(system).statistics().dead_letters == 0
        left = await store.list()

    # The last one may be stored although it was not said; a value that nobody lets go of now has its time.
    for found in (pulled, delivered):
        assert found[: len(sent)] == sent
        assert len(found) <= len(sent) + 1
    assert all(reference.expires_at for reference in left)


def run_until_killed(folder: Path) -> list[int]:
    """Return the numbers that the program said it had sent."""
    sent = []
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as program:
        assert program.stdout is not None
        for line in program.stdout:
            if line.endswith("\n"):
                sent.append(int(line))
            if len(sent) == 20:
                program.send_signal(signal.SIGKILL)
    return sent
