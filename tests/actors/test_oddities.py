"""Oddities: links to oneself, requests to the dead, cancellation at the last moment, timers without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorSystem,
    Exit,
    NoProcessError,
    get_state,
    open_system,
)
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


def acting(act: Callable[[Victim], Any]) -> Blow:
    """Return a message that has the victim do *act*."""
    return Blow(act, KILLED)


async def test_an_actor_linked_to_itself_is_linked_to_nobody(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)

    await ref.call(acting(lambda me: me.ref.link()))
    ref.exit(SHUTDOWN)

    assert await ref.wait() == SHUTDOWN


async def test_an_actor_that_monitors_itself_gets_no_down(system: ActorSystem, victim: type[Victim]) -> None:
    def watch(me: Victim) -> None:
        me.ref.monitor()

    ref = await system.start(victim)
    ref.cast(acting(watch))
    await ref.call("question")

    await ref.stop()

    assert system.dead_letters.count == 0


async def test_a_trapping_actor_may_send_itself_an_exit_signal(system: ActorSystem) -> None:
    probe = await system.start(Probe, trap_exit=True)

    await probe.call(lambda me: me.ref.exit(NORMAL))

    assert await probe.call(received) == [Exit(probe, NORMAL)]


async def test_linking_to_the_dead_is_an_exit_signal(system: ActorSystem, victim: type[Victim]) -> None:
    dead = await system.start(victim)
    dead.kill()
    trapping = await system.start(Probe, trap_exit=True)
    ref = await system.start(victim)

    await trapping.call(lambda me: dead.link())
    ref.cast(acting(lambda me: dead.link()))

    assert [str(message.reason) for message in await trapping.call(received)] == ["noproc"]
    assert str(await ref.wait()) == "noproc"
    assert trio.current_time() == 0.0


async def test_everything_can_be_asked_of_the_dead(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    timer = ref.send_every(1.0, "tick")
    await ref.stop()

    ref.cast("late")
    ref.send("late")
    ref.kill()
    ref.exit(SHUTDOWN)
    request = ref.send_request("late")
    late = ref.send_after(0.5, "late")

    assert await ref.wait() == NORMAL
    assert await ref.shut_down() == NORMAL
    assert (timer.cancel(), late.cancel()) == (False, False)
    with pytest.raises(NoProcessError):
        request.check()
    with pytest.raises(NoProcessError):
        await ref.stop()
    with pytest.raises(NoProcessError):
        await get_state(ref)
    assert trio.current_time() == 0.0


async def test_everything_can_be_asked_when_the_system_is_gone(autojump_clock: MockClock, victim: type[Victim]) -> None:
    async with open_system() as system:
        ref = await system.start(victim, name="till")

    ref.cast("late")
    system.named("till").cast("late")
    ref.kill()
    with pytest.raises(NoProcessError):
        await ref.call("question", timeout=None)

    assert await ref.wait() == SHUTDOWN
    assert system.dead_letters.count == 2
    assert system.whereis("till") is None


async def test_a_caller_that_is_cancelled_when_its_reply_is_made_either_has_it_or_is_cancelled(
    system: ActorSystem, victim: type[Victim]
) -> None:
    replies: list[object] = []

    async def call() -> None:
        with trio.CancelScope() as scope:
            ref.cast(acting(lambda me: scope.cancel()))
            replies.append(await ref.call(acting(lambda me: "reply"), timeout=None))

    ref = await system.start(victim)

    for _ in range(10):
        await call()

    assert set(replies) <= {"reply"}
    assert await ref.call(acting(lambda me: "still here"), timeout=None) == "still here"


async def test_a_cancelled_call_leaves_nothing_behind(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)

    for _ in range(10):
        with trio.move_on_after(1.0) as scope:
            await ref.call("hold", timeout=None)
        assert scope.cancelled_caught

    assert not ref._process.owed
    assert trio.current_time() == 10.0


async def test_a_timer_far_in_the_future_disturbs_nobody(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    timers = [ref.send_after(seconds, "never") for seconds in (1e9, 1e300, float("inf"))]

    await trio.sleep(1000.0)

    assert await ref.call("question", timeout=None) is None
    assert [timer.cancel() for timer in timers] == [True] * 3


async def test_a_handler_slower_than_its_timer_gets_each_tick_in_turn(system: ActorSystem) -> None:
    class Slow(Actor):
        def __init__(self) -> None:
            self.ticks = 0

        async def handle_info(self, message: object) -> None:
            await trio.sleep(2.5)
            self.ticks += 1

    ref = await system.start(Slow)
    timer = ref.send_every(1.0, "tick")

    await trio.sleep(10.2)
    timer.cancel()
    await trio.sleep(100.0)

    assert (await get_state(ref))["ticks"] == 10
