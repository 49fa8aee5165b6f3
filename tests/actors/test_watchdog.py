"""The watchdog tells, while a callback blocks its node, whose it is and where."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorRef, ActorSystem, BlockedReport, Caller, open_system
from actors.watchdog import Watch, Watchman, look_at

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.actors.kinds import Kind

SECONDS = 0.1
"""How long a callback of these tests may block its node."""


class Sale:
    """A message whose type is to be named."""


class Diary(logging.Handler):
    """What was logged, each with the time it came; what waits for a record waits in real time."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[float, logging.LogRecord]] = []
        self.blocked = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append((time.monotonic(), record))
        if self.reports:
            self.blocked.set()

    @property
    def reports(self) -> list[BlockedReport]:
        found: list[Any] = [getattr(record, "report", None) for _, record in self.records]
        return [report for report in found if isinstance(report, BlockedReport)]

    @property
    def last_line(self) -> str:
        return self.records[-1][1].getMessage()


@pytest.fixture
def diary() -> Iterator[Diary]:
    """Listen to what the runtime logs."""
    diary = Diary()
    logger = logging.getLogger("actors")
    logger.addHandler(diary)
    yield diary
    logger.removeHandler(diary)


class Till(Actor):
    """Blocks its node until the watchdog has told so."""

    def __init__(self, diary: Diary) -> None:
        self.diary = diary

    def init(self) -> None:
        """Be a callback of each kind."""

    def handle_call(self, message: object, caller: Caller) -> object:
        self.block_the_node()
        return None

    def handle_cast(self, message: object) -> None:
        self.block_the_node()

    def handle_info(self, message: object) -> None:
        self.block_the_node()

    def terminate(self, reason: object) -> None:
        if not self.diary.reports:
            self.block_the_node()

    def block_the_node(self) -> None:
        assert self.diary.blocked.wait(20.0)


async def call(till: ActorRef) -> None:
    await till.call(Sale(), timeout=None)


async def cast(till: ActorRef) -> None:
    till.cast(Sale())
    await wait_all_tasks_blocked()


async def send(till: ActorRef) -> None:
    till.send(Sale())
    await wait_all_tasks_blocked()


async def stop(till: ActorRef) -> None:
    await till.stop()


@pytest.mark.slow
@pytest.mark.parametrize(("deal", "message"), [(call, "Sale"), (cast, "Sale"), (send, "Sale"), (stop, None)])
async def test_a_callback_that_blocks_is_named_with_its_message_and_its_stack(
    diary: Diary, kind: Kind, deal: Callable[[ActorRef], Awaitable[None]], message: str | None
) -> None:
    async with open_system(watchdog_seconds=SECONDS) as system:
        till = await system.start(kind(Till), diary, name="till")

        await deal(till)

    [report] = diary.reports
    assert (report.ref, report.message) == (till, message)
    assert report.seconds >= SECONDS
    assert "block_the_node" in report.stack
    assert "actors/turn.py" not in report.stack
    assert "trio/_core" not in report.stack


@pytest.mark.slow
async def test_a_blocked_node_is_in_the_log_within_2_seconds(diary: Diary, kind: Kind) -> None:
    async with open_system() as system:
        till = await system.start(kind(Till), diary)
        began = time.monotonic()

        await till.call(Sale(), timeout=None)

    [report] = diary.reports
    assert report.ref == till
    assert diary.records[0][0] - began < 2.0


@pytest.mark.slow
async def test_a_node_that_goes_on_says_how_long_it_was_blocked(diary: Diary, kind: Kind) -> None:
    async with open_system(watchdog_seconds=SECONDS) as system:
        till = await system.start(kind(Till), diary, name="till")
        await till.call(Sale(), timeout=None)
        await wait_all_tasks_blocked()

    assert diary.last_line.startswith("<till #2> lets its node go on, which was blocked for 0.")


