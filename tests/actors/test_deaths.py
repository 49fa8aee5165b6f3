"""Deaths that come from outside: kills and exit signals, whatever the actor is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    ActorExitedError,
    ActorSystem,
    Crash,
    Exit,
    ExitReason,
    Shutdown,
    Stop,
    suspend,
)
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from actors import ActorRef


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


def acting(act: Any) -> Blow:
    """Return a message that has the victim do *act*."""
    return Blow(act, KILLED)


async def forever(victim: Victim) -> None:
    await trio.sleep_forever()


async def reason_of_call(ref: ActorRef, message: object) -> ExitReason:
    """Return why *ref* died before it answered *message*."""
    with pytest.raises(ActorExitedError) as caught:
        await ref.call(message, timeout=None)
    return caught.value.reason


async def test_killed_while_idle_it_is_dead_at_once(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    ref = await system.start(victim, ends)
    await ref.call("a first message")

    ref.kill()

    assert ref.reason == KILLED
    assert ends == []
    assert trio.current_time() == 0.0


async def test_killed_before_its_messages_were_handled_it_handles_none(
    system: ActorSystem, victim: type[Victim]
) -> None:
    ref = await system.start(victim)
    ref.cast("unread")

    ref.kill()

    assert await ref.wait() == KILLED
    assert [letter.message for letter in system.dead_letters] == ["unread"]
    assert trio.current_time() == 0.0


async def test_killed_while_its_handler_waits_it_is_dead_at_once(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    ref = await system.start(victim, ends)
    ref.cast(acting(forever))
    await wait_all_tasks_blocked()

    ref.kill()

    assert await ref.wait() == KILLED
    assert ends == []
    assert trio.current_time() == 0.0


async def test_killed_while_suspended_it_is_dead_at_once(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    await suspend(ref)
    ref.cast("unread")

    ref.kill()

    assert ref.reason == KILLED
    assert [letter.message for letter in system.dead_letters] == ["unread"]
    assert trio.current_time() == 0.0


async def test_killed_twice_it_is_dead_once(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    probe = await system.start(Probe)
    await probe.call(lambda me: ref.monitor())
    ref.cast(acting(forever))
    await wait_all_tasks_blocked()

    ref.kill()
    ref.kill()
    await ref.wait()
    ref.kill()

    assert len(await probe.call(received)) == 1
    assert trio.current_time() == 0.0


async def test_a_kill_cannot_be_trapped(system: ActorSystem, victim: type[Victim]) -> None:
    class Trapping(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        trap_exit = True

    ref = await system.start(Trapping)

    ref.kill()

    assert ref.reason == KILLED
    assert trio.current_time() == 0.0


async def test_the_exit_signal_killed_can_be_trapped(system: ActorSystem, victim: type[Victim]) -> None:
    probe = await system.start(Probe, trap_exit=True)

    probe.exit(KILLED)

    assert await probe.call(received) == [Exit(None, KILLED)]
    assert trio.current_time() == 0.0


async def test_killed_while_it_terminates_it_is_dead_at_once(system: ActorSystem, victim: type[Victim]) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep_forever()

    ref = await system.start(Slow)
    ref.cast(acting(lambda victim: Stop()))
    await wait_all_tasks_blocked()
    assert ref.alive

    ref.kill()

    assert await ref.wait() == KILLED
    assert trio.current_time() == 0.0


async def test_killed_just_before_it_terminates_it_leaves_nothing_unawaited(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            ended.append(reason)

    ended: list[ExitReason] = []
    killer = await system.start(victim)
    for _ in range(10):
        ref = await system.start(Slow)
        ref.cast(acting(lambda victim: Stop()))
        for _ in range(3):
            killer.cast(acting(lambda victim, ref=ref: ref.kill()))
        await ref.wait()

    assert killer.alive
    assert trio.current_time() == 0.0


async def test_an_exit_signal_ends_an_idle_actor_with_its_reason(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    ref = await system.start(victim, ends)

    ref.exit(Shutdown("moved"))

    assert await ref.wait() == Shutdown("moved")
    assert ends == [Shutdown("moved")]
    assert not ends[0].interrupted
    assert trio.current_time() == 0.0


async def test_an_exit_signal_overtakes_the_messages_that_wait(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    ref.cast("unread")

    ref.exit(Crash("tired"))

    assert await ref.wait() == Crash("tired")
    assert [letter.message for letter in system.dead_letters] == ["unread"]
    assert trio.current_time() == 0.0


async def test_an_exit_signal_cuts_off_a_handler_that_waits(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    ref = await system.start(victim, ends)
    ref.cast(acting(forever))
    await wait_all_tasks_blocked()

    ref.exit(SHUTDOWN)

    assert await ref.wait() == SHUTDOWN
    assert [end.interrupted for end in ends] == [True]
    assert trio.current_time() == 0.0


async def test_a_handler_that_ran_to_its_end_was_not_interrupted(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    ref = await system.start(victim, ends)

    ref.cast(acting(lambda victim: victim.ref.exit(SHUTDOWN)))
    ref.cast("unread")

    assert await ref.wait() == SHUTDOWN
    assert [end.interrupted for end in ends] == [False]
    assert trio.current_time() == 0.0


async def test_a_handler_that_was_called_at_once_was_not_interrupted(system: ActorSystem, victim: type[Victim]) -> None:
    ends: list[ExitReason] = []
    ref = await system.start(victim, ends)
    ref.cast("a first message")
    await wait_all_tasks_blocked()

    await ref.call(acting(lambda victim: victim.ref.exit(SHUTDOWN)))

    assert await ref.wait() == SHUTDOWN
    assert [end.interrupted for end in ends] == [False]
    assert trio.current_time() == 0.0


async def test_a_trapping_actor_finishes_its_handler_before_the_exit_is_handled(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Trapping(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        trap_exit = True

    async def work(victim: Victim) -> None:
        await trio.sleep(1.0)
        victim.seen.append("work done")

    seen: list[object] = []
    ref = await system.start(Trapping)
    await ref.call(acting(seen.append))
    ref.cast(acting(work))
    await wait_all_tasks_blocked()

    ref.exit(SHUTDOWN)
    await ref.call("question", timeout=None)

    [instance] = seen
    assert isinstance(instance, Victim)
    assert instance.seen == ["work done", Exit(None, SHUTDOWN), "question"]
    assert trio.current_time() == 1.0


async def test_a_normal_exit_signal_of_another_is_ignored(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)

    ref.exit(NORMAL)

    assert await ref.call("question", timeout=None) is None
    assert trio.current_time() == 0.0


async def test_the_first_of_two_exit_signals_holds(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)
    ref.cast(acting(forever))
    await wait_all_tasks_blocked()

    ref.exit(Crash("first"))
    ref.exit(Crash("second"))

    assert await ref.wait() == Crash("first")
    assert trio.current_time() == 0.0


async def test_an_exit_signal_does_not_cut_terminate_off(system: ActorSystem, victim: type[Victim]) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep(1.0)
            ended.append(reason)

    ended: list[ExitReason] = []
    ref = await system.start(Slow)
    ref.cast(acting(lambda victim: Stop()))
    await wait_all_tasks_blocked()

    ref.exit(Crash("late"))

    assert await ref.wait() == NORMAL
    assert ended == [NORMAL]
    assert trio.current_time() == 1.0
