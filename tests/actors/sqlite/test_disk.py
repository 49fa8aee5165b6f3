"""The disk: what is acknowledged is on it, whatever happens to the program, the power or the room."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

import pytest

from actors.sqlite import Database, DatabaseFullError
from tests.actors.sqlite.children import child, command, line_of, output_of
from tests.actors.sqlite.notes import ids_at, ids_of, insert
from tests.actors.sqlite.traced import log_between, traced_calls

if TYPE_CHECKING:
    from pathlib import Path

WAL_HEADER: Final = 32
FRAME: Final = 24 + 4096
BIG: Final = "x" * 3000


@pytest.mark.slow
def test_between_the_start_of_a_put_and_its_return_the_log_is_written_and_then_synchronised(path: Path) -> None:
    puts = list(log_between(traced_calls(command("put", path), path.with_suffix(".trace"))))

    assert [name for name, _ in puts] == [str(number) for number in range(20)]
    assert [put for _, put in puts if not re.fullmatch("w+s", put)] == []


@pytest.mark.slow
@pytest.mark.hang_seconds(90)
def test_what_was_acknowledged_is_there_after_kill_9(path: Path) -> None:
    acknowledged: set[int] = set()

    for killed_after in (1, 40, 333, 1000, 2500):
        with child("log", path) as producer:
            acknowledged |= {int(line_of(producer)) for _ in range(killed_after)}
            producer.kill()
            assert producer.stdout is not None
            acknowledged |= {int(line) for line in producer.stdout}

        assert acknowledged <= set(ids_at(path))

    assert len(acknowledged) >= 3874


@pytest.mark.slow
async def test_a_power_loss_takes_nothing_that_was_acknowledged_and_no_part_of_a_unit(
    database: Database, path: Path, tmp_path: Path
) -> None:
    for number in range(5):
        await database.commit(insert(number, BIG))
    safe = length_of_log(path)
    await database.commit(*(insert(number, BIG) for number in range(100, 110)))
    written = length_of_log(path)

    for size in cuts(safe, written):
        kept = [0, 1, 2, 3, 4, *(range(100, 110) if size == written else ())]
        assert ids_at(copy_cut_to(size, path, tmp_path / "after.db")) == kept
    assert (written - safe) // FRAME >= 10


def cuts(safe: int, written: int) -> list[int]:
    """Return where the log may end: at every frame that was not yet synchronised, and within it."""
    ends = range(safe, written + 1, FRAME)
    return [*ends, *(end - FRAME // 2 for end in ends[1:])]


def length_of_log(path: Path) -> int:
    """Return where the last frame ends that belongs to the log: all have the two salts of its header."""
    content = log_of(path).read_bytes()
    end = WAL_HEADER
    while content[end + 8 : end + 16] == content[16:24]:
        end += FRAME
    return end


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def copy_cut_to(size: int, path: Path, copy: Path) -> Path:
    """Copy the file, and *size* bytes of its log."""
    shutil.copyfile(path, copy)
    log_of(copy).write_bytes(log_of(path).read_bytes()[:size])
    return copy


async def allow_pages(database: Database, more: int) -> None:
    """Let the file have only so many pages more than it has."""
    (pages,) = await database.read(lambda connection: connection.execute("PRAGMA page_count").fetchone())
    await database.read(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages + more}").fetchone())


async def test_what_has_no_room_is_told_so_and_not_stored(database: Database) -> None:
    await allow_pages(database, 4)

    stored: list[int] = []
    with pytest.raises(DatabaseFullError, match=f"{database.path} has no room: .*full") as raised:
        await put_for_ever(database, stored)

    assert raised.value.retryable
    assert 0 < len(stored) < 10
    assert await ids_of(database) == stored


async def put_for_ever(database: Database, stored: list[int]) -> None:
    while True:
        await database.commit(insert(len(stored), BIG))
        stored.append(len(stored))


async def test_what_finds_room_is_stored_beside_what_does_not(database: Database) -> None:
    await database.commit(*(insert(number, BIG) for number in range(3)))
    await allow_pages(database, 1)
    told: list[Exception | None] = []

    database.append(*insert(7, BIG * 10), told.append)
    database.append("DELETE FROM notes WHERE id = ?", (1,), told.append)
    database.append(*insert(8), told.append)
    await database.committed()

    assert [type(error).__name__ for error in told] == ["DatabaseFullError", "NoneType", "NoneType"]
    assert await ids_of(database) == [0, 2, 8]


async def test_the_writer_goes_on_when_there_is_room_again(database: Database) -> None:
    await allow_pages(database, 0)
    with pytest.raises(DatabaseFullError):
        await database.commit(insert(1, BIG * 10))

    await allow_pages(database, 100)
    await database.commit(insert(2, BIG * 10))

    assert await ids_of(database) == [2]


@pytest.mark.slow
def test_a_disk_that_refuses_to_write_loses_nothing_that_was_acknowledged(path: Path) -> None:
    (said,) = output_of("fill", path)

    told = re.fullmatch(rf"(\d+) were stored; Database(Write|Full)Error: {path} .*", said)
    assert told is not None, said
    stored = int(told[1])
    assert stored > 0
    assert ids_at(path) == [*range(stored + 1), stored + 2]
