"""A program with a store and a shared memory under load is killed again and again; what it acknowledged is there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest
import trio

from actors import open_system
from actors.shared_memory import Namespace, SharedMemoryClient
from actors.sqlite import find_database
from actors.store import StoreClient
from supervision import Supervisor
from tests.crash.desk import HANDS, LARGE, NOTE, tree

ROOT: Final = Path(__file__).parents[2]
ROUNDS: Final = max(1, int(os.environ.get("CRASH_ROUNDS", "20")) // 4)


class Told:
    """What all processes have told."""

    def __init__(self) -> None:
        self.stored: set[str] = set()
        self.releasing: set[str] = set()
        self.released: set[str] = set()
        self.put: dict[int, list[str]] = defaultdict(list)
        """The lines of the note by the versions that they have made."""

    def take_in(self, line: str) -> None:
        match line.split():
            case ["put", text, version]:
                self.put[int(version)].append(text)
            case [("stored" | "releasing" | "released") as verb, _, reference_id]:
                getattr(self, verb).add(reference_id)


def run_and_kill(file: Path, number: int, told: Told, seconds: float) -> None:
    """Start a process, and kill it so long after it has begun to work."""
    command = [sys.executable, "-W", "error", "-m", "tests.crash.desk", str(file), str(number)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"running desk {number}\n"
        time.sleep(seconds)
        process.kill()
        for line in process.stdout:
            told.take_in(line)
    assert process.returncode == -9


async def audit(file: Path, told: Told, kills: int) -> None:
    """Open the file as the next process does, and compare."""
    async with open_system() as system:
        await system.start(Supervisor, tree(str(file)))
        store = StoreClient(system.named("store"))
        there = {reference.id: reference for reference in await store.list()}
        for reference in there.values():
            assert len(await store.resolve(reference)) == reference.size
        assert await store.quarantined() == ()
        note = await SharedMemoryClient(system.named("shared_memory")).get(Namespace.GLOBAL, NOTE)
        database = find_database(system, file)
        ((pieces,),) = await database.read(lambda one: one.execute("SELECT count(*) FROM store_pieces").fetchall())
        loose = await database.read(lambda one: one.execute("SELECT seq, pieces FROM store_loose").fetchall())

    assert told.stored - told.releasing <= set(there)
    assert told.released.isdisjoint(there)
    # Each hand may have stored one value that nobody was told of.
    assert len(set(there) - told.stored) <= HANDS * kills
    whole = sum(3 if reference.size > LARGE // 2 else 1 for reference in there.values())
    assert whole <= pieces <= whole + sum(count for _, count in loose)
    assert note is not None
    check_note(note.value.decode().splitlines(), note.version, told, kills)


def check_note(lines: list[str], version: int, told: Told, kills: int) -> None:
    """No version is skipped, repeated or lost: each line stands where its version says."""
    assert version == len(lines) == len(set(lines))
    assert {number: texts for number, texts in told.put.items() if texts != lines[number - 1 : number]} == {}
    assert len(lines) - len(told.put) <= kills


@pytest.mark.slow
@pytest.mark.hang_seconds(60 + 6 * ROUNDS)
def test_what_a_store_and_a_shared_memory_have_acknowledged_is_there_after_each_kill(tmp_path: Path) -> None:
    told, chance = Told(), random.Random(6)  # noqa: S311 -- the same instants in every run
    for number in range(ROUNDS):
        run_and_kill(tmp_path / "desk.db", number, told, chance.uniform(0.02, 0.5))
        if number % 2 or number == ROUNDS - 1:
            trio.run(audit, tmp_path / "desk.db", told, number + 1)

    assert len(told.stored) > ROUNDS * HANDS
    assert len(told.put) > ROUNDS * HANDS
