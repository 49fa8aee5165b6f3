"""Who may open a file, what is wrong with it, and how long it is open."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorSystem, SystemClosedError, open_system
from actors.sqlite import (
    Database,
    DatabaseAccessError,
    DatabaseClosedError,
    DatabaseCorruptError,
    VirtualTimeError,
    find_database,
    open_database,
)
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import INSERT, ids_at, ids_of, insert

if TYPE_CHECKING:
    from collections.abc import Iterator


NOBODY = 65534
SOMEBODY_ELSES = "/etc/passwd"


async def test_a_system_has_one_database_for_each_file(system: ActorSystem, path: Path) -> None:
    opened: list[Database] = []

    async def open_it(name: Path) -> None:
        opened.append(await open_database(system, name, inline=True))

    link = path.with_name("link.db")
    link.symlink_to(path)
    async with trio.open_nursery() as nursery:
        for name in (path, link, path.parent / "." / path.name):
            nursery.start_soon(open_it, name)

    assert len(set(opened)) == 1
    assert find_database(system, str(path)) is opened[0]


async def test_what_is_not_open_cannot_be_found(system: ActorSystem, path: Path) -> None:
    with pytest.raises(DatabaseClosedError, match=f"{path} is not open in <ActorSystem"):
        find_database(system, path)


async def test_a_file_is_written_in_one_way_at_a_time(real_system: ActorSystem, path: Path) -> None:
    await open_database(real_system, path, inline=True)

    with pytest.raises(ValueError, match="inline=True, and now with inline=False"):
        await open_database(real_system, path)


async def test_the_end_of_the_system_stores_everything_and_closes(path: Path, *, inline: bool) -> None:
    told: list[object] = []
    async with open_system() as system:
        database = await open_database(system, path, inline=inline)
        await database.prepare(NOTES)
        database.append(*insert(1), told.append)
        database.append(*insert(2), told.append, lazy=True)

    assert told == [None, None]
    assert database.closed
    assert ids_at(path) == [1, 2]
    with pytest.raises(SystemClosedError):
        await open_database(system, path, inline=inline)


async def test_a_system_that_is_cancelled_stores_everything_too(path: Path, *, inline: bool) -> None:
    with trio.CancelScope() as scope:
        async with open_system() as system:
            database = await open_database(system, path, inline=inline)
            await database.prepare(NOTES)
            database.append(*insert(1))
            scope.cancel()
            await trio.sleep_forever()

    assert ids_at(path) == [1]


async def test_a_database_can_be_opened_again(real_system: ActorSystem, database: Database, path: Path) -> None:
    await database.commit(insert(1))
    await database.close()

    again = await open_database(real_system, path)

    assert again is not database
    assert await ids_of(again) == [1]


async def test_a_file_of_another_uid_is_refused(system: ActorSystem) -> None:
    with as_nobody() as me, pytest.raises(DatabaseAccessError) as raised:
        await open_database(system, SOMEBODY_ELSES, inline=True)

    assert str(raised.value) == f"{SOMEBODY_ELSES} belongs to uid 0; uid {me} may not read and write it"


async def test_a_folder_of_another_uid_is_refused(system: ActorSystem) -> None:
    with as_nobody() as me, pytest.raises(DatabaseAccessError) as raised:
        await open_database(system, "/etc/shop.db", inline=True)

    assert str(raised.value).endswith(f"uid {me} may not write to /etc, which belongs to uid 0")


async def test_a_folder_that_may_not_be_looked_into_is_an_error(system: ActorSystem, path: Path) -> None:
    path.parent.chmod(0)

    with as_nobody(), pytest.raises(DatabaseAccessError, match=f"{path} cannot be opened: Permission denied"):
        await open_database(system, path, inline=True)


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


async def test_a_folder_that_is_not_there_is_an_error(system: ActorSystem, tmp_path: Path) -> None:
    with pytest.raises(DatabaseAccessError, match=f"there is no folder {tmp_path}/data"):
        await open_database(system, tmp_path / "data" / "shop.db", inline=True)


async def test_what_is_no_database_is_refused_and_left_as_it_is(
    real_system: ActorSystem, path: Path, *, inline: bool
) -> None:
    write_prose(path)
    before = content_of(path)

    with pytest.raises(DatabaseCorruptError, match=f"{path} is damaged, or no database"):
        await open_database(real_system, path, inline=inline)

    assert content_of(path) == before


async def test_a_damaged_page_is_the_error_of_who_meets_it(
    real_system: ActorSystem, path: Path, *, inline: bool
) -> None:
    damage_pages(path)
    database = await open_database(real_system, path, inline=inline)

    with pytest.raises(DatabaseCorruptError, match=f"{path} is damaged"):
        await ids_of(database)
    with pytest.raises(DatabaseCorruptError, match=f"{path} is damaged"):
        await database.commit(insert(1000))


async def test_a_file_that_failed_to_open_can_be_opened_when_it_is_mended(real_system: ActorSystem, path: Path) -> None:
    write_prose(path)
    with pytest.raises(DatabaseCorruptError):
        await open_database(real_system, path)
    remove(path)

    database = await open_database(real_system, path)

    assert not database.closed


async def test_a_thread_is_refused_beside_a_clock_that_jumps(system: ActorSystem, path: Path) -> None:
    with pytest.raises(
        VirtualTimeError, match=f"{path} cannot be written by a thread beside .* open it with inline=True"
    ):
        await open_database(system, path)

    assert content_of(path) == b""


async def test_a_database_in_memory_needs_no_file(system: ActorSystem) -> None:
    database = await open_database(system, ":memory:")
    await database.prepare(NOTES)

    await database.commit(insert(1))

    assert database.inline
    assert await ids_of(database) == [1]
    assert [rows async for rows in database.slices("SELECT id FROM notes")] == [[(1,)]]
    assert content_of(Path(":memory:")) == content_of(Path(":memory:-lock")) == b""


def write_prose(path: Path) -> None:
    path.write_text("The quick brown fox jumps over the lazy dog. " * 100)


def damage_pages(path: Path) -> None:
    """Make a database whose pages are all damaged, but for the first."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(str(NOTES.steps[0]))
        connection.executemany(INSERT, [(number, "x" * 100) for number in range(500)])
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def content_of(path: Path) -> bytes:
    """Return what is in the file; nothing if there is none."""
    return path.read_bytes() if path.exists() else b""


