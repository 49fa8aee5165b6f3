"""A file that somebody else has: it is waited for, the log says for whom, and in the end it is refused."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest
import trio

from actors import ActorSystem, open_system, run_blocking
from actors.delivery import Router, RouterConfig
from actors.queue import Queue, SqliteStore
from actors.sqlite import Database, DatabaseLockedError, open_database
from supervision import ChildSpec, ChildStartError, Supervisor, SupervisorSpec
from tests.actors.sqlite.children import child, line_of, output_of
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import ids_of, insert

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trio.testing import MockClock


async def test_another_system_of_the_process_is_refused(database: Database, path: Path) -> None:
    async with open_system() as other:
        with pytest.raises(DatabaseLockedError, match=f"{path} is open in this process") as raised:
            await open_database(other, path, lock_timeout=0)

    assert raised.value.holder == os.getpid()
    assert raised.value.retryable


async def test_who_waits_for_the_lock_gets_it_when_the_other_closes(path: Path, autojump_clock: MockClock) -> None:
    async with open_system() as first, open_system() as second, trio.open_nursery() as nursery:
        database = await open_database(first, path, inline=True)
        await database.prepare(NOTES)
        await database.commit(insert(1))

        async def close_later() -> None:
            await trio.sleep(1)
            await database.close()

        nursery.start_soon(close_later)
        again = await open_database(second, path, inline=True, lock_timeout=5)

        assert 1 <= trio.current_time() <= 1.1
        assert await ids_of(again) == [1]


async def test_who_waits_for_the_lock_gives_up_in_time(path: Path, autojump_clock: MockClock) -> None:
    async with open_system() as first, open_system() as second:
        await open_database(first, path, inline=True)

        with pytest.raises(DatabaseLockedError, match="was not closed within 3 s"):
            await open_database(second, path, inline=True, lock_timeout=3)

        assert trio.current_time() == pytest.approx(3, abs=0.06)


@pytest.mark.slow
async def test_another_process_is_named_and_lets_go_when_it_is_killed(real_system: ActorSystem, path: Path) -> None:
    with child("hold", path) as holder:
        assert await run_blocking(line_of, holder) == "open"
        with pytest.raises(DatabaseLockedError, match=f"is open in process {holder.pid}") as raised:
            await open_database(real_system, path, lock_timeout=0)
        holder.kill()
        holder.wait()

        database = await open_database(real_system, path)

    assert raised.value.holder == holder.pid
    assert await ids_of(database) == []


@pytest.mark.slow
async def test_a_process_that_was_forked_does_not_have_the_lock(real_system: ActorSystem, path: Path) -> None:
    with child("fork", path) as process:
        assert line_of(process) == "forked"
        process.kill()
        await run_blocking(process.wait)

        await open_database(real_system, path, lock_timeout=0)


@pytest.mark.slow
async def test_another_process_is_refused_and_writes_nothing(database: Database, path: Path) -> None:
    await database.commit(insert(1))

    said = await run_blocking(output_of, "put", path)

    assert said == [f"DatabaseLockedError: {path} is open in process {os.getpid()}, and was not closed within 0 s"]
    assert await ids_of(database) == [1]


async def test_whom_it_waits_for_and_how_long_is_logged(
    path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "actors")
    me = f"this process ({os.getpid()})"
    async with open_system() as first, open_system() as second, trio.open_nursery() as nursery:
        database = await open_database(first, path, inline=True)

        async def close_later() -> None:
            await trio.sleep(10)
            await database.close()

        nursery.start_soon(close_later)
        await open_database(second, path, inline=True)

    told = [(record.levelname, record.getMessage()) for record in caplog.records if record.module == "lock"]
    assert told == [
        ("WARNING", f"{path} is open in {me}; waiting up to 30 s for it to be closed"),
        ("INFO", f"{path} was closed by {me} after 10.0 s, and is open here"),
    ]


async def test_who_does_not_wait_logs_nothing(
    path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_system() as first, open_system() as second:
        await open_database(first, path, inline=True)

        with pytest.raises(DatabaseLockedError, match="was not closed within 0 s"):
            await open_database(second, path, inline=True, lock_timeout=0)

    assert (caplog.records, trio.current_time()) == ([], 0.0)


async def test_who_stops_waiting_leaves_the_file_to_others(path: Path, autojump_clock: MockClock) -> None:
    async with open_system() as first, open_system() as second, open_system() as third:
        database = await open_database(first, path, inline=True)
        with trio.move_on_after(5):
            await open_database(second, path, inline=True)
        await database.close()

        await open_database(third, path, inline=True, lock_timeout=0)

    assert trio.current_time() == 5.0


def router(path: Path, seconds: float) -> ChildSpec:
    return ChildSpec("service", Router, (RouterConfig(database=str(path), lock_timeout=seconds),), name="service")


def queue(path: Path, seconds: float) -> ChildSpec:
    return ChildSpec("service", Queue, (SqliteStore(path, lock_timeout=seconds),), name="service")


services = pytest.mark.parametrize("service", [router, queue])


@pytest.mark.slow
@services
async def test_a_new_node_waits_for_the_one_that_has_the_file(
    service: Callable[[Path, float], ChildSpec], real_system: ActorSystem, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "actors")
    with child("hold", path) as old:
        assert await run_blocking(line_of, old) == "open"
        with caplog.filtering(AtFirstRecord(old.kill)):
            await real_system.start(Supervisor, SupervisorSpec([service(path, 60)]))

    assert real_system.whereis("service") is not None
    assert caplog.messages == [f"{path} is open in process {old.pid}; waiting up to 60 s for it to be closed"]


class AtFirstRecord(logging.Filter):
    """Lets every record pass, and calls a function at the first."""

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__()
        self.functions = [function]

    def filter(self, record: logging.LogRecord) -> bool:
        while self.functions:
            self.functions.pop()()
        return True


@pytest.mark.slow
@services
async def test_a_new_node_that_waited_in_vain_does_not_start_and_says_who_has_the_file(
    service: Callable[[Path, float], ChildSpec], real_system: ActorSystem, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with child("hold", path) as old:
        assert await run_blocking(line_of, old) == "open"

        with pytest.raises(ChildStartError, match=f"{path} is open in process {old.pid}, and was not closed within 0"):
            await real_system.start(Supervisor, SupervisorSpec([service(path, 0.1)]))


@pytest.mark.parametrize("seconds", [-1, "long", None, True])
def test_what_is_no_time_to_wait_is_refused(seconds: object, path: Path) -> None:
    with pytest.raises(ValueError, match=f"lock_timeout is .*{seconds!r}"):
        RouterConfig(lock_timeout=seconds)  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(ValueError, match=f"lock_timeout is a number of seconds, 0 or more; got {seconds!r}"):
        SqliteStore(path, lock_timeout=seconds)  # type: ignore[arg-type]  # as above
