"""One target has one order, one bound and one circuit breaker, whatever its messages are addressed by."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio

from actors.delivery import BreakerOptions, BreakerState, DeliveryFailedError, DeliveryOptions, Guarantee
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.delivery.receivers import Fragile, Receiver, Slow

if TYPE_CHECKING:
    from actors import ActorRef, ActorSystem, NameRef
    from actors.delivery import RouterRef
    from tests.actors.delivery.conftest import StartRouter, Supervise

ONE_TRY = DeliveryOptions(max_retries=1)
ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, timeout=1.0, max_retries=20)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def addresses(system: ActorSystem, router: RouterRef) -> list[str | ActorRef | NameRef]:
    """Return what leads to the receiver: also a name of the router's that nobody else has."""
    reference = system.whereis("receiver")
    assert reference is not None
    router.register("till", reference)
    return ["receiver", system.named("receiver"), reference, "till"]


async def fail_once(router: RouterRef, to: str | ActorRef | NameRef) -> None:
    with pytest.raises(DeliveryFailedError):
        await (await router.send(to, "crash", ONE_TRY)).acknowledged()


async def test_messages_arrive_in_order_whatever_they_are_addressed_by(
    system: ActorSystem, supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=3)
    notes: list[object] = []
    await supervise(Receiver, notes)
    ways = addresses(system, router)

    for number in range(40):
        await router.send(ways[number % 4], number)
        if number == 11:
            system.named("receiver").kill()
    await router.drained()

    assert notes == list(range(40))


async def test_no_more_are_under_way_to_a_target_whatever_they_are_addressed_by(
    system: ActorSystem, supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    await supervise(Slow, [], 1.0)

    for to in addresses(system, router):
        await router.send(to, "tea")
    await trio.sleep(0.5)

    assert router.statistics().in_flight == 1
    await router.drained()
    assert trio.current_time() == 4.0


async def test_a_target_that_fails_is_left_alone_whatever_it_is_addressed_by(
    system: ActorSystem, supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=4, reset_timeout=10.0))
    notes: list[object] = []
    await supervise(Fragile, notes, 4)
    ways = addresses(system, router)
    for to in ways:
        await fail_once(router, to)

    assert router.statistics().breakers == {"receiver": BreakerState.OPEN}
    receipts = [await router.send(to, "tea") for to in ways]
    await trio.sleep(9.0)
    assert notes == ["crash"] * 4
    for receipt in receipts:
        await receipt.acknowledged()
    assert trio.current_time() == 10.0


async def test_a_breaker_outlives_the_router_whatever_its_target_was_addressed_by(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=1, reset_timeout=10.0))
    child = ChildSpec("receiver", Fragile, args=([], 1), name="receiver")
    await system.start(Supervisor, SupervisorSpec([child], intensity=10))
    await fail_once(router, system.named("receiver"))

    system.named("router").kill()
    await trio.testing.wait_all_tasks_blocked()
    await start_router(breaker=BreakerOptions(failure_threshold=1, reset_timeout=10.0))
    await (await router.send("receiver", "tea")).acknowledged()

    assert trio.current_time() == 10.0


# -- several instances under one name


async def test_an_instance_that_is_busy_for_others_gets_nothing_in_its_turn(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    notes: list[list[object]] = [[], []]
    busy, free = await system.start(Slow, notes[0], 10.0), await system.start(Receiver, notes[1])
    for instance in (busy, free):
        router.register("tills", instance)
    await router.send(busy, "direct")

    for number in range(4):
        await (await router.send("tills", number)).acknowledged()
    await trio.sleep(20)

    assert notes == [["direct"], [0, 1, 2, 3]]


async def test_what_waits_for_any_instance_goes_to_the_first_that_is_done_with_what_it_had_from_others(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    instances = [await system.start(Slow, [], seconds) for seconds in (3.0, 5.0)]
    for instance in instances:
        router.register("tills", instance)
        await router.send(instance, "direct")

    await (await router.send("tills", "tea")).acknowledged()

    assert trio.current_time() == 6.0


async def test_an_instance_that_fails_is_left_alone_and_the_others_go_on(
    system: ActorSystem, supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=1, reset_timeout=10.0))
    notes: list[list[object]] = [[], []]
    await supervise(Fragile, notes[0], 1)
    router.register("tills", system.named("receiver"))
    router.register("tills", await system.start(Receiver, notes[1]))
    await fail_once(router, "tills")

    for number in range(4):
        await (await router.send("tills", number)).acknowledged()
    assert trio.current_time() == 0.0
    await trio.sleep(10)
    for number in range(4, 8):
        await (await router.send("tills", number)).acknowledged()

    assert notes == [["crash", 4, 6], [0, 1, 2, 3, 5, 7]]


async def test_when_all_instances_are_left_alone_the_first_to_be_put_to_the_test_gets_the_next(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=1, reset_timeout=10.0))
    children = [ChildSpec(name, Fragile, args=([], 1), name=name) for name in ("a", "b")]
    await system.start(Supervisor, SupervisorSpec(children, intensity=10))
    for name in ("a", "b"):
        await fail_once(router, name)
        router.register("tills", system.named(name))
        await trio.sleep(2)

    receipt = await router.send("tills", "tea")
    assert router.statistics().breakers == {"a": BreakerState.OPEN, "b": BreakerState.OPEN}
    await receipt.acknowledged()

    assert trio.current_time() == 10.0
    assert router.statistics().breakers == {"b": BreakerState.OPEN}


