"""What is stored of messages that were given up, and of those that wait for their time."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from actors import Actor, open_system
from actors.delivery import (
    DeliveryFailedError,
    DeliveryOptions,
    Guarantee,
    MessageExpiredError,
    NoRouterError,
    Router,
    RouterClosedError,
    RouterConfig,
    RouterRef,
    Status,
)
from actors.sqlite import find_database, open_database
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.delivery.receivers import Receiver, Slow

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

    from actors import ActorSystem
    from tests.actors.delivery.conftest import Run

DURABLE = DeliveryOptions(durable=True)
ONE_ATTEMPT = DeliveryOptions(durable=True, max_retries=1)
FIVE_SECONDS = DeliveryOptions(durable=True, expires_after=5.0)

NO_ROOM = "CREATE TRIGGER full BEFORE INSERT ON delivery_messages BEGIN SELECT RAISE(ABORT, 'no room'); END"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


class Unreadable(Receiver):
    """It fails with the name of a file that is no text."""

    def handle_cast(self, message: object) -> None:
        raise OSError("no file caf\udce9")


async def test_an_error_that_is_no_text_is_stored_with_its_dead_letter(run: Run) -> None:
    async with run(receiver=(Unreadable, [])) as (_, router):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("receiver", "tea", DURABLE)).acknowledged()

    async with run(receiver=(Receiver, [])) as (_, router):
        (letter,) = router.dead_letters
        assert str(letter.faults[-1].reason) == r"OSError: no file caf\udce9"
        assert router.statistics().pending == 0


async def test_what_expired_has_expired_for_the_next_program_too(run: Run) -> None:
    async with run(receiver=(Slow, [], 1_000.0)) as (_, router):
        with pytest.raises(MessageExpiredError):
            await (
                await router.send("receiver", "tea", DeliveryOptions(durable=True, expires_after=5.0))
            ).acknowledged()

    async with run() as (_, router):
        (letter,) = router.dead_letters
        assert letter.status is Status.EXPIRED
        assert isinstance(letter.error, MessageExpiredError)


async def test_a_dead_letter_that_made_room_is_not_there_for_the_next_program(run: Run) -> None:
    config = RouterConfig(max_dead_letters=2)
    async with run(config) as (_, router):
        for name in ("ann", "bob", "joe"):
            with pytest.raises(DeliveryFailedError):
                await (await router.send(name, "tea", ONE_ATTEMPT, id="order 1")).acknowledged()

    async with run() as (_, router):
        assert [letter.to for letter in router.dead_letters] == ["bob", "joe"]
        router.dead_letters.discard(router.dead_letters["order 1"])

    async with run() as (_, router):
        assert [letter.to for letter in router.dead_letters] == ["bob"]


async def test_a_dead_letter_of_a_router_that_stores_everything_is_replayed(run: Run) -> None:
    notes: list[object] = []
    async with run(RouterConfig(durable=True, max_retries=1)) as (_, router):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("receiver", "tea")).acknowledged()

    async with run(RouterConfig(durable=True), receiver=(Receiver, notes)) as (_, router):
        (letter,) = router.dead_letters
        await router.dead_letters.replay(letter).acknowledged()

    assert notes == ["tea"]
    async with run() as (_, router):
        assert (list(router.dead_letters), router.statistics().pending) == ([], 0)


async def test_what_was_stored_stays_durable_when_the_router_is_told_otherwise(run: Run) -> None:
    async with run(RouterConfig(durable=True), receiver=(Slow, [], 1_000.0)) as (_, router):
        await router.send("receiver", "tea")

    notes: list[object] = []
    async with run() as (system, router):
        await trio.sleep(3_600)
        await system.start(Receiver, notes, name="receiver")
        await router.drained()

    assert notes == ["tea"]


async def test_a_dead_letter_that_cannot_be_stored_again_is_kept(run: Run, tmp_path: Path) -> None:
    async with run() as (system, router):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("receiver", "tea", ONE_ATTEMPT)).acknowledged()
        (letter,) = router.dead_letters
        await find_database(system, tmp_path / "messages.db").commit((NO_ROOM, ()))

        with pytest.raises(DeliveryFailedError):
            await router.dead_letters.replay(letter).acknowledged()

        assert list(router.dead_letters) == [letter]

    async with run() as (_, router):
        assert [letter.to for letter in router.dead_letters] == ["receiver"]


async def test_a_stored_dead_letter_that_is_not_taken_is_there_for_the_next_program(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """It was stored by a router that stores everything, and its successor stores only what it is told to."""
    path = tmp_path / "messages.db"
    async with open_system() as system:
        await open_database(system, path, inline=True)
        first = await system.start(Router, RouterConfig(database=path, durable=True, max_retries=1), name="router")
        router = RouterRef(system)
        with pytest.raises(DeliveryFailedError):
            await (await router.send("receiver", "tea")).acknowledged()
        await first.stop()
        await system.start(Router, RouterConfig(database=path, max_retries=1), name="router")
        (letter,) = router.dead_letters
        with pytest.raises(TypeError, match="a message is for a name"):
            router.dead_letters.replay(letter, to=5)
        assert list(router.dead_letters) == [letter]

    async with open_system() as system:
        await open_database(system, path, inline=True)
        await system.start(Router, RouterConfig(database=path), name="router")
        assert [letter.message for letter in RouterRef(system).dead_letters] == ["tea"]


@pytest.mark.parametrize("delay", [0.0, 100.0])
async def test_who_waits_for_what_a_closed_router_had_is_told_and_the_next_program_has_it(
    run: Run, delay: float
) -> None:
    notes: list[object] = []
    async with run(receiver=(Slow, [], 1_000.0)) as (_, router):
        receipt = await router.send("receiver", "tea", DURABLE, delay=delay)
        router.close()
        with pytest.raises(RouterClosedError), trio.fail_after(1):
            await receipt.acknowledged()

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(200)

    assert notes == ["tea"]


async def test_who_waits_for_a_delayed_message_when_the_system_is_left_is_told(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    path = str(tmp_path / "messages.db")
    async with open_system() as system:
        await open_database(system, path, inline=True)
        await system.start(Router, RouterConfig(database=path), name="router")
        receipt = await RouterRef(system).send("receiver", "tea", DURABLE, delay=100.0)

    with pytest.raises(RouterClosedError), trio.fail_after(1):
        await receipt.acknowledged()


async def test_before_the_router_has_its_database_a_durable_message_is_refused_for_now(
    system: ActorSystem, tmp_path: Path
) -> None:
    path = str(tmp_path / "messages.db")
    router = RouterRef(system)
    refused: list[NoRouterError] = []

    class Late(Router):
        async def init(self) -> None:
            with pytest.raises(NoRouterError, match="router 'router' has not started yet") as error:
                await router.send("receiver", "tea", DURABLE)
            refused.append(error.value)
            await super().init()

    await open_database(system, path, inline=True)
    child = ChildSpec("router", Late, args=(RouterConfig(database=path),), name="router")
    await system.start(Supervisor, SupervisorSpec([child]))

    assert [error.retryable for error in refused] == [True]


@pytest.mark.parametrize("options", [DURABLE, DeliveryOptions(durable=True, guarantee=Guarantee.EXACTLY_ONCE)])
async def test_what_is_handled_after_the_router_was_closed_is_done(run: Run, options: DeliveryOptions) -> None:
    notes: list[object] = []
    async with run(receiver=(Slow, notes, 5.0)) as (_, router):
        await router.send("receiver", "tea", options)
        router.close()
        await trio.sleep(10)

    async with run(receiver=(Receiver, notes)) as (_, router):
        await trio.sleep(10)

    assert notes == ["tea"]


def time_on(day: int) -> float:
    return day * 86_400 + trio.current_time()


async def test_nothing_waits_longer_because_the_clock_was_set_back(tmp_path: Path, autojump_clock: MockClock) -> None:
    path = str(tmp_path / "messages.db")
    notes: list[tuple[object, float]] = []
    begun = 0.0

    class Timed(Actor):
        def handle_cast(self, message: object) -> None:
            notes.append((message, trio.current_time() - begun))

    for day in (10, 2):
        async with open_system() as system:
            await open_database(system, path, inline=True)
            config = RouterConfig(database=path, clock=partial(time_on, day))
            await system.start(Router, config, name="router")
            router = RouterRef(system)
            if day == 10:
                await router.send("receiver", "tea", DURABLE)
                await router.send("receiver", "coffee", DURABLE, delay=60.0)
            else:
                begun = trio.current_time()
                await system.start(Timed, name="receiver")
                await trio.sleep(100)

    assert notes == [("tea", 0.0), ("coffee", 60.0)]
