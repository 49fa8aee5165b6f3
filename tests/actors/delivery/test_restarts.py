"""What becomes of messages when their target, their sender or the router itself is restarted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorSystem, Backoff
from actors.delivery import (
    BreakerChanged,
    DeliveryOptions,
    Guarantee,
    NoRouterError,
    Router,
    RouterConfig,
    RouterRef,
    Status,
    TargetNotFoundError,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec, restart_child, terminate_child, which_children
from tests.actors.delivery.receivers import Fragile, Receiver, Slow

if TYPE_CHECKING:
    from tests.actors.delivery.conftest import Supervise
    from tests.actors.kinds import Kind

EXACTLY_ONCE = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE)
DELAY = Backoff(20.0, max_seconds=20.0)


@pytest.fixture
async def supervised(system: ActorSystem) -> RouterRef:
    child = ChildSpec("router", Router, name="router")
    await system.start(Supervisor, SupervisorSpec([child], intensity=1000, period=1.0), name="services")
    return RouterRef(system)


async def kill_router(system: ActorSystem) -> None:
    system.named("router").kill()
    await which_children(system.named("services").whereis())  # type: ignore[arg-type]  # it lives


# -- targets


async def test_a_target_that_is_being_restarted_is_waited_for_without_an_attempt(
    kind: Kind, supervise: Supervise, system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    await supervise(kind(Receiver), notes, backoff=DELAY)
    for _ in range(2):  # the first restart is at once
        system.named("receiver").kill()
        await trio.sleep(1)

    receipt = await router.send("receiver", "tea")
    await trio.sleep(10)
    assert (receipt.status, receipt.attempts) == (Status.PENDING, 0)
    await receipt.acknowledged()

    assert (notes, receipt.attempts) == (["tea"], 1)
    assert trio.current_time() == pytest.approx(1.0 + 20.0)


async def test_it_gets_what_waited_as_soon_as_it_is_there(
    supervise: Supervise, system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    await supervise(Receiver, notes, backoff=DELAY)
    for _ in range(2):
        system.named("receiver").kill()
        await trio.sleep(1)

    receipts = [await router.send("receiver", number) for number in range(100)]
    for receipt in receipts:
        await receipt.acknowledged()

    assert notes == list(range(100))
    assert {receipt.acknowledged_at for receipt in receipts} == {21.0}


async def test_what_a_dead_incarnation_left_unread_goes_to_the_next_in_order(
    supervise: Supervise, system: ActorSystem, router: RouterRef
) -> None:
    notes: list[object] = []
    await supervise(Slow, notes, 1.0)
    receipts = [await router.send("receiver", number) for number in range(5)]
    await trio.sleep(1.5)

    system.named("receiver").kill()
    for receipt in receipts:
        await receipt.acknowledged()

    assert notes == [0, 2, 3, 4, 1]
    assert [receipt.attempts for receipt in receipts] == [1, 2, 1, 1, 1]


async def test_a_message_for_a_target_that_stays_down_expires(
    supervise: Supervise, system: ActorSystem, router: RouterRef
) -> None:
    await supervise(Receiver, [], backoff=DELAY)
    for _ in range(2):
        system.named("receiver").kill()
        await trio.sleep(1)

    receipt = await router.send("receiver", "tea", DeliveryOptions(expires_after=5.0))
    with pytest.raises(TimeoutError):
        await receipt.acknowledged()

    assert (receipt.status, receipt.attempts) == (Status.EXPIRED, 0)
    assert trio.current_time() == pytest.approx(7.0)


async def test_a_target_that_was_terminated_is_given_up(supervise: Supervise, router: RouterRef) -> None:
    supervisor = await supervise(Receiver, [])
    await terminate_child(supervisor, "receiver")

    receipt = await router.send("receiver", "tea")
    with pytest.raises(TargetNotFoundError, match="nobody has the name"):
        await receipt.acknowledged()

    assert trio.current_time() == pytest.approx(0.1 + 0.2)


async def test_a_target_whose_supervisor_gave_up_is_given_up(system: ActorSystem, router: RouterRef) -> None:
    child = ChildSpec("receiver", Fragile, args=([], 100), name="receiver")
    await system.start(Supervisor, SupervisorSpec([child], intensity=1))

    receipt = await router.send("receiver", "tea", DeliveryOptions(max_retries=5))
    with pytest.raises(TargetNotFoundError):
        await receipt.acknowledged()

    assert receipt.attempts == 5


async def test_a_target_whose_supervisor_is_restarted_is_waited_for(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    inner = SupervisorSpec([ChildSpec("receiver", Fragile, args=(notes, 2), name="receiver")], intensity=0)
    outer = SupervisorSpec([ChildSpec("inner", Supervisor, args=(inner,))], intensity=10)
    await system.start(Supervisor, outer)

    receipt = await router.send("receiver", "tea")
    await receipt.acknowledged()

    assert (notes, receipt.attempts) == (["crash", "crash", "tea"], 3)


async def test_a_target_that_is_down_with_another_is_waited_for(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    children = [
        ChildSpec("store", Receiver, args=([],), name="store", backoff=DELAY),
        ChildSpec("receiver", Receiver, args=(notes,), name="receiver"),
    ]
    await system.start(Supervisor, SupervisorSpec(children, strategy="one_for_all", intensity=10))
    for _ in range(2):
        system.named("store").kill()
        await trio.sleep(1)

    receipt = await router.send("receiver", "tea")
    await receipt.acknowledged()

    assert (notes, receipt.attempts) == (["tea"], 1)


async def test_a_target_that_is_started_again_by_hand_is_found(supervise: Supervise, router: RouterRef) -> None:
    notes: list[object] = []
    supervisor = await supervise(Receiver, notes)
    await terminate_child(supervisor, "receiver")
    receipt = await router.send("receiver", "tea", DeliveryOptions(max_retries=10))
    await trio.sleep(1)

    await restart_child(supervisor, "receiver")
    await receipt.acknowledged()

    assert notes == ["tea"]


# -- the router


@pytest.mark.parametrize("guarantee", [Guarantee.AT_LEAST_ONCE, Guarantee.EXACTLY_ONCE])
async def test_a_router_that_is_killed_again_and_again_loses_nothing(
    guarantee: Guarantee, kind: Kind, supervised: RouterRef, system: ActorSystem
) -> None:
    notes: list[object] = []
    receivers = [await system.start(kind(Receiver), notes) for _ in range(3)]
    receipts = []
    for number in range(300):
        receipts.append(await supervised.send(receivers[number % 3], number, DeliveryOptions(guarantee=guarantee)))
        if number % 30 == 0 and (there := system.whereis("router")) is not None:
            there.kill()

    for receipt in receipts:
        await receipt.acknowledged()

    assert sorted(notes) == list(range(300))  # type: ignore[type-var]  # numbers


async def test_what_was_under_way_when_the_router_died_is_acknowledged(
    supervised: RouterRef, system: ActorSystem
) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 5.0)
    receipts = [await supervised.send(receiver, number) for number in range(3)]
    await trio.sleep(1)

    await kill_router(system)
    for receipt in receipts:
        await receipt.acknowledged()

    assert notes == [0, 1, 2]
    assert supervised.statistics().in_flight == 0


async def test_what_waited_to_be_tried_again_is_tried_by_the_next_router(
    supervised: RouterRef, supervise: Supervise, system: ActorSystem
) -> None:
    notes: list[object] = []
    await supervise(Fragile, notes, 1)
    receipt = await supervised.send("receiver", "tea", DeliveryOptions(retry_delay=5.0))
    await trio.sleep(1)

    await kill_router(system)
    await receipt.acknowledged()

    assert trio.current_time() == 5.0


async def test_bounds_hold_across_a_restart_of_the_router(system: ActorSystem) -> None:
    child = ChildSpec("router", Router, args=(RouterConfig(max_concurrent_deliveries=2),), name="router")
    await system.start(Supervisor, SupervisorSpec([child], intensity=10), name="services")
    router = RouterRef(system)
    receivers = [await system.start(Slow, [], 1.0) for _ in range(4)]
    receipts = [await router.send(receiver, 1) for receiver in receivers]
    await trio.sleep(0.5)

    await kill_router(system)
    await trio.sleep(0.25)
    assert router.statistics().in_flight == 2
    for receipt in receipts:
        await receipt.acknowledged()

    assert trio.current_time() == 2.0


async def test_names_and_dead_letters_outlive_the_router(supervised: RouterRef, system: ActorSystem) -> None:
    notes: list[object] = []
    supervised.register("till", await system.start(Receiver, notes))
    with pytest.raises(TargetNotFoundError):
        await (await supervised.send("nobody", "coffee")).acknowledged()

    await kill_router(system)
    await (await supervised.send("till", "tea")).acknowledged()

    assert (notes, len(supervised.dead_letters)) == (["tea"], 1)


async def test_who_listens_to_breakers_is_told_after_a_restart_of_the_router_too(
    supervised: RouterRef, supervise: Supervise, system: ActorSystem
) -> None:
    changes: list[BreakerChanged] = []
    await supervise(Fragile, [], 5)
    supervised.listen(changes.append)
    receipt = await supervised.send("receiver", "tea", DeliveryOptions(max_retries=6))
    await trio.sleep(10)

    await kill_router(system)
    await receipt.acknowledged()

    assert [change.after.value for change in changes] == ["open", "half_open", "closed"]


async def test_a_router_that_does_not_come_back_accepts_nothing(system: ActorSystem, router: RouterRef) -> None:
    system.named("router").kill()

    with pytest.raises(NoRouterError):
        await router.send("till", "tea")


async def test_a_router_without_a_name_does_not_start(system: ActorSystem) -> None:
    with pytest.raises(Exception, match="has no name; a router keeps what it has accepted under its name"):
        await system.start(Router)


# -- exactly once


async def test_an_id_that_was_handled_is_not_handled_again_whoever_is_restarted(
    supervised: RouterRef, supervise: Supervise, system: ActorSystem
) -> None:
    notes: list[object] = []
    await supervise(Receiver, notes)
    await (await supervised.send("receiver", "tea", EXACTLY_ONCE, id="order 1")).acknowledged()

    await kill_router(system)
    system.named("receiver").kill()
    again = await RouterRef(system).send(system.named("receiver"), "tea", EXACTLY_ONCE, id="order 1")
    await again.acknowledged()
    await trio.sleep(60)

    assert notes == ["tea"]
    assert supervised.statistics().repeated == 1


async def test_an_id_that_is_on_its_way_has_one_receipt(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 5.0)

    first = await router.send(receiver, "tea", EXACTLY_ONCE, id="order 1")
    second = await router.send(receiver, "tea", EXACTLY_ONCE, id="order 1")
    await second.acknowledged()

    assert first is second
    assert notes == ["tea"]


async def test_an_id_that_the_router_made_counts_once_it_is_known(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    receiver = await system.start(Receiver, notes)
    receipt = await router.send(receiver, "tea", EXACTLY_ONCE)
    await receipt.acknowledged()

    await (await router.send(receiver, "tea", EXACTLY_ONCE, id=receipt.id)).acknowledged()

    assert notes == ["tea"]


async def test_one_id_for_two_receivers_is_handled_by_both(system: ActorSystem, router: RouterRef) -> None:
    notes: list[object] = []
    for name in ("left", "right"):
        await system.start(Receiver, notes, name=name)

    for name in ("left", "right"):
        await (await router.send(name, name, EXACTLY_ONCE, id="order 1")).acknowledged()

    assert notes == ["left", "right"]


async def test_the_window_forgets_after_its_time_and_at_its_bound(system: ActorSystem) -> None:
    await system.start(Router, RouterConfig(dedupe_seconds=60.0, dedupe_ids=2), name="router")
    router = RouterRef(system)
    notes: list[object] = []
    await system.start(Receiver, notes, name="receiver")

    async def send(id: str) -> None:
        await (await router.send("receiver", id, EXACTLY_ONCE, id=id)).acknowledged()

    for id in ("a", "b", "c", "a", "c"):
        await send(id)
    await trio.sleep(61)
    await send("c")

    assert notes == ["a", "b", "c", "a", "c"]
    assert router.statistics().forgotten == 2


async def test_failed_ids_may_come_again(system: ActorSystem, router: RouterRef) -> None:
    with pytest.raises(TargetNotFoundError):
        await (await router.send("receiver", "tea", EXACTLY_ONCE, id="order 1")).acknowledged()
    notes: list[object] = []
    await system.start(Receiver, notes, name="receiver")

    await (await router.send("receiver", "tea", EXACTLY_ONCE, id="order 1")).acknowledged()

    assert notes == ["tea"]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize("target", [None, 7, "", []], ids=repr)
async def test_a_message_for_nobody_that_can_be_harms_no_later_router(
    system: ActorSystem, supervised: RouterRef, target: Any
) -> None:
    notes: list[object] = []
    await system.start(Receiver, notes, name="receiver")
    with pytest.raises(TypeError):
        await supervised.send(target, "tea")
    system.named("router").kill()
    with pytest.raises(TypeError, match="a message is for a name, an ActorRef or a NameRef; got"):
        await supervised.send(target, "tea")

    await (await supervised.send("receiver", "tea")).acknowledged()

    assert notes == ["tea"]
    assert supervised.statistics().routed == 1