async def test_who_has_a_copy_is_given_no_more_than_it_may_have_while_that_waits(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1, retry_delay=0.5, breaker=None)
    notes: list[list[object]] = [[], []]
    slow, other = [await system.start(Slow, noted, 4.0) for noted in notes]
    router.register("tills", slow)
    router.register("tills", other)

    # Its first attempt is over after a second, and has left a copy; the instance may be given another message then.
    receipt = await router.send("tills", "tea", ONCE)
    await trio.sleep(1.2)
    await router.send(slow, "direct", DeliveryOptions(timeout=100.0))
    await trio.sleep(1.0)

    assert router.statistics().in_flight == 1
    await receipt.acknowledged()
    await router.drained()
    assert notes == [["tea", "direct"], []]


# -- names that lead elsewhere


async def test_what_waits_for_a_name_goes_where_it_leads_and_the_rest_stays(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    busy = await system.start(Slow, [], 10.0, name="till")
    notes: list[object] = []
    other = await system.start(Receiver, notes)
    await router.send("till", "first")
    receipts = [await router.send(to, number) for number in range(3) for to in ("till", busy)]

    router.register("till", other)
    for receipt in receipts[::2]:
        await receipt.acknowledged()

    assert (trio.current_time(), notes) == (0.0, [0, 1, 2])
    await router.drained()
    assert trio.current_time() == 40.0


async def test_a_name_that_is_given_up_leads_to_who_has_it_in_the_system(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    notes: list[object] = []
    await system.start(Receiver, notes, name="till")
    for _ in range(2):
        router.register("till", await system.start(Slow, [], 10.0))
    receipts = [await router.send("till", number) for number in range(5)]

    router.unregister("till")
    for receipt in receipts[2:]:
        await receipt.acknowledged()

    assert (trio.current_time(), notes) == (0.0, [2, 3, 4])


async def test_one_actor_that_is_registered_in_two_ways_is_one_instance(
    system: ActorSystem, supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    await supervise(Slow, [], 1.0)
    router.register("tills", system.named("receiver"))
    router.register("tills", system.whereis("receiver"))  # type: ignore[arg-type] # it is there

    for number in range(3):
        await router.send("tills", number)
    await router.drained()

    assert trio.current_time() == 3.0


# -- targets that come and go


async def test_who_is_gone_is_forgotten_under_all_addresses(system: ActorSystem, router: RouterRef) -> None:
    exchange = router._ledger.exchange
    assert exchange is not None
    most = 0
    for number in range(1_000):
        ref = await system.start(Receiver, [], name=f"visitor {number}")
        for to in (ref, f"visitor {number}"):
            await (await router.send(to, "tea")).acknowledged()
        await ref.stop()
        most = max(most, len(exchange.lanes))

    # Three for each: its name, its reference, and what the two have in common.
    assert most < 1024 + 10


async def test_references_to_earlier_incarnations_are_forgotten(
    system: ActorSystem, supervise: Supervise, router: RouterRef
) -> None:
    exchange = router._ledger.exchange
    assert exchange is not None
    await supervise(Receiver, [])
    for _ in range(1_100):
        ref = system.whereis("receiver")
        assert ref is not None
        await (await router.send(ref, "tea")).acknowledged()
        ref.kill()
        await trio.sleep(0.01)

    assert len(exchange.lanes) < 100
