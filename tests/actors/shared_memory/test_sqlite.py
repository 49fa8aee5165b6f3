"""The store in a file does what every store does, also with a thread that writes, and when the program is killed."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest
import trio

from actors import open_system
from actors.shared_memory import (
    CorruptEntryError,
    FileTakenError,
    Namespace,
    SharedMemory,
    SharedMemoryClient,
    SqliteEntries,
)
from actors.sqlite import find_database
from actors.testing.shared_memory import DurableEntryStoreSuite

if TYPE_CHECKING:
    from pathlib import Path

WRITERS: Final = 8

PROGRAM: Final = """
import sys, trio
from actors import open_system
from actors.shared_memory import Namespace, SharedMemory, SharedMemoryClient, SqliteEntries

async def write(client, key):
    while True:
        result = await client.put(Namespace.GLOBAL, key, b"tea")
        print(key, result.version, flush=True)

async def main():
    async with open_system() as system, trio.open_nursery() as nursery:
        await system.start(SharedMemory, SqliteEntries(sys.argv[1]), name="shared_memory")
        client = SharedMemoryClient(system.named("shared_memory"), "ann")
        for key in range(int(sys.argv[2])):
            nursery.start_soon(write, client, f"k{key}")

trio.run(main)
"""


class TestSqliteEntries(DurableEntryStoreSuite):
    def new_store(self, folder: Path) -> SqliteEntries:
        return SqliteEntries(folder / "notes.db", inline=True)


async def test_many_writers_share_commits_of_a_thread(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    async with open_system() as system:
        await system.start(SharedMemory, SqliteEntries(path), name="shared_memory")
        client = SharedMemoryClient(system.named("shared_memory"), "ann")

        async def write(key: int) -> None:
            for version in range(1, 11):
                result = await client.put(Namespace.GLOBAL, f"k{key}", b"tea", expected_version=version - 1)
                assert result.version == version

        async with trio.open_nursery() as nursery:
            for key in range(16):
                nursery.start_soon(write, key)

        assert find_database(system, path).statistics().commits < 160


@pytest.mark.slow
@pytest.mark.parametrize("lines", [40, 400])
async def test_what_was_acknowledged_is_there_after_kill_9(tmp_path: Path, lines: int) -> None:
    path = tmp_path / "notes.db"
    acknowledged = dict(line.split() for line in told_before_it_was_killed(path, lines))

    async with open_system() as system:
        await system.start(SharedMemory, SqliteEntries(path), name="shared_memory")
        client = SharedMemoryClient(system.named("shared_memory"))
        for key, version in acknowledged.items():
            found = await client.get(Namespace.GLOBAL, key)

            assert found is not None
            # The last put may be stored without an answer; each writer has one at a time.
            assert found.version in (int(version), int(version) + 1)


def told_before_it_was_killed(path: Path, lines: int) -> list[str]:
    """Run the program until it has printed so many lines, kill it, and return all that it printed."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(WRITERS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        told = [program.stdout.readline() for _ in range(lines)]
        program.send_signal(signal.SIGKILL)
        rest = program.stdout.read()
    return [*told, *rest.splitlines()]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE shared_memory SET value = x'00' WHERE key = 'bad'",
        "UPDATE shared_memory SET compressed = 1 WHERE key = 'bad'",
        "UPDATE shared_memory SET metadata = x'c1' WHERE key = 'bad'",
        "UPDATE shared_memory SET created_at = 'x' WHERE key = 'bad'",
    ],
)
async def test_an_entry_that_cannot_be_read_back_is_told_of_and_harms_no_other(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "notes.db"
    async with open_system() as system:
        await system.start(SharedMemory, SqliteEntries(path), name="shared_memory")
        client = SharedMemoryClient(system.named("shared_memory"), "ann")
        for key in ("bad", "good"):
            await client.put(Namespace.GLOBAL, key, b"tea")
    with sqlite3.connect(path) as connection:
        connection.execute(damage)
    connection.close()

    async with open_system() as system:
        await system.start(SharedMemory, SqliteEntries(path), name="shared_memory")
        client = SharedMemoryClient(system.named("shared_memory"), "ann")

        with pytest.raises(CorruptEntryError, match="'bad' of global cannot be read back"):
            await client.get(Namespace.GLOBAL, "bad")
        assert (await client.list(Namespace.GLOBAL)).keys == ("good",)
        assert (await client.put(Namespace.GLOBAL, "bad", b"new")).version == 2
        assert (await client.list(Namespace.GLOBAL)).keys == ("bad", "good")


async def test_a_row_of_no_namespace_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    async with open_system() as system:
        await system.start(SharedMemory, SqliteEntries(path), name="shared_memory")
        await SharedMemoryClient(system.named("shared_memory"), "ann").put(Namespace.GLOBAL, "motto", b"tea")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE shared_memory SET namespace = 99")
    connection.close()

    async with open_system() as system:
        await system.start(SharedMemory, SqliteEntries(path), name="shared_memory")

        statistics = await SharedMemoryClient(system.named("shared_memory")).statistics()

    assert {one.key_count for one in statistics.values()} == {0}


async def test_a_second_shared_memory_does_not_get_the_file(tmp_path: Path) -> None:
    async with open_system() as system:
        await system.start(SharedMemory, SqliteEntries(tmp_path / "notes.db"), name="first")

        with pytest.raises(FileTakenError, match=r"has the shared memory <first .*> already"):
            await system.start(SharedMemory, SqliteEntries(tmp_path / "notes.db"), name="second")


@pytest.mark.parametrize("path", ["", 7, None])
def test_a_path_that_is_none_is_refused(path: object) -> None:
    with pytest.raises(TypeError, match="the path of a SqliteEntries"):
        SqliteEntries(path)  # type: ignore[arg-type]
