"""Many systems: side by side, one within a handler of another, and in any task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    KILLED,
    SHUTDOWN,
    ActorRef,
    ExitReason,
    open_system,
)
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.usefixtures("autojump_clock")


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


def acting(act: Callable[[Victim], Any]) -> Blow:
    """Return a message that has the victim do *act*."""
    return Blow(act, KILLED)


async def test_two_systems_do_not_mix(victim: type[Victim]) -> None:
    async with open_system() as one, open_system() as other:
        first = await one.start(victim, name="till")
        second = await other.start(victim, name="till")

        assert one.whereis("till") is first
        assert other.whereis("till") is second
        assert await first.call(acting(lambda me: me.system)) is one
        assert await second.call(acting(lambda me: me.system)) is other


async def test_a_system_that_is_left_does_not_touch_another(victim: type[Victim]) -> None:
    async with open_system() as one:
        first = await one.start(victim)
        async with open_system() as other:
            await other.start(victim)

        assert await first.call(acting(lambda me: "still here"), timeout=None) == "still here"


async def test_an_actor_may_call_and_monitor_across_systems(victim: type[Victim]) -> None:
    async with open_system() as one, open_system() as other:
        probe = await one.start(Probe, trap_exit=True)
        ref = await other.start(victim)
        await probe.call(lambda me: ref.link())
        await probe.call(lambda me: ref.monitor())

        assert await probe.call(lambda me: ref.call(acting(lambda me: "over here"))) == "over here"
        ref.kill()

        assert len(await probe.call(lambda me: list(me.received))) == 2


async def test_a_handler_may_open_a_system_of_its_own(victim: type[Victim]) -> None:
    ends: list[ExitReason] = []

    async def open_another(me: Victim) -> object:
        async with open_system() as other:
            ref = await other.start(victim, ends)
            return await ref.call(acting(lambda me: me.system is other), timeout=None)

    async with open_system() as system:
        ref = await system.start(victim)

        assert await ref.call(acting(open_another), timeout=None) is True
        assert ends == [SHUTDOWN]
        assert system.current is None


async def test_an_actor_that_is_killed_leaves_the_system_that_it_opened(victim: type[Victim]) -> None:
    inner: list[ActorRef] = []

    async def open_another(me: Victim) -> None:
        async with open_system() as other:
            inner.append(await other.start(victim))
            await trio.sleep_forever()

    async with open_system() as system:
        ref = await system.start(victim)
        ref.cast(acting(open_another))
        await wait_all_tasks_blocked()

        ref.kill()
        assert await ref.wait() == KILLED

    assert inner[0].reason == SHUTDOWN
    assert trio.current_time() == 0.0


async def in_a_task(run: Callable[[], Awaitable[None]]) -> None:
    """Run *run* in a task that is not the main task."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)


async def test_a_system_may_be_opened_in_any_task(victim: type[Victim], autojump_clock: MockClock) -> None:
    ends: list[ExitReason] = []

    async def run() -> None:
        async with open_system() as system:
            await system.start(victim, ends)

    await in_a_task(run)

    assert ends == [SHUTDOWN]
