"""A router with very many messages is restarted or closed: others have their turn meanwhile, and may do anything."""

from __future__ import annotations

import logging
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import attrs
import hypothesis.strategies as st
import pytest
import trio
from hypothesis import given

from actors import open_system
from actors.backoff import Backoff
from actors.delivery import (
    DeliveryFailedError,
    DeliveryOptions,
    Guarantee,
    Router,
    RouterClosedError,
    RouterConfig,
    RouterRef,
)
from actors.delivery.lane import Lane
from actors.delivery.plan import AT_ONCE
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.delivery.receivers import Receiver, Slow
from tests.actors.steps import measured_steps

if TYPE_CHECKING:
    from trio.testing import MockClock

    from actors import ActorSystem
    from actors.delivery import Receipt
    from tests.actors.delivery.conftest import Run, Supervise

SOME = 10 * AT_ONCE
MANY = 100_000
MOST_SECONDS = 0.005
"""About a millisecond, on a machine that has others things to do."""

NO_ACK = DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE)
ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


async def supervised(system: ActorSystem, **config: Any) -> RouterRef:
    config.setdefault("breaker", None)
    child = ChildSpec("router", Router, args=(RouterConfig(**config),), name="router")
    await system.start(Supervisor, SupervisorSpec([child], intensity=1_000, period=1.0))
    return RouterRef(system)


async def turns(count: int) -> None:
    """Let others have so many turns."""
    for _ in range(count):
        await trio.lowlevel.checkpoint()


class Gate(Receiver):
    """It handles nothing until it is told to, or crashes."""

    def __init__(self, notes: list[object], gate: trio.Event) -> None:
        super().__init__(notes)
        self.gate = gate

    async def handle_cast(self, message: object) -> None:
        await self.gate.wait()
        self.notes.append(message)


async def fill(router: RouterRef, count: int, options: DeliveryOptions | None = None) -> list[Receipt]:
    return [await router.send("receiver", number, options) for number in range(count)]


async def restarting(system: ActorSystem, router: RouterRef) -> None:
    """Kill the router, and return when the next one has begun to take over, and has much to do yet."""
    ledger = router._ledger
    before = ledger.exchange
    system.named("router").kill()
    while ledger.exchange is before:
        await trio.lowlevel.checkpoint()
    assert ledger.exchange is not None
    assert ledger.exchange.returned is not None


async def test_what_comes_while_a_router_takes_over_overtakes_nothing(system: ActorSystem) -> None:
    notes: list[object] = []
    gate = trio.Event()
    router = await supervised(system)
    await system.start(Gate, notes, gate, name="receiver")
    await fill(router, SOME)
    await restarting(system, router)

    later = [SOME, SOME + 1, SOME + 2]
    for number, options in zip(later, (None, NO_ACK, ONCE), strict=True):
        router.send_nowait("receiver", number, options)
    gate.set()
    await router.drained()

    assert notes == [*range(SOME), *later]
    assert router.statistics().retries == 0


