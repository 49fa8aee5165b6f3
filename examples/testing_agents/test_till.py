"""Tests of till.py, to copy from. They take no real time: ``python -m pytest test_till.py``."""

import pytest
import trio
from trio.testing import MockClock

from actors import ActorExitedError, ActorRef, ActorSystem, get_state, suspend
from actors.testing import (
    Probe,
    Sent,
    capture_crash_reports,
    crash,
    drop,
    faulty,
    settled,
    start_probe,
    step,
)
from supervision import ChildSpec
from supervision.testing import kill_children, start_supervised
from till import Approve, Bank, Overdue, Pay, Till, Total, shop

pytestmark = pytest.mark.usefixtures("virtual_time")


@pytest.fixture
async def bank(actor_system: ActorSystem) -> Probe:
    return await start_probe(actor_system, name="bank")


@pytest.fixture
async def manager(actor_system: ActorSystem) -> Probe:
    return await start_probe(actor_system, name="manager")


@pytest.fixture
async def till(actor_system: ActorSystem, bank: Probe, manager: Probe) -> ActorRef:
    names = actor_system.named("bank"), actor_system.named("manager")
    return await start_supervised(actor_system, Till, *names, name="till")


async def test_a_payment_is_approved_by_the_bank(till: ActorRef, bank: Probe) -> None:
    paid = till.send_request(Pay(500))

    await bank.expect(Approve(500))
    bank.reply(True)

    assert await paid.wait()
    assert await till.call(Total()) == 500


async def test_a_bank_that_does_not_answer_is_told_to_the_manager(
    till: ActorRef, manager: Probe, virtual_time: MockClock
) -> None:
    till.send_request(Pay(500))

    await manager.expect_none(29.0)
    with manager.within(2.0):
        await manager.expect(Overdue(500))

    assert trio.current_time() == virtual_time.current_time() == 30.0


async def test_a_till_that_crashes_is_back_at_once(actor_system: ActorSystem, till: ActorRef, bank: Probe) -> None:
    bank.monitor(till)

    with capture_crash_reports() as reports, pytest.raises(ActorExitedError):
        await till.call(Pay(-1))

    await bank.expect_down(till, ValueError)
    await settled(actor_system)
    assert await actor_system.named("till").call(Total()) == 0
    assert reports[0].message == Pay(-1)


async def test_one_payment_step_by_step(actor_system: ActorSystem, till: ActorRef, bank: Probe) -> None:
    await suspend(till)
    bank.ref.kill()
    teller = await actor_system.start(Bank, name="bank")
    till.send_request(Pay(500))
    till.send_request(Pay(700))

    first = await step(till)

    assert (first.message, first.reply) == (Pay(500), True)
    assert first.sent == (Sent("call", teller, Approve(500)),)
    assert first.state["cents"] == 500


async def test_a_request_that_is_lost_is_not_paid(actor_system: ActorSystem, manager: Probe) -> None:
    lost = drop(on=2)
    await start_supervised(actor_system, faulty(Bank, lost), name="bank")
    names = actor_system.named("bank"), actor_system.named("manager")
    till = await start_supervised(actor_system, Till, *names, name="till")

    paid = [await till.call(Pay(100), timeout=60.0) for _ in range(3)]

    assert paid == [True, False, True]
    await manager.expect(Overdue(100))
    assert lost.struck == 1


async def test_a_bank_that_crashes_takes_the_payment_along(actor_system: ActorSystem, manager: Probe) -> None:
    shaky = ChildSpec("bank", faulty(Bank, crash(on=1)), name="bank")
    await start_supervised(actor_system, shaky)
    names = actor_system.named("bank"), actor_system.named("manager")
    await start_supervised(actor_system, Till, *names, name="till")
    till = actor_system.named("till")

    with capture_crash_reports(), pytest.raises(ActorExitedError):
        await till.call(Pay(100))
    await settled(actor_system)

    assert await till.call(Pay(100))
    assert await get_state(till) == {"bank": names[0], "manager": names[1], "cents": 100}


async def test_the_shop_stays_open_whoever_dies(actor_system: ActorSystem) -> None:
    tree = shop(actor_system.named("bank"), actor_system.named("manager"))
    ref = await start_supervised(actor_system, tree)

    async with kill_children(actor_system, ref, every=10.0) as killed:
        await trio.sleep(3600.0)

    assert len(killed) == 359
    assert await actor_system.named("till").call(Pay(100))
