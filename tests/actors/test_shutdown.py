"""Shutting down: OTP's protocol between a parent and its child, and what stops an actor that does not obey."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Crash,
    Exit,
    ExitReason,
    NoProcessError,
    Stop,
    StoppingError,
    open_system,
    resume,
    suspend,
)
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio.testing import MockClock


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


@pytest.fixture(params=VICTIMS)
def trapping(request: pytest.FixtureRequest) -> type[Victim]:
    return type("Trapping", (VICTIMS[request.param],), {"trap_exit": True})


@pytest.fixture(params=VICTIMS)
def stubborn(request: pytest.FixtureRequest) -> type[Victim]:
    """Return a victim that does not come to an end by itself."""

    async def terminate(self: Victim, reason: ExitReason) -> None:
        await trio.sleep_forever()

    return type("Stubborn", (VICTIMS[request.param],), {"terminate": terminate})


def acting(act: Callable[[Victim], Any]) -> Blow:
    """Return a message that has the victim do *act*."""
    return Blow(act, KILLED)


async def forever(victim: Victim) -> None:
    await trio.sleep_forever()


async def work(victim: Victim) -> None:
    """Work for two seconds."""
    await trio.sleep(2.0)
    victim.seen.append("work done")


async def parent_and_child(system: ActorSystem, actor: type[Actor], *args: Any) -> tuple[ActorRef, ActorRef]:
    """Start a parent that traps exits, and a child of it."""
    parent = await system.start(Probe, trap_exit=True)
    return parent, await parent.call(lambda me: me.start_link(actor, *args))


async def shut_down(parent: ActorRef, child: ActorRef, seconds: Any) -> ExitReason:
    """Have *parent* shut *child* down."""
    reason: ExitReason = await parent.call(lambda me: child.shut_down(seconds), timeout=None)
    return reason


async def test_a_child_is_shut_down_at_once_when_it_is_idle(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, victim, ends)

    assert await shut_down(parent, child, 5.0) == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0.0


async def test_a_trapping_child_is_shut_down_at_once_when_it_is_idle(
    system: ActorSystem, trapping: type[Victim]
) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, trapping, ends)

    assert await shut_down(parent, child, 5.0) == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0.0


async def test_a_child_that_does_not_trap_exits_is_cut_off_in_its_handler(
    system: ActorSystem, victim: type[Victim]
) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, victim, ends)
    child.cast(acting(work))
    await wait_all_tasks_blocked()

    assert await shut_down(parent, child, 5.0) == SHUTDOWN
    assert [end.interrupted for end in ends] == [True]
    assert trio.current_time() == 0.0


async def test_a_child_that_traps_exits_finishes_its_handler(system: ActorSystem, trapping: type[Victim]) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, trapping, ends)
    child.cast(acting(work))
    await wait_all_tasks_blocked()

    assert await shut_down(parent, child, 5.0) == SHUTDOWN
    assert [end.interrupted for end in ends] == [False]
    assert trio.current_time() == 2.0


async def test_a_child_that_traps_exits_is_killed_when_its_handler_takes_too_long(
    system: ActorSystem, trapping: type[Victim]
) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, trapping, ends)
    child.cast(acting(forever))
    await wait_all_tasks_blocked()

    assert await shut_down(parent, child, 3.0) == KILLED
    assert ends == []
    assert trio.current_time() == 3.0


async def test_a_child_is_killed_when_terminate_takes_too_long(system: ActorSystem, stubborn: type[Victim]) -> None:
    parent, child = await parent_and_child(system, stubborn)

    assert await shut_down(parent, child, 3.0) == KILLED
    assert trio.current_time() == 3.0


async def test_a_terminate_may_take_the_time_that_the_parent_gives(system: ActorSystem, victim: type[Victim]) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep(60.0)
            ended.append(reason)

    ended: list[ExitReason] = []
    parent, child = await parent_and_child(system, Slow)

    assert await shut_down(parent, child, math.inf) == SHUTDOWN
    assert ended == [SHUTDOWN]
    assert trio.current_time() == 60.0


async def test_brutal_kill_runs_no_terminate(system: ActorSystem, trapping: type[Victim]) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, trapping, ends)

    assert await shut_down(parent, child, "brutal_kill") == KILLED
    assert ends == []
    assert trio.current_time() == 0.0


async def test_shutting_down_the_dead_returns_its_reason(system: ActorSystem, victim: type[Victim]) -> None:
    parent, child = await parent_and_child(system, victim)
    child.cast(acting(lambda me: Stop(Crash("tired"))))
    await child.wait()

    assert await shut_down(parent, child, 5.0) == Crash("tired")
    assert trio.current_time() == 0.0


async def test_shutting_down_what_is_ending_waits_for_it(system: ActorSystem, stubborn: type[Victim]) -> None:
    parent, child = await parent_and_child(system, stubborn)
    child.cast(acting(lambda me: Stop(Crash("tired"))))
    await wait_all_tasks_blocked()

    assert await shut_down(parent, child, 3.0) == KILLED
    assert trio.current_time() == 3.0


async def test_a_cancelled_shut_down_is_still_an_order(system: ActorSystem, stubborn: type[Victim]) -> None:
    ref = await system.start(stubborn)

    with trio.move_on_after(1.0):
        await ref.shut_down(3.0)

    assert await ref.wait() == KILLED
    assert trio.current_time() == 3.0


async def test_a_cancelled_shut_down_without_limit_does_not_keep_the_system_open(
    autojump_clock: MockClock, stubborn: type[Victim]
) -> None:
    async with open_system() as system:
        ref = await system.start(stubborn)
        with trio.move_on_after(1.0):
            await ref.shut_down(math.inf)

    assert ref.reason == KILLED
    assert trio.current_time() == 6.0


async def test_two_who_shut_down_the_same_actor_see_the_same_end(system: ActorSystem, stubborn: type[Victim]) -> None:
    ref = await system.start(stubborn)
    reasons = []

    async def shut(seconds: float) -> None:
        reasons.append(await ref.shut_down(seconds))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(shut, 2.0)
        nursery.start_soon(shut, 4.0)

    assert reasons == [KILLED, KILLED]
    assert trio.current_time() == 2.0


async def test_a_suspended_actor_obeys_its_parent(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, victim, ends)
    await suspend(child)
    child.cast("unread")

    assert await shut_down(parent, child, 5.0) == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0.0


async def test_a_suspended_actor_that_traps_exits_obeys_its_parent(system: ActorSystem, trapping: type[Victim]) -> None:
    ends: list[ExitReason] = []
    parent, child = await parent_and_child(system, trapping, ends)
    await suspend(child)
    child.cast("unread")

    assert await shut_down(parent, child, 5.0) == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0.0


async def test_a_suspended_actor_can_be_stopped(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    await suspend(ref)

    await ref.stop(timeout=1.0)

    assert ref.reason == NORMAL
    assert trio.current_time() == 0.0


async def test_resuming_what_is_ending_changes_nothing(system: ActorSystem, victim: type[Victim]) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep(1.0)

    ref = await system.start(Slow)
    await suspend(ref)
    ref.cast("unread")
    ref.exit(Crash("tired"))
    await wait_all_tasks_blocked()

    with pytest.raises(NoProcessError):
        await resume(ref)

    assert ref.reason == Crash("tired")
    assert [letter.message for letter in system.dead_letters] == ["unread"]
    assert trio.current_time() == 1.0


async def test_stop_gives_up_waiting_after_its_timeout_and_the_actor_stops_on(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep(2.0)

    ref = await system.start(Slow)

    with pytest.raises(TimeoutError):
        await ref.stop(timeout=1.0)

    assert trio.current_time() == 1.0
    assert await ref.wait() == NORMAL
    assert trio.current_time() == 2.0


async def test_stop_says_when_the_actor_ended_otherwise(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    ref.cast(acting(lambda me: Stop(Crash("tired"))))

    with pytest.raises(ActorExitedError) as caught:
        await ref.stop()

    assert caught.value.reason == Crash("tired")
    assert trio.current_time() == 0.0


async def test_a_shut_down_by_a_stranger_is_a_message_to_an_actor_that_traps_exits(
    system: ActorSystem, trapping: type[Victim]
) -> None:
    ref = await system.start(trapping)
    seen: list[Victim] = []
    await ref.call(acting(seen.append))

    reason = await ref.shut_down(1.0)

    assert reason == KILLED
    assert seen[0].seen == [Exit(None, SHUTDOWN)]
    assert trio.current_time() == 1.0


async def test_an_actor_that_terminates_starts_nothing(system: ActorSystem, victim: type[Victim]) -> None:
    class Late(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            with pytest.raises(StoppingError):
                await self.start_link(victim, name="late")

    ref = await system.start(Late)

    ref.exit(SHUTDOWN)

    assert await ref.wait() == SHUTDOWN
    assert system.whereis("late") is None
    assert trio.current_time() == 0.0