@pytest.mark.slow
async def test_a_node_that_stays_blocked_is_reported_again_ten_times_later(diary: Diary) -> None:
    class Stubborn(Till):
        def block_the_node(self) -> None:
            while len(self.diary.reports) < 2:
                time.sleep(0.001)

    async with open_system(watchdog_seconds=0.02) as system:
        till = await system.start(Stubborn, diary)
        await till.call(Sale(), timeout=None)

    first, second = diary.reports
    assert second.seconds >= 10 * first.seconds


class BlockingInit(Till):
    def init(self) -> None:
        self.block_the_node()


class BlockingConstructor(Till):
    def __init__(self, diary: Diary) -> None:
        super().__init__(diary)
        self.block_the_node()


@pytest.mark.slow
@pytest.mark.parametrize("actor", [BlockingInit, BlockingConstructor])
async def test_an_actor_that_blocks_while_it_starts_is_named(diary: Diary, kind: Kind, actor: type[Till]) -> None:
    async with open_system(watchdog_seconds=SECONDS) as system:
        till = await system.start(kind(actor), diary)

    [report] = diary.reports
    assert (report.ref, report.message) == (till, None)
    assert "block_the_node" in report.stack


@pytest.mark.slow
async def test_a_task_that_a_handler_started_is_its_actors(diary: Diary) -> None:
    class Delegating(Till):
        async def handle_cast(self, message: object) -> None:  # type: ignore[override]
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self.block_in_a_task)

        async def block_in_a_task(self) -> None:
            self.block_the_node()

    async with open_system(watchdog_seconds=SECONDS) as system:
        till = await system.start(Delegating, diary)
        await cast(till)

    [report] = diary.reports
    assert (report.ref, report.message) == (till, "Sale")
    assert "block_in_a_task" in report.stack


@pytest.mark.slow
async def test_a_handler_that_was_called_is_blamed_not_the_one_that_called(diary: Diary, kind: Kind) -> None:
    class Customer(Actor):
        async def handle_cast(self, till: ActorRef) -> None:
            await till.call(Sale(), timeout=None)

    async with open_system(watchdog_seconds=SECONDS) as system:
        till = await system.start(kind(Till), diary)
        customer = await system.start(Customer)
        customer.cast(till)
        await wait_all_tasks_blocked()

    assert [report.ref for report in diary.reports] == [till]


@pytest.mark.slow
async def test_what_is_no_actors_is_reported_as_such(diary: Diary) -> None:
    async with open_system(watchdog_seconds=SECONDS):
        await trio.lowlevel.checkpoint()
        assert diary.blocked.wait(20.0)

    [report] = diary.reports
    assert (report.ref, report.message) == (None, None)
    assert "test_what_is_no_actors" in report.stack
    assert str(report).startswith("something that is no actor's blocks its node for 0.1 s:\n")


@pytest.mark.slow
async def test_an_actor_is_reported_by_its_own_system_alone(diary: Diary, kind: Kind) -> None:
    class Slow(Till):
        def block_the_node(self) -> None:
            assert self.diary.blocked.wait(20.0)
            time.sleep(2 * SECONDS)

    async with (
        open_system(watchdog_seconds=SECONDS) as system,
        open_system(watchdog_seconds=SECONDS),
    ):
        till = await system.start(kind(Slow), diary)
        await till.call(Sale(), timeout=None)

    assert [report.ref for report in diary.reports] == [till]


# What follows keeps the watchdog's time by hand.


