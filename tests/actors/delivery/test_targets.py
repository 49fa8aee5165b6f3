"""Several instances under one name, and targets that fail so often that they are left alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio

from actors.delivery import (
    BreakerChanged,
    BreakerOptions,
    BreakerState,
    CircuitOpenError,
    DeliveryFailedError,
    DeliveryOptions,
    Guarantee,
)
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.delivery.receivers import Fragile, Receiver, Slow

if TYPE_CHECKING:
    from actors import ActorSystem
    from tests.actors.delivery.conftest import StartRouter, Supervise

ONE_TRY = DeliveryOptions(max_retries=1)
AT_MOST_ONCE = DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.parametrize("guarantee", Guarantee, ids=lambda guarantee: guarantee.value)
async def test_instances_take_turns(guarantee: Guarantee, system: ActorSystem, start_router: StartRouter) -> None:
    router = await start_router(guarantee=guarantee)
    notes: list[list[object]] = [[], [], []]
    for place in range(3):
        router.register("tills", await system.start(Receiver, notes[place]))

    for number in range(9):
        await router.send("tills", number)
    await trio.testing.wait_all_tasks_blocked()

    assert notes == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


async def test_the_least_loaded_instance_gets_the_next(system: ActorSystem, start_router: StartRouter) -> None:
    router = await start_router(balance="least_loaded")
    notes: list[list[object]] = [[], []]
    for place, seconds in enumerate((1.0, 20.0)):
        router.register("tills", await system.start(Slow, notes[place], seconds))

    for number in range(11):
        await router.send("tills", number)
        await trio.sleep(1.5)

    assert (len(notes[0]), len(notes[1])) == (10, 0)


async def test_an_instance_that_is_dead_gets_nothing(system: ActorSystem, start_router: StartRouter) -> None:
    router = await start_router()
    notes: list[object] = []
    dead = await system.start(Receiver, [])
    router.register("tills", dead)
    router.register("tills", await system.start(Receiver, notes))
    await dead.stop()

    for number in range(4):
        await (await router.send("tills", number)).acknowledged()

    assert notes == [0, 1, 2, 3]


async def test_who_is_there_gets_no_more_at_once_while_others_are_not(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    dead, alive = await system.start(Receiver, []), await system.start(Slow, [], 1.0)
    router.register("tills", dead)
    router.register("tills", alive)
    await dead.stop()

    for number in range(4):
        await router.send("tills", number)
    await trio.sleep(0.5)

    assert router.statistics().in_flight == 1
    await router.drained()
    assert trio.current_time() == 4.0


async def test_an_instance_that_is_back_is_given_what_waited_for_the_others(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    spec = SupervisorSpec([ChildSpec(name, Slow, args=([], 10.0), name=name) for name in ("a", "b")])
    await system.start(Supervisor, spec, name="supervisor")
    for name in ("a", "b"):
        router.register("tills", system.named(name))
    receipts = [await router.send("tills", number) for number in range(3)]
    await trio.sleep(5.0)

    system.named("a").kill()
    await receipts[2].acknowledged()

    assert trio.current_time() == 15.0


async def test_what_one_instance_did_not_acknowledge_goes_to_the_other(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(timeout=2.0)
    notes: list[object] = []
    router.register("tills", await system.start(Slow, [], 1_000.0))
    router.register("tills", await system.start(Receiver, notes))

    await (await router.send("tills", "tea")).acknowledged()

    assert notes == ["tea"]
    assert trio.current_time() == pytest.approx(2.1)


async def test_messages_that_waited_for_an_instance_go_to_the_one_that_is_registered(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(max_concurrent_per_target=1)
    notes: list[object] = []
    router.register("tills", await system.start(Slow, [], 1_000.0))
    receipts = [await router.send("tills", number) for number in range(3)]

    router.register("tills", await system.start(Receiver, notes))
    for receipt in receipts[1:]:
        await receipt.acknowledged()

    assert notes == [1, 2]
    assert trio.current_time() == 0.0


async def test_a_target_that_fails_so_often_is_left_alone_and_then_put_to_the_test(
    supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=3, reset_timeout=10.0))
    changes: list[BreakerChanged] = []
    router.listen(changes.append)
    notes: list[object] = []
    await supervise(Fragile, notes, 3)
    for number in range(3):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("receiver", number, ONE_TRY)).acknowledged()

    waiting = [await router.send("receiver", number) for number in ("tea", "coffee")]
    assert router.statistics().breakers == {"receiver": BreakerState.OPEN}
    for receipt in waiting:
        await receipt.acknowledged()

    assert notes == ["crash", "crash", "crash", "tea", "coffee"]
    closed, opened, half_open = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
    assert changes == [
        BreakerChanged("router", "receiver", closed, opened, 3, 0.0),
        BreakerChanged("router", "receiver", opened, half_open, 3, 10.0),
        BreakerChanged("router", "receiver", half_open, closed, 0, 10.0),
    ]
    assert router.statistics().breakers == {}


async def test_a_probe_that_fails_leaves_the_target_alone_again(
    supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(
        breaker=BreakerOptions(failure_threshold=1, reset_timeout=10.0), max_retries=5, retry_delay=1.0
    )
    notes: list[object] = []
    await supervise(Fragile, notes, 2)

    receipt = await router.send("receiver", "tea")
    await receipt.acknowledged()

    assert notes == ["crash", "crash", "tea"]
    assert trio.current_time() == 20.0


async def test_where_messages_are_not_to_wait_they_fail_at_once(
    supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=1, reset_timeout=10.0, while_open="fail"))
    await supervise(Fragile, [], 1)
    with pytest.raises(DeliveryFailedError):
        await (await router.send("receiver", "tea", ONE_TRY)).acknowledged()

    for options in (None, AT_MOST_ONCE):
        with pytest.raises(CircuitOpenError, match="its circuit breaker is open"):
            await (await router.send("receiver", "tea", options)).acknowledged()
    with pytest.raises(CircuitOpenError, match="the circuit breaker of receiver is open"):
        await router.call("receiver", "tea")
    await trio.sleep(10)

    await (await router.send("receiver", "tea")).acknowledged()
    assert trio.current_time() == 10.0


async def test_a_call_waits_for_the_breaker_too(supervise: Supervise, start_router: StartRouter) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=1, reset_timeout=3.0))
    await supervise(Fragile, [], 1)
    with pytest.raises(DeliveryFailedError):
        await (await router.send("receiver", "tea", ONE_TRY)).acknowledged()

    assert await router.call("receiver", "tea") == "tea"
    assert trio.current_time() == pytest.approx(3.0, abs=0.05)
    assert router.statistics().breakers == {}


async def test_only_so_many_probes_are_made_at_once(system: ActorSystem, start_router: StartRouter) -> None:
    router = await start_router(
        breaker=BreakerOptions(failure_threshold=1, reset_timeout=10.0, probes=2), timeout=1.0, max_retries=2
    )
    notes: list[object] = []
    receiver = await system.start(Slow, notes, 2.0)
    with pytest.raises(DeliveryFailedError):
        await (await router.send(receiver, "tea", ONE_TRY)).acknowledged()
    for number in range(5):
        await router.send(receiver, number, DeliveryOptions(timeout=30.0))
    await trio.sleep(10.5)

    assert router.statistics().in_flight == 2
    await trio.sleep(60)
    assert sorted(map(str, notes)) == ["0", "1", "2", "3", "4", "tea"]


async def test_a_killed_target_is_not_to_blame_for_what_it_left_unread(
    supervise: Supervise, system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=2))
    await supervise(Slow, [], 1.0)
    receipts = [await router.send("receiver", number) for number in range(10)]
    await trio.sleep(0.5)

    system.named("receiver").kill()
    for receipt in receipts:
        await receipt.acknowledged()

    assert router.statistics().breakers == {}


async def test_a_name_that_nobody_has_opens_no_breaker(start_router: StartRouter) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=1))

    for _ in range(3):
        with pytest.raises(DeliveryFailedError):
            await (await router.send("nobody", "tea")).acknowledged()

    assert router.statistics().breakers == {}


async def test_a_listener_that_fails_harms_nobody(
    supervise: Supervise, start_router: StartRouter, caplog: pytest.LogCaptureFixture
) -> None:
    router = await start_router(breaker=BreakerOptions(failure_threshold=1, reset_timeout=1.0))
    changes: list[BreakerChanged] = []
    router.listen(lambda change: 1 / 0)
    stop = router.listen(changes.append)
    await supervise(Fragile, [], 1)

    await (await router.send("receiver", "tea")).acknowledged()
    stop()

    assert len(changes) == 3
