"""Epochs: who was replaced writes nothing any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from actors import Actor, ActorSystem
from actors.sqlite import Database, DatabaseCorruptError, Epoch, StaleEpochError, find_database, open_database
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import ids_of, insert

if TYPE_CHECKING:
    from pathlib import Path


async def test_an_older_epoch_is_refused_and_nothing_of_it_is_stored(database: Database) -> None:
    old = await database.claim("till")
    new = await database.claim("till")

    with pytest.raises(StaleEpochError, match=f"{database.path}: epoch 1 of 'till' is over, for 2 began"):
        await database.commit(insert(1), insert(2), epoch=old)
    await database.commit(insert(3), epoch=new)

    assert await ids_of(database) == [3]
    assert database.statistics().refused == 1
    assert (repr(old), repr(new)) == ("<Epoch 1 of 'till', over>", "<Epoch 2 of 'till'>")


async def test_what_was_appended_before_the_claim_is_stored_before_it(database: Database) -> None:
    old = await database.claim("till")
    told: list[object] = []

    database.append(*insert(1), told.append, old)
    await database.claim("till")

    assert told == [None]
    assert await ids_of(database) == [1]


async def test_a_refusal_is_told_in_its_turn_and_never_from_within_append(database: Database) -> None:
    old = await database.claim("till")
    await database.claim("till")
    told: list[object] = []

    database.append(*insert(1), lambda error: told.append(1))
    database.append(*insert(2), lambda error: told.append(type(error)), old)
    database.append(*insert(3), lambda error: told.append(3))
    at_once = list(told)
    await database.committed()

    assert at_once == []
    assert told == [1, StaleEpochError, 3]


async def test_owners_do_not_touch_each_other(database: Database) -> None:
    till = await database.claim("till")
    await database.claim("store")
    await database.claim("store")

    await database.commit(insert(1), epoch=till)

    assert till.current


async def test_epochs_go_on_when_the_file_is_opened_again(
    real_system: ActorSystem, database: Database, path: Path, *, inline: bool
) -> None:
    await database.claim("till")
    await database.close()

    again = await open_database(real_system, path, inline=inline)

    assert (await again.claim("till")).number == 2


async def test_who_was_forgotten_writes_nothing_although_the_name_is_claimed_again(database: Database) -> None:
    old = await database.claim("till")
    told: list[object] = []
    database.append(*insert(1), told.append, old)

    await database.forget("till", insert(2))
    with pytest.raises(StaleEpochError, match="epoch 1 of 'till' is over, for that was forgotten"):
        await database.commit(insert(3), epoch=old)
    new = await database.claim("till")
    with pytest.raises(StaleEpochError, match=f"epoch 1 of 'till' is over, for {new.number} began"):
        await database.commit(insert(4), epoch=old)
    await database.commit(insert(5), epoch=new)

    assert told == [None]
    assert await ids_of(database) == [1, 2, 5]
    assert (old.current, new.current) == (False, True)


async def test_nothing_is_left_in_the_file_of_who_was_forgotten(database: Database) -> None:
    till = await database.claim("till")
    await database.claim("store")

    await database.forget("till")
    await database.forget("nobody")

    assert repr(till) == "<Epoch 1 of 'till', over>"
    assert await database.read(lambda one: one.execute("SELECT * FROM actors_epochs").fetchall()) == [("store", 1)]


class Till(Actor):
    """Notes each number in the file, and shields itself where it must not."""

    def __init__(self, path: Path, stuck: trio.Event, told: list[object]) -> None:
        self.path = path
        self.stuck = stuck
        self.told = told

    async def init(self) -> None:
        self.database = await open_database(self.system, self.path, inline=True)
        await self.database.prepare(NOTES)
        self.epoch: Epoch = await self.database.claim("till")

    async def handle_cast(self, message: int) -> None:
        with trio.CancelScope(shield=True):
            await self.stuck.wait()
        self.database.append(*insert(message), self.told.append, self.epoch)


async def test_a_zombie_writes_nothing_after_its_successor(system: ActorSystem, path: Path) -> None:
    stuck, told = trio.Event(), list[object]()
    zombie = await system.start(Till, path, stuck, told)
    zombie.cast(1)
    await trio.testing.wait_all_tasks_blocked()
    zombie.kill()
    await zombie.wait()

    free = trio.Event()
    free.set()
    successor = await system.start(Till, path, free, told)
    successor.cast(2)
    stuck.set()
    await trio.testing.wait_all_tasks_blocked()

    database = find_database(system, path)
    assert await ids_of(database) == [2]
    assert sorted(type(error).__name__ for error in told) == ["NoneType", "StaleEpochError"]


async def test_a_database_outlives_the_actors_that_use_it(system: ActorSystem, path: Path) -> None:
    free = trio.Event()
    free.set()
    first = await system.start(Till, path, free, [])
    database = find_database(system, path)
    first.cast(1)
    await first.stop()

    second = await system.start(Till, path, free, [])
    second.cast(2)
    await second.stop()

    assert find_database(system, path) is database
    assert await ids_of(database) == [1, 2]


async def test_damaged_epochs_are_found_at_the_start(database: Database, real_system: ActorSystem, path: Path) -> None:
    root = await database.read(lambda one: one.execute(PAGE_OF_EPOCHS).fetchone()[0])
    await database.close()
    wipe_page(path, root)

    for _ in range(2):
        with pytest.raises(DatabaseCorruptError, match=f"{path} is damaged"):
            await open_database(real_system, path, inline=database.inline)


PAGE_OF_EPOCHS = "SELECT rootpage FROM sqlite_schema WHERE name = 'actors_epochs'"


def wipe_page(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * 4096)
        file.write(bytes(4096))
