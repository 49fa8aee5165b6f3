"""The clock on the wall is set while a router runs, or between two programs, or the machine has slept."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import attrs
import pytest
import trio

from actors import Actor, open_system
from actors.delivery import DeliveryOptions, MessageExpiredError, Router, RouterConfig, RouterRef
from actors.delivery.plan import AT_ONCE
from actors.sqlite import open_database
from actors.wall_clock import LOOK_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock

    from actors import ActorSystem

HOUR = 3600.0
DAY = 24 * HOUR
DURABLE = DeliveryOptions(durable=True)


@attrs.define
class Wall:
    """A clock on the wall that a test sets, and that goes as trio's clock does in between."""

    ahead: float = 10 * DAY

    def __call__(self) -> float:
        return trio.current_time() + self.ahead


class Timed(Actor):
    """It notes when it has handled what."""

    def __init__(self, notes: list[tuple[object, float]]) -> None:
        self.notes = notes

    def handle_cast(self, message: object) -> None:
        self.notes.append((message, trio.current_time()))


@attrs.define
class Bench:
    path: Path
    wall: Wall = attrs.field(factory=Wall)
    notes: list[tuple[object, float]] = attrs.field(factory=list)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[tuple[ActorSystem, RouterRef]]:
        """Run a program that goes by the clock on the wall."""
        async with open_system() as system:
            await open_database(system, self.path, inline=True)
            await system.start(Router, RouterConfig(database=str(self.path), clock=self.wall), name="router")
            yield system, RouterRef(system)

    async def receive(self, system: ActorSystem) -> None:
        await system.start(Timed, self.notes, name="receiver")

    @property
    def handled(self) -> list[object]:
        return [message for message, _ in self.notes]


@pytest.fixture
def bench(tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> Bench:
    caplog.set_level(logging.CRITICAL)
    return Bench(tmp_path / "messages.db")


@pytest.mark.parametrize("waking", [0.0, 7 * HOUR])
async def test_what_is_due_by_a_clock_that_was_set_ahead_is_sent(bench: Bench, waking: float) -> None:
    async with bench.run() as (system, router):
        await bench.receive(system)
        count = 2 * AT_ONCE + 1
        async with trio.open_nursery() as nursery:
            for number in range(count):
                nursery.start_soon(lambda number: router.send("receiver", number, DURABLE, delay=HOUR), number)
        begin = trio.current_time()

        bench.wall.ahead += HOUR + waking
        await trio.sleep(HOUR / 2)

        assert sorted(bench.handled) == list(range(count))  # type: ignore[type-var]  # they are numbers
        assert max(time for _, time in bench.notes) <= begin + LOOK_SECONDS


async def test_what_has_expired_by_a_clock_that_was_set_ahead_is_not_sent(bench: Bench) -> None:
    async with bench.run() as (system, router):
        receipt = await router.send("nobody", "tea", DeliveryOptions(durable=True, expires_after=HOUR, retry_delay=1.0))
        other = await router.send("receiver", "coffee", DeliveryOptions(durable=True, expires_after=HOUR + 1))

        bench.wall.ahead += HOUR
        await bench.receive(system)
        await trio.sleep(LOOK_SECONDS)
        with pytest.raises(MessageExpiredError):
            await receipt.acknowledged()
        await other.acknowledged()

    assert bench.handled == ["coffee"]


async def test_what_has_expired_while_the_machine_slept_is_not_sent_before_anybody_has_looked(bench: Bench) -> None:
    async with bench.run() as (system, router):
        receipt = await router.send("receiver", "tea", DeliveryOptions(durable=True, expires_after=HOUR, max_retries=9))
        await trio.sleep(1.0)

        bench.wall.ahead += 8 * HOUR
        await bench.receive(system)
        with pytest.raises(MessageExpiredError):
            await receipt.acknowledged()

    assert bench.handled == []


async def test_what_was_due_and_has_expired_while_the_machine_slept_is_not_sent(bench: Bench) -> None:
    options = DeliveryOptions(durable=True, expires_after=HOUR)
    async with bench.run() as (system, router):
        await bench.receive(system)
        receipt = await router.send("receiver", "tea", options, delay=HOUR)
        other = await router.send("receiver", "coffee", options, delay=HOUR)
        last = await router.send("receiver", "milk", options, delay=2 * HOUR)

        bench.wall.ahead += 2.5 * HOUR
        for expired in (receipt, other):
            with pytest.raises(MessageExpiredError):
                await expired.acknowledged()
        await last.acknowledged()

    assert bench.handled == ["milk"]


async def test_nothing_waits_longer_because_the_clock_was_set_back_meanwhile(bench: Bench) -> None:
    async with bench.run() as (system, router):
        await bench.receive(system)
        begin = trio.current_time()
        await router.send("receiver", "tea", DURABLE, delay=60.0)
        bench.wall.ahead -= HOUR
        await router.send("receiver", "coffee", DURABLE, delay=90.0)

        await trio.sleep(2 * HOUR)

    assert bench.notes == [("tea", begin + 60.0), ("coffee", begin + 90.0)]


async def test_nothing_lives_longer_because_the_clock_was_set_back_meanwhile(bench: Bench) -> None:
    async with bench.run() as (_, router):
        begin = trio.current_time()
        options = DeliveryOptions(durable=True, expires_after=100.0, max_retries=99, retry_delay=9.0)
        receipt = await router.send("nobody", "tea", options)

        bench.wall.ahead -= HOUR
        with pytest.raises(MessageExpiredError):
            await receipt.acknowledged()

        assert trio.current_time() == pytest.approx(begin + 100.0, abs=0.001)


async def test_a_clock_that_is_set_back_and_right_again_skips_nothing(bench: Bench) -> None:
    async with bench.run() as (system, router):
        await bench.receive(system)
        begin = trio.current_time()
        await router.send("receiver", "tea", DURABLE, delay=HOUR)

        bench.wall.ahead -= 2 * HOUR
        await trio.sleep(HOUR / 2)
        bench.wall.ahead += 2 * HOUR
        await trio.sleep(HOUR)

    assert bench.notes == [("tea", begin + HOUR)]


async def test_a_message_is_not_older_than_it_is_by_what_was_skipped_before(bench: Bench) -> None:
    async with bench.run() as (system, router):
        bench.wall.ahead += 2 * HOUR
        await trio.sleep(LOOK_SECONDS)
        await router.send(
            "receiver", "tea", DeliveryOptions(durable=True, expires_after=HOUR, max_retries=20, backoff=1.0)
        )
        await trio.sleep(1.0)
        await bench.receive(system)
        await router.drained()

    assert bench.handled == ["tea"]


@pytest.mark.parametrize(("hours", "handled"), [(-1, ["tea"]), (0.5, ["tea"]), (2.5, ["milk"])])
async def test_the_next_program_goes_by_the_clock_as_it_is_then(
    bench: Bench, hours: float, handled: list[object]
) -> None:
    options = DeliveryOptions(durable=True, expires_after=HOUR)
    async with bench.run() as (_, router):
        await router.send("receiver", "tea", options)
        await router.send("receiver", "milk", options, delay=2 * HOUR)

    bench.wall.ahead += hours * HOUR
    async with bench.run() as (system, router):
        await bench.receive(system)
        await trio.sleep(1.0)

    assert bench.handled == handled
