"""A program with a store in a file is killed, and what it acknowledged is there."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from actors import open_system
from actors.sqlite import find_database
from actors.store import SqliteReferenceStore, Store, StoreClient

if TYPE_CHECKING:
    from pathlib import Path

WRITERS: Final = 4
ENOUGH: Final = 60

PROGRAM: Final = """
import sys, trio
from actors import open_system
from actors.store import SqliteReferenceStore, Store, StoreClient

async def write(client, name):
    number = 0
    while True:
        size = 3_000_000 if number % 5 == 4 else 1000
        reference = await client.store(b"%d-%d " % (name, number) * (size // 8))
        print("stored", reference.id, flush=True)
        if number % 3 == 2:
            print("releasing", reference.id, flush=True)
            await client.release(reference)
            print("released", reference.id, flush=True)
        number += 1

async def main():
    async with open_system() as system, trio.open_nursery() as nursery:
        await system.start(Store, SqliteReferenceStore(sys.argv[1]), name="store")
        client = StoreClient(system.named("store"))
        for name in range(int(sys.argv[2])):
            nursery.start_soon(write, client, name)

trio.run(main)
"""


@pytest.mark.slow
@pytest.mark.hang_seconds(60)
async def test_what_was_acknowledged_is_there_whole_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "values.db"
    said = run_until_killed(path)

    async with open_system() as system:
        await system.start(Store, SqliteReferenceStore(path), name="store")
        client = StoreClient(system.named("store"))
        references = await client.list()
        there = {reference.id for reference in references}
        for reference in references:
            assert len(await client.resolve(reference)) == reference.size
            assert await client.release(reference) == 0
        await client.close()
        pieces, loose = find_database(system, path).read_now(
            lambda connection: [
                connection.execute(f"SELECT count(*) FROM store_{table}").fetchone()[0]  # noqa: S608 -- two names
                for table in ("pieces", "loose")
            ]
        )

    assert said["stored"] - said["releasing"] <= there
    assert there.isdisjoint(said["released"])
    assert len(there - said["stored"]) <= WRITERS
    assert pieces <= loose * 3
    assert loose <= WRITERS


def run_until_killed(path: Path) -> dict[str, set[str]]:
    """Return the ids of what the program said that it had stored, would release, and had released."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(WRITERS)]
    said: dict[str, set[str]] = {"stored": set(), "releasing": set(), "released": set()}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        for number, line in enumerate(program.stdout):
            if not line.endswith("\n"):
                break
            verb, reference_id = line.split()
            said[verb].add(reference_id)
            if number == ENOUGH:
                program.send_signal(signal.SIGKILL)
    return said
