"""Deaths at an awkward moment: in init and in terminate, and of handlers that do not yield or that hide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    KILLED,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorSystem,
    Caller,
    Crash,
    Down,
    Exit,
    ExitReason,
    Stop,
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


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), GeneratorExit()], ids=repr)
async def test_a_crash_in_init_is_told_to_the_parent_and_frees_the_name(
    system: ActorSystem, error: BaseException
) -> None:
    class Failing(Actor):
        async def init(self) -> None:
            await trio.lowlevel.checkpoint()
            raise error

    async def start(me: Probe) -> BaseException:
        try:
            await me.start_link(Failing, name="till")
        except Exception as raised:  # noqa: BLE001 -- which one it is, is the question
            return raised
        pytest.fail("it started")

    parent = await system.start(Probe, trap_exit=True)

    raised = await parent.call(start, timeout=None)

    if isinstance(error, Exception):
        assert raised is error
    else:
        assert isinstance(raised, ActorExitedError)
        assert raised.reason == Crash(error)
    assert system.whereis("till") is None
    assert trio.current_time() == 0.0


async def test_a_stray_cancellation_in_init_does_not_cancel_the_starter(system: ActorSystem) -> None:
    class Failing(Actor):
        async def init(self) -> None:
            stray: list[BaseException] = []
            with trio.CancelScope() as scope:
                scope.cancel()
                try:
                    await trio.lowlevel.checkpoint()
                except trio.Cancelled as cancelled:
                    stray.append(cancelled)
                    raise
            raise stray[0]

    with pytest.raises(ActorExitedError, match="Cancelled"):
        await system.start(Failing, name="till")

    assert system.whereis("till") is None
    assert trio.current_time() == 0.0


@pytest.mark.parametrize("end", [lambda me: me.ref.kill(), lambda me: me.ref.exit(KILLED)], ids=["kill", "exit"])
@pytest.mark.parametrize("waits", [False, True], ids=["def", "async"])
async def test_killed_within_its_init_it_has_not_started(system: ActorSystem, end: Any, *, waits: bool) -> None:
    class Suicidal(Actor):
        def init(self) -> Any:
            end(self)
            return linger() if waits else None

    async def linger() -> None:
        await trio.sleep(1.0)

    with pytest.raises(ActorExitedError) as caught:
        await system.start(Suicidal, name="till")

    assert caught.value.reason == KILLED
    assert system.whereis("till") is None
    assert trio.current_time() == 0.0


async def test_killed_by_another_during_its_init_it_has_not_started(system: ActorSystem) -> None:
    class Slow(Actor):
        async def init(self) -> None:
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def start() -> None:
            with pytest.raises(ActorExitedError) as caught:
                await system.start(Slow, name="till")
            assert caught.value.reason == KILLED

        await wait_all_tasks_blocked()
        system.named("till").kill()

    assert trio.current_time() == 0.0


async def test_a_scope_that_a_handler_cancels_and_leaves_is_its_own_affair(
    system: ActorSystem, victim: type[Victim]
) -> None:
    async def act(victim: Victim) -> str:
        with trio.CancelScope() as scope:
            scope.cancel()
            await trio.sleep_forever()
        return "survived"

    ref = await system.start(victim)

    assert await ref.call(acting(act), timeout=None) == "survived"
    assert await ref.call("question", timeout=None) is None
    assert trio.current_time() == 0.0


async def test_a_handler_that_outlives_the_deadline_without_yielding_delivers_its_reply(
    system: ActorSystem, victim: type[Victim], autojump_clock: MockClock
) -> None:
    def compute(victim: Victim) -> str:
        autojump_clock.jump(60.0)
        return "at last"

    ref = await system.start(victim)

    assert await ref.call(acting(compute), timeout=1.0) == "at last"
    assert trio.current_time() == 60.0


async def test_a_queued_call_is_answered_when_a_handler_before_it_outlived_the_deadline(
    system: ActorSystem, victim: type[Victim], autojump_clock: MockClock
) -> None:
    ref = await system.start(victim)
    ref.cast(acting(lambda victim: autojump_clock.jump(60.0)))

    answer = await ref.call(acting(lambda victim: "at last"), timeout=None)

    assert answer == "at last"
    assert trio.current_time() == 60.0


async def hide(victim: Victim) -> str:
    """Hide from cancellation for a minute."""
    with trio.CancelScope(shield=True):
        await trio.sleep(60.0)
    return "too late"


async def test_a_killed_handler_that_hides_is_left_behind_after_the_grace(
    system: ActorSystem, victim: type[Victim]
) -> None:
    ref = await system.start(victim, name="till")
    probe = await system.start(Probe, trap_exit=True)
    monitor = await probe.call(lambda me: ref.monitor())
    await probe.call(lambda me: ref.link())
    ref.cast(acting(hide))
    await wait_all_tasks_blocked()

    ref.kill()

    assert await ref.wait() == KILLED
    assert trio.current_time() == 1.0
    assert system.whereis("till") is None
    assert await probe.call(received) == [Exit(ref, KILLED), Down(ref, KILLED, monitor)]


async def test_the_caller_of_a_killed_handler_that_hides_waits_for_the_grace_alone(
    system: ActorSystem, victim: type[Victim]
) -> None:
    ref = await system.start(victim)
    reasons: list[ExitReason] = []

    async def call() -> None:
        reasons.append(await reason_of_call(ref, acting(hide)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        await wait_all_tasks_blocked()
        ref.kill()

    assert reasons == [KILLED]
    assert trio.current_time() == 1.0


async def test_a_parent_replaces_a_child_that_hides_while_it_still_runs(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Parent(Probe):
        async def handle_info(self, message: object) -> None:  # type: ignore[override] # both kinds are allowed
            self.received.append(await self.start_link(victim, name="till"))

    parent = await system.start(Parent, trap_exit=True)
    first = await parent.call(lambda me: me.start_link(victim, name="till"))
    first.cast(acting(hide))
    await wait_all_tasks_blocked()

    first.kill()
    await first.wait()

    [second] = await parent.call(received)
    assert await second.call("question", timeout=None) is None
    assert trio.current_time() == 1.0


async def test_what_was_left_behind_gets_no_message(system: ActorSystem, victim: type[Victim]) -> None:
    instances: list[Victim] = []
    ref = await system.start(victim)
    await ref.call(acting(instances.append))
    ref.cast(acting(hide))
    ref.cast("unread")
    await wait_all_tasks_blocked()
    ref.kill()

    await ref.wait()
    ref.cast("late")
    await trio.sleep(100.0)

    assert [letter.message for letter in system.dead_letters] == ["unread", "late"]
    assert instances[0].seen == []


async def test_a_terminate_that_hangs_is_cut_off_after_five_seconds(system: ActorSystem, victim: type[Victim]) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep_forever()

    ref = await system.start(Slow)

    ref.cast(acting(lambda victim: Stop(Crash("tired"))))

    assert await ref.wait() == Crash("tired")
    assert trio.current_time() == 5.0


async def test_a_terminate_that_hides_is_left_behind_after_its_time_and_the_grace(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Hiding(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await hide(self)

    ref = await system.start(Hiding, name="till")

    reason = await reason_of_call(ref, acting(lambda victim: Stop(Crash("tired"))))

    assert reason == Crash("tired")
    assert system.whereis("till") is None
    assert trio.current_time() == 6.0


async def test_a_terminate_that_hangs_is_cut_off_after_the_actors_time_to_stop(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep_forever()

    ref = await system.start(Slow, shutdown=2.0)

    ref.exit(SHUTDOWN)

    assert await ref.wait() == SHUTDOWN
    assert trio.current_time() == 2.0


async def test_a_caller_that_is_owed_a_reply_is_told_when_terminate_is_over(
    system: ActorSystem, victim: type[Victim]
) -> None:
    class Slow(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep(3.0)

    ref = await system.start(Slow)

    reason = await reason_of_call(ref, acting(lambda victim: Stop(Crash("tired"))))

    assert reason == Crash("tired")
    assert trio.current_time() == 3.0


async def test_terminate_may_call_others(system: ActorSystem, victim: type[Victim]) -> None:
    class Leaving(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        async def terminate(self, reason: ExitReason) -> None:
            farewell.append(await other.call("farewell", timeout=None))

    class Echo(Actor):
        def handle_call(self, message: object, caller: Caller) -> object:
            return message

    farewell: list[object] = []
    other = await system.start(Echo)
    ref = await system.start(Leaving)

    ref.exit(SHUTDOWN)
    await ref.wait()

    assert farewell == ["farewell"]
    assert trio.current_time() == 0.0
