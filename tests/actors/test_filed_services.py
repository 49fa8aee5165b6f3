"""Files that are full, damaged, somebody else's or too new, under the store of references and the shared memory."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorError, ActorSystem, NoProcessError, open_system
from actors.backoff import Backoff
from actors.bus import BusClient, TopicBus
from actors.shared_memory import MemoryEntries, Namespace, SharedMemory, SharedMemoryClient
from actors.sqlite import Database, open_database
from actors.store import MemoryReferenceStore, Store, StoreClient
from supervision import ChildSpec, ChildStartError, Supervisor, SupervisorSpec
from tests.actors.filed_services import SERVICES, Service, write_until_refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from trio.testing import MockClock

ROOT = Path(__file__).parents[2]
NOBODY = 65534


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture(params=SERVICES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def service(name: str) -> Service:
    return SERVICES[name]


@pytest.fixture
def file(tmp_path: Path, autojump_clock: MockClock) -> Path:
    return tmp_path / "content.db"


def tree(name: str, file: Path, starts: list[float]) -> SupervisorSpec:
    """Return a service that notes its starts, and is started again after delays of up to a minute."""
    service = SERVICES[name]
    actor: Any = service.actor

    class Noted(actor):  # type: ignore[misc]  # of a class that is chosen when the test runs
        async def init(self) -> None:
            starts.append(trio.current_time())
            await super().init()

    child = ChildSpec(name, Noted, (service.in_file(file, inline=True),), name=name)
    return SupervisorSpec([child], intensity=5, period=5.0, backoff=Backoff(1.0, max_seconds=60.0))


@asynccontextmanager
async def running(name: str, file: Path, starts: list[float]) -> AsyncIterator[tuple[ActorSystem, Database]]:
    async with open_system() as system:
        database = await open_database(system, file, inline=True)
        await system.start(Supervisor, tree(name, file, starts))
        yield system, database


async def allow_pages(database: Database, more: int) -> None:
    (pages,) = await database.read(lambda one: one.execute("PRAGMA page_count").fetchone())
    await database.read(lambda one: one.execute(f"PRAGMA max_page_count = {pages + more}").fetchone())


async def test_what_has_no_room_is_refused_and_all_else_is_there_after_a_restart(
    name: str, service: Service, file: Path
) -> None:
    stored: list[int] = []
    starts: list[float] = []
    async with running(name, file, starts) as (system, database):
        await allow_pages(database, 5)

        with pytest.raises(service.refusal, match=f"{file} has no room"):
            await write_until_refused(system, service, stored)
        assert await service.numbers(system) == stored
        system.named(name).kill()
        await trio.sleep(60)

        assert len(stored) > 1
        assert len(starts) == 2
        assert await service.numbers(system) == stored
        await allow_pages(database, 100)
        await service.write(system, len(stored))
        assert await service.numbers(system) == [*stored, len(stored)]


@pytest.mark.slow
def test_a_disk_that_refuses_to_write_loses_nothing_that_was_acknowledged(
    name: str, service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "content.db"
    command = [sys.executable, "-W", "error", "-m", "tests.actors.filed_services", name, str(file)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = re.fullmatch(rf"(\d+) were stored; {service.refusal.__name__}: {file} .*\n", finished.stdout)
    assert told is not None, (finished.stdout, finished.stderr)
    stored = int(told[1])

    async def read() -> list[int]:
        async with open_system() as system:
            await system.start(service.actor, service.in_file(file), name=name)
            return await service.numbers(system)

    assert stored > 0
    assert trio.run(read) == [*range(stored), 999_999]


async def test_a_service_whose_file_cannot_be_read_is_tried_again_after_delays(
    name: str, service: Service, file: Path
) -> None:
    starts: list[float] = []
    async with running(name, file, starts) as (system, database):
        await service.write(system, 7)
        await database.commit((f"ALTER TABLE {service.table} RENAME TO hidden", ()))
        system.named(name).kill()
        await trio.sleep(600)
        with pytest.raises(NoProcessError, match=f"nobody has the name '{name}'"):
            await service.write(system, 8)

        assert 10 < len(starts) < 20
        await database.commit((f"ALTER TABLE hidden RENAME TO {service.table}", ()))
        await trio.sleep(60)
        assert await service.numbers(system) == [7]


def damaged(file: Path, part: str) -> str:
    file.write_bytes(b"no database" * 1_000)
    return "damaged, or no database"


def newer(file: Path, part: str) -> str:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE actors_parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID")
        connection.execute("INSERT INTO actors_parts VALUES (?, 99)", (part,))
        connection.commit()
    return f"has version 99 of part '{part}'; this program knows versions up to"


def in_no_folder(file: Path, part: str) -> str:
    file.parent.rmdir()
    return "there is no folder"


def a_folder(file: Path, part: str) -> str:
    file.mkdir()
    return "is no file"


@pytest.mark.parametrize("spoil", [damaged, newer, in_no_folder, a_folder])
async def test_a_file_that_cannot_be_had_fails_the_start_of_the_tree_once_and_is_named_and_left_as_it_is(
    name: str, service: Service, file: Path, spoil: Callable[[Path, str], str]
) -> None:
    fault = spoil(file, service.part)
    before = content_of(file)
    starts: list[float] = []
    async with open_system() as system:
        with pytest.raises(ChildStartError, match=f"'{name}' did not start: .*: {file}.* {fault}"):
            await system.start(Supervisor, tree(name, file, starts))

        with pytest.raises(NoProcessError, match=f"nobody has the name '{name}'"):
            await service.write(system, 1)
    assert len(starts) == 1
    if spoil is damaged:
        assert content_of(file) == before


def content_of(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


async def test_a_file_of_another_uid_fails_the_start_of_the_tree_and_names_both(name: str, service: Service) -> None:
    async with open_system() as system:
        spec = SupervisorSpec([ChildSpec(name, service.actor, (service.in_file("/etc/passwd"),), name=name)])
        with as_nobody() as me, pytest.raises(ChildStartError, match=f"/etc/passwd belongs to uid 0; uid {me} may not"):
            await system.start(Supervisor, spec)


async def test_a_folder_of_another_uid_fails_the_start_of_the_tree_and_names_both(name: str, service: Service) -> None:
    async with open_system() as system:
        spec = SupervisorSpec([ChildSpec(name, service.actor, (service.in_file("/etc/content.db"),), name=name)])
        said = "/etc/content.db cannot be opened: uid {} may not write to /etc, which belongs to uid 0"
        with as_nobody() as me, pytest.raises(ChildStartError, match=said.format(me)):
            await system.start(Supervisor, spec)


@contextmanager
def as_nobody() -> Iterator[int]:
    """Run a block with the rights of somebody who is not root; return who that is."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    try:
        yield os.geteuid()
    finally:
        os.seteuid(me)


