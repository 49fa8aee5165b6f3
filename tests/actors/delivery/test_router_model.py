"""Any script of sends, crashes, kills and time leaves every message delivered or failed, never both."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import Actor, Mailbox, Priority, open_system
from actors.delivery import (
    BreakerOptions,
    DeliveryOptions,
    Guarantee,
    Receipt,
    RouteNotFoundError,
    Router,
    RouterConfig,
    RouterRef,
    RouteTakenError,
    Status,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec

if TYPE_CHECKING:
    from actors import ActorRef, ActorSystem, NameRef

MAILBOXES = [Mailbox(), Mailbox(max_messages=2), Mailbox(max_messages=2, overflow="drop_oldest")]


class Erratic(Actor):
    """It does what its message says: takes its time, crashes before it has noted the message, or after."""

    def __init__(self, notes: list[int]) -> None:
        self.notes = notes

    async def handle_cast(self, message: tuple[int, str]) -> None:
        number, what = message
        if what == "slow":
            await trio.sleep(3.0)
        if what == "crash" and self.notes.count(number) == 0:
            self.notes.append(number)
            raise RuntimeError(number)
        self.notes.append(number)


HOW = st.sampled_from(["name", "name reference", "reference", "route", "pool"])

STEPS = st.one_of(
    st.tuples(
        st.just("burst"),
        st.sampled_from(["one", "two"]),
        st.sampled_from(["good", "slow"]),
        st.lists(HOW, min_size=3, max_size=8),
    ),
    st.tuples(
        st.just("send"),
        st.sampled_from(["one", "two", "nobody"]),
        HOW,
        st.sampled_from(["good", "slow", "crash"]),
        st.builds(
            DeliveryOptions,
            guarantee=st.sampled_from(Guarantee),
            priority=st.sampled_from(Priority),
            max_retries=st.integers(1, 4),
            timeout=st.sampled_from([1.0, 5.0]),
            expires_after=st.sampled_from([None, 4.0]),
            require_ack=st.booleans(),
        ),
    ),
    st.tuples(st.just("kill"), st.sampled_from(["one", "two", "router"])),
    st.tuples(
        st.sampled_from(["register", "unregister"]),
        st.sampled_from(["route", "pool"]),
        st.sampled_from(["one", "two"]),
        st.sampled_from(["name reference", "reference"]),
    ),
    st.tuples(st.just("sleep"), st.sampled_from([0.0, 0.05, 1.0, 7.0])),
)


def tree(notes: list[int], mailbox: Mailbox) -> SupervisorSpec:
    config = RouterConfig(
        max_concurrent_deliveries=3,
        max_concurrent_per_target=2,
        breaker=BreakerOptions(failure_threshold=2, reset_timeout=2.0),
    )
    children = [
        ChildSpec("router", Router, args=(config,), name="router"),
        *(ChildSpec(name, Erratic, args=(notes,), name=name, mailbox=mailbox) for name in ("one", "two")),
    ]
    return SupervisorSpec(children, intensity=1_000, period=1.0)


def instance(system: ActorSystem, to: str, how: str) -> NameRef | ActorRef:
    return (system.whereis(to) if how == "reference" else None) or system.named(to)


def address(system: ActorSystem, to: str, how: str) -> str | NameRef | ActorRef:
    match how:
        case "name":
            return to
        case "route" | "pool":
            return how
        case _:
            return instance(system, to, how)


def check_limits(router: RouterRef) -> None:
    assert router.statistics().in_flight <= 3
    under_way = Counter(attempt.ref for attempt in router._ledger.in_flight())
    assert all(count <= 2 for count in under_way.values())


def check_order(notes: list[int], receipts: list[Receipt]) -> None:
    """What one target was sent at one attempt has arrived in order, whatever it was addressed by."""
    for target in ("one", "two"):
        for priority in Priority:
            handled = [
                number
                for number in dict.fromkeys(notes)
                if (receipt := receipts[number]).attempts == 1
                and receipt.terms.priority is priority
                and target in (receipt.to, getattr(receipt.to, "name", None))
            ]
            assert handled == sorted(handled)


async def play(system: ActorSystem, router: RouterRef, script: list[tuple[Any, ...]]) -> list[Receipt]:
    receipts: list[Receipt] = []
    for step in script:
        match step:
            case ("send", to, how, what, options):
                receipts.append(await router.send(address(system, to, how), (len(receipts), what), options))
            case ("burst", to, what, hows):
                for how in hows:
                    receipts.append(await router.send(address(system, to, how), (len(receipts), what)))
            case ("register", route, to, how):
                with suppress(RouteTakenError):
                    router.register(route, instance(system, to, how))
            case ("unregister", route, to, how):
                with suppress(RouteNotFoundError):
                    router.unregister(route, instance(system, to, how))
            case ("kill", name):
                if (target := system.whereis(name)) is not None:
                    target.kill()
            case ("sleep", seconds):
                await trio.sleep(seconds)
        await trio.testing.wait_all_tasks_blocked()
        check_limits(router)
    return receipts


@pytest.mark.slow
@settings(max_examples=100)
@given(st.lists(STEPS, max_size=25), st.sampled_from(MAILBOXES))
async def test_whatever_happens_a_message_is_delivered_or_failed(
    script: list[tuple[Any, ...]], mailbox: Mailbox
) -> None:
    logging.disable()
    notes: list[int] = []
    async with open_system() as system:
        await system.start(Supervisor, tree(notes, mailbox))
        router = RouterRef(system)
        receipts = await play(system, router, script)
        await trio.sleep(1_000)
        found = router.statistics()
        failed = {letter.id for letter in router.dead_letters}
    logging.disable(logging.NOTSET)

    assert (found.pending, found.in_flight) == (0, 0)
    assert found.acknowledged + found.failed + found.expired == found.routed == len(receipts)
    check_order(notes, receipts)
    for number, receipt in enumerate(receipts):
        assert receipt.final
        assert receipt.attempts <= receipt.max_attempts
        assert (receipt.status is Status.ACKNOWLEDGED) is not (receipt.id in failed)
        if receipt.status is Status.ACKNOWLEDGED and receipt.terms.tracked:
            assert number in notes
        if receipt.guarantee is Guarantee.EXACTLY_ONCE:
            # What crashes notes the message before.
            assert notes.count(number) <= 1 + (receipt.message[1] == "crash")
        if receipt.guarantee is Guarantee.AT_MOST_ONCE:
            assert notes.count(number) <= 1
