"""Messages that handlers send under ids that others send too, before it is known whose are stored."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorSystem, open_system
from actors.delivery import DeliveryOptions, DurableActor, Guarantee, Receipt, Router, RouterConfig, RouterRef
from actors.sqlite import find_database, open_database
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.delivery.accounts import ONCE, Account, Credit, Transfer
from tests.actors.delivery.receivers import Receiver, Slow

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def file(tmp_path: Path, autojump_clock: MockClock) -> Path:
    return tmp_path / "messages.db"


@asynccontextmanager
async def program(file: Path, **actors: tuple[Any, ...]) -> AsyncIterator[tuple[ActorSystem, RouterRef]]:
    async with open_system() as system:
        await open_database(system, file, inline=True)
        children = [
            ChildSpec("router", Router, (RouterConfig(database=str(file)),), name="router"),
            *(ChildSpec(name, actor, tuple(args), name=name) for name, (actor, *args) in actors.items()),
        ]
        await system.start(Supervisor, SupervisorSpec(children, intensity=1_000, period=1.0))
        yield system, RouterRef(system)


class Teller(DurableActor):
    """It sends what it is told, and takes its time until it returns, or fails."""

    def __init__(self, receipts: list[Receipt], seconds: float, *, fails: bool = False) -> None:
        self._receipts = receipts
        self._seconds = seconds
        self._fails = fails

    async def handle_cast(self, message: str) -> None:
        self._receipts.append(await RouterRef(self.system).send("receiver", message, ONCE, id="the id"))
        await trio.sleep(self._seconds)
        if self._fails:
            raise RuntimeError


async def test_what_a_zombie_has_sent_does_not_stand_for_what_its_successor_sends(file: Path) -> None:
    lingering: list[str] = []

    class Lingering(Account):
        async def handle_cast(self, message: Transfer | Credit) -> None:
            await super().handle_cast(message)
            if not lingering:
                lingering.append("once")
                with trio.CancelScope(shield=True):
                    await trio.sleep(30)

    async with program(file, left=(Lingering,), right=(Account,)) as (system, router):
        receipt = await router.send("left", Transfer(30, "right"), ONCE)
        await trio.sleep(1)
        system.named("left").kill()
        await receipt.acknowledged()
        await trio.sleep(60)

        assert [await system.named(name).call("balance") for name in ("left", "right")] == [70, 130]


@pytest.mark.parametrize("seconds", [1.0, 9.0])
async def test_what_one_handler_failed_to_send_does_not_stand_for_what_another_has_sent(
    file: Path, seconds: float
) -> None:
    notes: list[object] = []
    sent: list[Receipt] = []
    actors: dict[str, Any] = {"failing": (Failing, sent, 5.0), "teller": (Teller, sent, seconds)}
    async with program(file, receiver=(Receiver, notes), **actors) as (system, _):
        system.named("failing").cast("tea")
        await trio.sleep(0.5)
        system.named("teller").cast("tea")
        await trio.sleep(20)

        await sent[1].acknowledged()
        assert notes == ["tea"]


class Failing(Teller):
    """It sends what it is told, and fails."""

    def __init__(self, receipts: list[Receipt], seconds: float) -> None:
        super().__init__(receipts, seconds, fails=True)


async def test_what_a_handler_failed_to_send_does_not_stand_for_what_is_sent_from_outside(file: Path) -> None:
    notes: list[object] = []
    sent: list[Receipt] = []
    async with program(file, receiver=(Receiver, notes), failing=(Failing, sent, 5.0)) as (system, router):
        system.named("failing").cast("tea")
        await trio.sleep(1)
        receipt = await router.send("receiver", "tea", ONCE, id="the id")
        await trio.sleep(20)

        await receipt.acknowledged()
        assert notes == ["tea"]


@pytest.mark.parametrize("slowness", [0.0, 60.0])
async def test_what_two_handlers_send_under_one_id_at_the_same_time_is_handled_once(
    file: Path, slowness: float
) -> None:
    notes: list[object] = []
    sent: list[Receipt] = []
    tellers: dict[str, Any] = {"one": (Teller, sent, 5.0), "two": (Teller, sent, 6.0)}
    async with program(file, receiver=(Slow, notes, slowness / 4), **tellers) as (system, router):
        for name in tellers:
            system.named(name).cast("tea")
        await trio.sleep(1)
        assert len(sent) == 2
        for receipt in sent:
            await receipt.acknowledged()
        await router.drained()

        assert notes == ["tea"]
        await trio.sleep(1)
        rows = await find_database(system, file).read(lambda one: one.execute(COUNT).fetchone())
        assert rows == (0,)


COUNT = "SELECT count(*) FROM delivery_messages"
AGAIN = """INSERT INTO delivery_messages (router, number, receiver, id, body, options, created, due)
    SELECT router, number + 100, receiver, id, body, options, created, due FROM delivery_messages"""


async def test_what_a_killed_process_has_stored_twice_under_one_id_is_handled_once(file: Path) -> None:
    notes: list[object] = []
    async with program(file, receiver=(Slow, notes, 1_000.0)) as (system, router):
        await router.send("receiver", "tea", ONCE, id="the id")
        await find_database(system, file).commit((AGAIN, ()))

    async with program(file, receiver=(Receiver, notes)) as (system, router):
        await trio.sleep(10)
        assert notes == ["tea"]
        assert await find_database(system, file).read(lambda one: one.execute(COUNT).fetchone()) == (0,)


async def test_what_a_task_beside_a_handler_sends_is_stored_also_when_that_returns_meanwhile(file: Path) -> None:
    notes: list[object] = []

    class Starter(DurableActor):
        async def handle_cast(self, message: int) -> None:
            running = trio.Event()

            async def send() -> None:
                running.set()
                await self.send_durably("receiver", message)

            trio.lowlevel.spawn_system_task(send, context=copy_context())
            await running.wait()

    async with program(file, starter=(Starter,), receiver=(Receiver, notes)) as (system, _):
        for number in range(30):
            system.named("starter").cast(number)
        await trio.sleep(1)

    assert sorted(notes) == list(range(30))  # type: ignore[type-var]  # numbers


async def test_ids_derive_from_the_place_of_a_message_whatever_was_sent_before(file: Path) -> None:
    class Paymaster(DurableActor):
        async def handle_cast(self, message: str) -> None:
            for name in ("left", "right"):
                await RouterRef(self.system).send(name, Credit(5), ONCE)

    pay = DeliveryOptions(guarantee=Guarantee.AT_LEAST_ONCE)
    async with program(file, paymaster=(Paymaster,), left=(Account,), right=(Account,)) as (system, router):
        for _ in range(2):
            await (await router.send("paymaster", "pay", pay, id="payday")).acknowledged()
        await router.drained()

        assert [await system.named(name).call("balance") for name in ("left", "right")] == [105, 105]