async def test_pages_that_are_damaged_are_told_by_who_reads_them(
    name: str, service: Service, file: Path, autojump_clock: MockClock
) -> None:
    """Nothing wrong is given out, whether what is damaged is found at the start or later."""
    async with open_system() as system:
        await system.start(service.actor, service.in_file(file, inline=True), name=name)
        for number in range(100):
            await service.write(system, number)
    damage_content_of(file)

    async with open_system() as system:
        with pytest.raises(ActorError, match=f"{file} is damaged"):
            await started_and_read(system, name, service, file)


async def started_and_read(system: ActorSystem, name: str, service: Service, file: Path) -> None:
    await system.start(service.actor, service.in_file(file, inline=True), name=name)
    await service.numbers(system)


def damage_content_of(file: Path) -> None:
    """Spoil the first page of each table that has what was written."""
    with closing(sqlite3.connect(file)) as connection:
        small = "'sqlite_schema', 'actors_parts', 'actors_epochs', 'store_values', 'store_totals', 'store_loose'"
        found = f"SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 AND name NOT IN ({small})"  # noqa: S608
        roots = {table: page for table, page in connection.execute(found) if not table.startswith("sqlite_auto")}
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as content:
        for page in roots.values():
            content.seek((page - 1) * size)
            content.write(b"\xff" * size)


async def test_whatever_is_closed_says_so_by_one_kind_of_error(system: ActorSystem) -> None:
    """Y9: to close it twice is fine."""
    await system.start(Store, MemoryReferenceStore(), name="store")
    await system.start(SharedMemory, MemoryEntries(), name="shared_memory")
    await system.start(TopicBus, name="bus")
    store, bus = StoreClient(system.named("store")), BusClient(system.named("bus"), agent="ann")
    notes = SharedMemoryClient(system.named("shared_memory"), "ann")

    for client in (store, bus, notes, store, bus, notes):
        await client.close()

    asked: list[Callable[[], Any]] = [
        lambda: store.store(b"tea"),
        lambda: store.release("f00"),
        store.list,
        store.collect,
        lambda: notes.put(Namespace.GLOBAL, "motto", b"tea"),
        lambda: notes.get(Namespace.GLOBAL, "motto"),
        lambda: bus.publish("shop.tea", 1),
        lambda: bus.subscribe("shop.*"),
    ]
    for ask in asked:
        with pytest.raises(ActorError, match=r"(is|was) closed") as raised:
            await ask()
        assert raised.value.kind == "channel_closed"
