"""What puts a target to the test always comes to a result, so that nobody waits for one for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import CallTimeoutError
from actors.delivery import BreakerOptions, BreakerState, DeliveryFailedError, DeliveryOptions, Guarantee
from supervision import which_children
from tests.actors.delivery.receivers import Receiver, Slow

if TYPE_CHECKING:
    from actors import ActorSystem, Caller
    from tests.actors.delivery.conftest import Run, StartRouter, Supervise

BREAKER = BreakerOptions(failure_threshold=1, reset_timeout=3.0)
PATIENT = DeliveryOptions(timeout=40.0, expires_after=100.0)


class Sleeper(Receiver):
    """It takes as long over a call as that says."""

    async def handle_call(self, message: Any, caller: Caller) -> object:
        await trio.sleep(message)
        return message


async def test_an_earlier_copy_that_is_handled_is_the_result_of_the_probe(
    system: ActorSystem, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BREAKER, timeout=2.0, retry_delay=1.0, max_retries=5)
    notes: list[object] = []
    await system.start(Slow, notes, 6.0, name="receiver")

    first = await router.send("receiver", "tea")
    await first.acknowledged()
    assert (first.attempts, router.statistics().breakers) == (2, {})
    await (await router.send("receiver", "coffee", PATIENT)).acknowledged()

    assert notes == ["tea", "tea", "coffee"]


async def test_what_is_sent_at_most_once_is_no_result_and_holds_up_nobody(
    supervise: Supervise, start_router: StartRouter
) -> None:
    router = await start_router(breaker=BREAKER)
    notes: list[object] = []
    receiver = await supervise(Slow, notes, 4.0)
    with pytest.raises(DeliveryFailedError):
        await (await router.send("receiver", "x", DeliveryOptions(timeout=1.0, max_retries=1))).acknowledged()

    await router.send("receiver", "reading", DeliveryOptions(guarantee=Guarantee.AT_MOST_ONCE, expires_after=50.0))
    await (await router.send("receiver", "tea", PATIENT)).acknowledged()

    assert receiver.alive
    assert notes == ["x", "reading", "tea"]
    assert router.statistics().breakers == {}


async def test_a_call_that_outlives_the_router_is_the_result_of_its_probe(run: Run) -> None:
    notes: list[object] = []
    async with run(receiver=(Sleeper, notes)) as (system, router):
        await fail_five_times(router)
        await trio.sleep(30)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(router.call, "receiver", 2.0)
            await trio.sleep(0.5)
            assert router.statistics().breakers == {"receiver": BreakerState.HALF_OPEN}
            system.named("router").kill()
            await which_children(system.named("tree").whereis())  # type: ignore[arg-type]  # it lives
            receipt = await router.send("receiver", "tea", PATIENT)

        await receipt.acknowledged()
        assert trio.current_time() < 60
        assert router.statistics().breakers == {}

    assert notes == ["tea"]


async def fail_five_times(router: Any) -> None:
    for _ in range(5):
        with pytest.raises(CallTimeoutError):
            await router.call("receiver", 0.2, timeout=0.1)
        await trio.sleep(0.5)