def remove(path: Path) -> None:
    path.unlink()


async def test_the_size_of_the_cache_is_sqlites_unless_it_is_said(path: Path, real_system: ActorSystem) -> None:
    database = await open_database(real_system, path)

    assert await database.read(cache_size_of) == database.read_now(cache_size_of) == -2000


async def test_the_cache_is_as_large_as_it_is_said(path: Path, real_system: ActorSystem, *, inline: bool) -> None:
    database = await open_database(real_system, path, inline=inline, cache_size=-64_000)
    again = await open_database(real_system, path, inline=inline)

    assert again is database
    assert await database.read(cache_size_of) == database.read_now(cache_size_of) == -64_000


async def test_a_file_has_one_size_of_its_cache(path: Path, real_system: ActorSystem) -> None:
    await open_database(real_system, path, cache_size=100)

    with pytest.raises(ValueError, match="was opened with cache_size=100, and now with cache_size=200"):
        await open_database(real_system, path, cache_size=200)


@pytest.mark.parametrize("size", [True, 1.5, "large", 2**31])
async def test_what_is_no_size_of_a_cache_is_refused(size: Any, path: Path, real_system: ActorSystem) -> None:
    with pytest.raises(ValueError, match=r"cache_size is .*; allowed is an int, of pages or, below 0, of KiB, or None"):
        await open_database(real_system, path, cache_size=size)
    with pytest.raises(DatabaseClosedError):
        find_database(real_system, path)


def cache_size_of(connection: sqlite3.Connection) -> int:
    size: int = connection.execute("PRAGMA cache_size").fetchone()[0]
    return size


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shop\0.db", r"'shop\x00.db' is no path of a file: it has a NUL character, at 4"),
        ("shop\ud800.db", r"'shop\ud800.db' is no path of a file: it has half of a character, at 4"),
    ],
)
async def test_a_path_that_no_file_can_have_is_named(system: ActorSystem, name: str, said: str) -> None:
    with pytest.raises(DatabaseAccessError) as raised:
        await open_database(system, name, inline=True)

    assert str(raised.value) == said