async def test_no_more_are_under_way_than_may_be_when_a_router_has_taken_over(system: ActorSystem) -> None:
    gate = trio.Event()
    router = await supervised(system, max_concurrent_deliveries=3 * AT_ONCE, max_concurrent_per_target=3 * AT_ONCE)
    await system.start(Gate, [], gate, name="receiver")
    await fill(router, SOME)
    await restarting(system, router)

    await turns(3 * SOME // AT_ONCE)

    assert router.statistics().in_flight == 3 * AT_ONCE
    gate.set()
    await router.drained()
    assert router.statistics().acknowledged == SOME


async def test_what_comes_back_while_a_router_takes_over_is_sent_once(system: ActorSystem) -> None:
    notes: list[object] = []
    gate = trio.Event()
    gate.set()
    router = await supervised(
        system, max_retries=1, max_concurrent_deliveries=SOME, max_concurrent_per_target=SOME // 2
    )
    first = await system.start(Gate, notes, trio.Event(), name="receiver")
    await fill(router, SOME)
    await turns(3)
    await restarting(system, router)

    # The one that is handled fails with its receiver; those that it has not looked at come back.
    first.kill()
    await first.wait()
    await system.start(Gate, notes, gate, name="receiver")
    await router.drained()

    assert sorted(notes) == list(range(1, SOME))  # type: ignore[type-var]  # they are numbers
    assert router.statistics().failed == 1


async def test_what_comes_due_while_a_router_takes_over_is_sent_once(system: ActorSystem) -> None:
    notes: list[object] = []
    router = await supervised(system, max_retries=2, retry_delay=1.0, expires_after=1_000.0)
    await fill(router, SOME)
    await trio.sleep(0.999_999)
    await system.start(Receiver, notes, name="receiver")
    await restarting(system, router)

    await router.drained()

    assert sorted(notes) == list(range(SOME))  # type: ignore[type-var]  # they are numbers
    assert all(before < after for before, after in pairwise(notes))  # type: ignore[operator]  # as above


async def test_a_router_that_is_killed_while_it_takes_over_loses_and_doubles_nothing(system: ActorSystem) -> None:
    notes: list[object] = []
    gate = trio.Event()
    router = await supervised(system)
    await system.start(Gate, notes, gate, name="receiver")
    await fill(router, SOME)

    for wait in range(SOME // AT_ONCE):
        await restarting(system, router)
        await turns(wait)
    gate.set()
    await router.drained()

    assert notes == list(range(SOME))


async def test_a_router_can_be_closed_while_it_takes_over(system: ActorSystem) -> None:
    notes: list[object] = []
    gate = trio.Event()
    router = await supervised(system)
    await system.start(Gate, notes, gate, name="receiver")
    receipts = await fill(router, SOME)
    under_way = router.statistics().in_flight
    await restarting(system, router)

    router.close()
    await router.drained()
    gate.set()
    await trio.sleep(1)

    assert router.statistics().failed == SOME
    assert len(notes) == under_way
    with pytest.raises(RouterClosedError):
        await receipts[-1].acknowledged()


async def test_a_name_may_get_other_instances_while_a_router_takes_over(system: ActorSystem) -> None:
    gate = trio.Event()
    router = await supervised(system, max_concurrent_per_target=1)
    notes: tuple[list[object], list[object]] = ([], [])
    for name, noted in zip(("first", "second"), notes, strict=True):
        await system.start(Gate, noted, gate, name=name)
    router.register("receiver", system.named("first"))
    await fill(router, SOME)
    await restarting(system, router)

    router.register("receiver", system.named("second"))
    gate.set()
    await router.drained()

    assert sorted([*notes[0], *notes[1]]) == list(range(SOME))  # type: ignore[type-var]  # they are numbers
    assert min(map(len, notes)) > SOME // 3


# -- closing


async def test_a_router_that_is_closed_makes_no_attempt_any_more(system: ActorSystem) -> None:
    notes: list[object] = []
    gate = trio.Event()
    router = await supervised(system)
    await system.start(Gate, notes, gate, name="receiver")
    receipts = await fill(router, SOME)
    under_way = router.statistics().in_flight

    router.close()
    gate.set()
    with pytest.raises(RouterClosedError):
        await router.send("receiver", "too late")
    for receipt in receipts[under_way:]:
        with pytest.raises(RouterClosedError):
            await receipt.acknowledged()

    assert notes == list(range(under_way))
    done = router.statistics()
    assert (done.pending, done.in_flight, done.failed + done.acknowledged) == (0, 0, SOME)


async def test_messages_are_given_up_in_their_order_whatever_their_options(system: ActorSystem) -> None:
    router = await supervised(system, expires_after=1_000.0, max_retries=2, retry_delay=500.0)
    all_options = [None, ONCE, DeliveryOptions(timeout=7.0)]
    for number in range(SOME):
        await router.send("nobody", number, all_options[number % 3])

    router.close()
    await router.drained()

    assert [letter.message for letter in router.dead_letters] == list(range(SOME))


async def test_what_was_handled_while_a_router_closes_is_not_there_for_the_next_program(run: Run) -> None:
    notes: list[object] = []
    gate = trio.Event()
    config = RouterConfig(max_concurrent_deliveries=SOME, max_concurrent_per_target=SOME)
    durable = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=True)
    async with run(config, receiver=(Gate, notes, gate)) as (_, router):
        async with trio.open_nursery() as nursery:
            for number in range(SOME):
                nursery.start_soon(router.send, "receiver", number, durable)
        gate.set()
        router.close()
        await router.drained()
        await trio.sleep(1)
    handled = len(notes)

    async with run(config, receiver=(Gate, notes, gate)) as (_, router):
        await router.drained()

    assert 0 < handled <= SOME
    assert sorted(notes) == list(range(SOME))  # type: ignore[type-var]  # they are numbers


async def test_nobody_waits_in_vain_for_many_when_the_system_ends(autojump_clock: MockClock) -> None:
    ended: list[DeliveryFailedError] = []

    async def wait(receipt: Receipt) -> None:
        with pytest.raises(DeliveryFailedError) as raised:
            await receipt.acknowledged()
        ended.append(raised.value)

    async with trio.open_nursery() as nursery:
        with trio.CancelScope() as scope:
            async with open_system() as system:
                router = await supervised(system)
                await system.start(Slow, [], 1_000.0, name="receiver")
                for receipt in await fill(router, SOME):
                    nursery.start_soon(wait, receipt)
                scope.cancel()
                await trio.sleep_forever()

    assert len(ended) == SOME


# -- what is done with


async def test_what_is_done_with_behind_what_waits_is_let_go_of(
    system: ActorSystem, supervise: Supervise, router: RouterRef
) -> None:
    notes: list[object] = []
    supervisor = await supervise(Receiver, notes, backoff=Backoff(10.0))
    for _ in range(2):  # the second restart comes after ten seconds
        system.named("receiver").kill()
        await which_children(supervisor)
    short, long = DeliveryOptions(expires_after=1.0), DeliveryOptions(expires_after=1_000.0)
    for number in range(8 * SOME):
        await router.send("receiver", number, long if number % 100 == 0 else short)
    left = list(range(0, 8 * SOME, 100))

    await trio.sleep(5.0)
    assert router._ledger.exchange is not None
    lane = repr(router._ledger.exchange.lane_of("receiver"))
    await router.drained()

    assert lane == f"<Lane to receiver: 0 under way, {len(left)} waiting, held>"
    assert notes == left


@attrs.define
class Entry:
    """As much of a receipt as a lane looks at."""

    number: int
    rank: int
    final: bool = False

    @property
    def terms(self) -> Entry:
        return self


STEPS = st.one_of(
    st.tuples(st.just("push"), st.integers(-1, 1)),
    st.tuples(st.just("finish"), st.integers(0, 20)),
    st.tuples(st.sampled_from(["take", "purge", "purge some"]), st.just(0)),
)


@given(st.lists(STEPS, max_size=80))
def test_a_lane_keeps_its_order_while_it_is_looked_through(steps: list[tuple[str, int]]) -> None:
    timers = SimpleNamespace(now=lambda: 0.0, add=lambda _deadline, _item: None)
    lane: Any = Lane(SimpleNamespace(timers=timers), "receiver", None, 1)  # type: ignore[arg-type]  # enough
    entries: list[Entry] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("actors.delivery.lane.AT_ONCE", 2)
        patch.setattr("actors.delivery.lane.PURGE_ABOVE", 2)
        for step, value in steps:
            waiting = sorted((one for one in entries if not one.final), key=lambda one: (one.rank, one.number))
            match step:
                case "push":
                    entries.append(Entry(len(entries), value))
                    lane.push(entries[-1])
                case "finish":
                    for entry in waiting[value::2]:
                        entry.final = True
                case "take" if lane.waiting and (taken := lane.take()) is not None:
                    assert taken is waiting[0]
                    taken.final = True
                case "purge":
                    lane.purge(len(waiting))
                case "purge some":
                    lane.purge_some()

            held = [entry for _, _, entry in lane.waiting + lane.unpurged]
            assert [one for one in entries if not one.final and one not in held] == []
            assert not lane.unpurged or lane.waiting[0] < lane.unpurged[0]


def test_what_is_taken_while_a_lane_is_looked_through_is_the_next_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.delivery.lane.AT_ONCE", 2)
    monkeypatch.setattr("actors.delivery.lane.PURGE_ABOVE", 2)
    timers = SimpleNamespace(now=lambda: 0.0, add=lambda _deadline, _item: None)
    lane: Any = Lane(SimpleNamespace(timers=timers), "receiver", None, 1)  # type: ignore[arg-type]  # enough
    entries = [Entry(number, 0, final=number not in {0, 5, 10}) for number in range(15)]
    for entry in entries:
        lane.push(entry)
    lane.purge(3)
    assert lane.unpurged

    lane.push(Entry(15, 0))
    taken = [lane.take() for _ in range(len(lane.waiting) + len(lane.unpurged))]

    assert [entry.number for entry in taken if entry is not None] == [0, 5, 10, 15]


# -- how long it takes


@pytest.mark.slow
@pytest.mark.hang_seconds(120)
async def test_taking_over_100000_messages_takes_the_loop_a_millisecond_at_a_time(system: ActorSystem) -> None:
    router = await supervised(system, expires_after=1_000.0, max_retries=2, retry_delay=500.0)
    await system.start(Gate, [], trio.Event(), name="receiver")
    await fill(router, MANY)

    with measured_steps() as steps:
        await restarting(system, router)
        await turns(2 * MANY // AT_ONCE)

    assert router._ledger.exchange is not None
    assert router._ledger.exchange.returned is None
    assert steps.longest < MOST_SECONDS
    assert router.statistics().pending == MANY


@pytest.mark.slow
@pytest.mark.hang_seconds(120)
async def test_closing_a_router_with_100000_messages_takes_the_loop_a_millisecond_at_a_time(
    system: ActorSystem,
) -> None:
    router = await supervised(system, expires_after=1_000.0, max_retries=2, retry_delay=500.0)
    await system.start(Gate, [], trio.Event(), name="receiver")
    await fill(router, MANY)

    with measured_steps() as steps:
        router.close()
        await router.drained()

    assert router.statistics().failed == MANY
    assert steps.longest < MOST_SECONDS