class Inspector(Actor):
    """Has the watch look at its own node at the times that a message says, without letting it go on."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def handle_cast(self, times: list[float]) -> None:
        for now in times:
            self.watch.check(self.watch.due + now)


class AsynchronousInspector(Inspector):
    """Has a task of its own to do so in."""

    async def handle_cast(self, times: list[float]) -> None:  # type: ignore[override]
        super().handle_cast(times)


async def test_a_node_is_blocked_if_it_is_twice_in_one_task(system: ActorSystem, diary: Diary, kind: Kind) -> None:
    inspector = await system.start(kind(Inspector), Watch(system, 1.0))

    inspector.cast([0.0, 0.0, 0.0])
    await wait_all_tasks_blocked()

    assert [(report.ref, report.seconds) for report in diary.reports] == [(inspector, 1.0)]


async def test_a_node_that_is_not_twice_in_one_task_is_busy_but_not_blocked(system: ActorSystem, diary: Diary) -> None:
    watch = Watch(system, 1.0)
    others = [await system.start(AsynchronousInspector, watch) for _ in range(5)]

    for other in others:
        other.cast([0.0])
    await wait_all_tasks_blocked()

    assert diary.reports == []


async def test_a_program_that_was_stopped_is_not_blocked(system: ActorSystem, diary: Diary, kind: Kind) -> None:
    inspector = await system.start(kind(Inspector), Watch(system, 1.0))

    inspector.cast([0.0, 3600.0, 0.0])
    await wait_all_tasks_blocked()

    assert diary.reports == []


async def test_a_loop_that_goes_on_is_not_blocked(system: ActorSystem, diary: Diary, kind: Kind) -> None:
    inspector = await system.start(kind(Inspector), Watch(system, 1.0))

    for _ in range(10):
        inspector.cast([0.0])
        await wait_all_tasks_blocked()

    assert diary.records == []


async def test_virtual_time_does_not_notice_the_watchdog(system: ActorSystem) -> None:
    async with open_system(watchdog_seconds=0.001) as other:
        ticker = await other.start(Actor)
        for _ in range(200):
            await trio.sleep(3600.0)
            assert ticker.alive

    assert trio.current_time() == 200 * 3600.0


@pytest.mark.slow
def test_the_thread_ends_when_there_is_nobody_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.watchdog.LINGER", 0.01)
    watchman = Watchman()

    async def main() -> list[threading.Thread]:
        system = ActorSystem(kill_grace=1.0)
        before = set(threading.enumerate())
        watch = Watch(system, 0.01)
        watchman.add(watch)
        thread = set(threading.enumerate()) - before
        watchman.remove(watch)
        return list(thread)

    [thread] = trio.run(main)
    thread.join(20.0)

    assert not thread.is_alive()


@pytest.mark.slow
async def test_a_watch_that_fails_is_reported_and_leaves_the_others_watched(diary: Diary, kind: Kind) -> None:
    class Broken(Watch):
        def check(self, now: float) -> None:
            super().check(now)
            raise LookupError("cannot see")

    async with open_system(watchdog_seconds=SECONDS) as system:
        broken = Broken(system, SECONDS)
        broken.begin()
        till = await system.start(kind(Till), diary)
        await till.call(Sale(), timeout=None)
        broken.end()

    assert till in [report.ref for report in diary.reports]
    assert "the watchdog could not look at a system" in [record.getMessage() for _, record in diary.records]


def test_a_thread_that_is_in_no_task_is_nowhere() -> None:
    assert look_at(threading.get_ident()) is None
    assert look_at(-1) is None


async def test_without_a_watchdog_nobody_is_told(diary: Diary, kind: Kind) -> None:
    class Slow(Till):
        def block_the_node(self) -> None:
            time.sleep(0.1)

    async with open_system(watchdog_seconds=None) as system:
        till = await system.start(kind(Slow), diary)
        await till.call(Sale(), timeout=None)

    assert diary.reports == []


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan, True, "1"])
async def test_a_watchdog_time_that_is_none_is_refused(seconds: Any) -> None:
    with pytest.raises(ValueError, match="watchdog_seconds is a number of seconds more than 0"):
        async with open_system(watchdog_seconds=seconds):
            raise AssertionError


PROGRAM = """
import os, trio
from actors import open_system

async def main():
    async with open_system(watchdog_seconds=0.01):
        await trio.sleep(0.05)
        child = os.fork()
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        raise SystemExit(3)

trio.run(main)
"""


@pytest.mark.slow
def test_a_program_ends_with_the_watchdog_at_work() -> None:
    finished = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (finished.returncode, finished.stdout, finished.stderr) == (3, "", "")
