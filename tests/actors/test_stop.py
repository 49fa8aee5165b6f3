"""Stopping: stop, terminate, and OTP's shutdown protocol."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    CallingSelfError,
    Crash,
    ExitReason,
    NoProcessError,
    Shutdown,
    Stop,
    open_system,
)
from tests.actors.probe import Probe
from tests.actors.test_registry import Directory

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


class Plain(Actor):
    """Defines no terminate."""

    def handle_cast(self, message: object) -> object:
        return message


class Till(Actor):
    """Keeps what it was told and how it ended."""

    def __init__(self, seen: list[object] | None = None, *, trap_exit: bool = False) -> None:
        self.trap_exit = trap_exit
        self.seen = [] if seen is None else seen

    def handle_cast(self, message: object) -> Any:
        self.seen.append(message)
        return message if isinstance(message, Stop) else None

    def terminate(self, reason: ExitReason) -> None:
        self.seen.append(reason)


class Slow(Till):
    """Takes a second over every message."""

    async def handle_cast(self, message: object) -> None:
        try:
            await trio.sleep(1)
        except trio.Cancelled:
            self.seen.append("cancelled")
            raise
        self.seen.append(message)


class Reluctant(Actor):
    """Takes its time to terminate."""

    def __init__(self, seconds: float, ends: list[str] | None = None) -> None:
        self.seconds = seconds
        self.ends = [] if ends is None else ends

    async def terminate(self, reason: ExitReason) -> None:
        try:
            await trio.sleep(self.seconds)
        except trio.Cancelled:
            self.ends.append(f"cancelled at {trio.current_time():g}")
            raise
        self.ends.append(f"done at {trio.current_time():g}")


async def test_stop1_with_reason_normal(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    await till.stop()

    assert not till.alive
    assert till.reason == NORMAL
    with pytest.raises(NoProcessError, match=r"<Till #2> is dead: normal"):
        await till.stop()
    assert trio.current_time() == 0


@pytest.mark.parametrize("reason", [Crash("other_reason"), Shutdown("moved"), SHUTDOWN], ids=str)
async def test_stop2_with_another_reason(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)

    await till.stop(reason)

    assert till.reason == reason
    assert seen == [reason]
    assert trio.current_time() == 0


@pytest.mark.parametrize("timeout", ["5", -1, math.nan, []], ids=repr)
async def test_stop3_with_an_invalid_timeout_leaves_it_alive(system: ActorSystem, kind: Kind, timeout: Any) -> None:
    till = await system.start(kind(Till))

    with pytest.raises((TypeError, ValueError)):
        await till.stop(Crash("other_reason"), timeout=timeout)

    assert till.alive
    await till.stop()
    assert till.reason == NORMAL


async def test_stop4_and_stop5_by_name(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="to_stop")
    name = system.named("to_stop")

    await name.stop()

    assert till.reason == NORMAL
    with pytest.raises(NoProcessError, match="nobody has the name 'to_stop'"):
        await name.stop()


async def test_stop6_and_stop7_by_a_name_kept_elsewhere(system: ActorSystem, kind: Kind) -> None:
    directory = Directory()
    till = await system.start(kind(Till), name="to_stop", via=directory)
    name = system.named("to_stop", via=directory)

    await name.stop()

    assert till.reason == NORMAL
    assert directory.refs == {}
    with pytest.raises(NoProcessError):
        await name.stop()


async def test_undef_terminate1_stops_with_normal(system: ActorSystem, kind: Kind) -> None:
    plain = await system.start(kind(Plain))

    await plain.stop()

    assert plain.reason == NORMAL


async def test_undef_terminate2_keeps_the_reason(system: ActorSystem, kind: Kind) -> None:
    plain = await system.start(kind(Plain))

    await plain.stop(Crash("test"))

    assert plain.reason == Crash("test")


async def test_undef_in_terminate_is_the_exit_reason(system: ActorSystem, kind: Kind) -> None:
    class Careless(Actor):
        def terminate(self, reason: ExitReason) -> None:
            self.clean_up()  # type: ignore[attr-defined]

    careless = await system.start(kind(Careless), name="careless")

    with pytest.raises(ActorExitedError, match="<careless #2> exited, but not with normal: AttributeError") as caught:
        await careless.stop()

    assert isinstance(caught.value.reason, Crash)
    assert isinstance(caught.value.reason.cause, AttributeError)
    assert await careless.wait() == caught.value.reason
    assert system.whereis("careless") is None
    assert trio.current_time() == 0


async def test_stop_handles_what_was_sent_before_it(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)
    for number in range(1_000):
        till.cast(number)

    await till.stop()

    assert seen == [*range(1_000), NORMAL]
    assert system.dead_letters.count == 0


async def test_stop_without_drain_overtakes_the_messages_that_wait(system: ActorSystem) -> None:
    seen: list[object] = []
    slow = await system.start(Slow, seen)
    slow.cast("first")
    slow.cast("second")
    await wait_all_tasks_blocked()

    await slow.stop(drain=False)

    assert trio.current_time() == 1
    assert seen == ["first", NORMAL]
    assert [letter.message for letter in system.dead_letters] == ["second"]


async def test_stop_without_drain_of_an_idle_actor(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)

    await till.stop(SHUTDOWN, drain=False)

    assert seen == [SHUTDOWN]


async def test_stop_waits_for_the_handler_that_runs(system: ActorSystem) -> None:
    seen: list[object] = []
    slow = await system.start(Slow, seen)
    slow.cast("work")
    await wait_all_tasks_blocked()

    await slow.stop()

    assert trio.current_time() == 1
    assert seen == ["work", NORMAL]


async def test_stop_gives_up_after_its_timeout_and_the_actor_goes_on_stopping(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast("work")

    with pytest.raises(TimeoutError, match=r"<Slow #2> did not stop within 0.5 s"):
        await slow.stop(timeout=0.5)

    assert trio.current_time() == 0.5
    assert slow.alive
    assert await slow.wait() == NORMAL
    assert trio.current_time() == 1


async def test_stop_that_is_cancelled_lets_the_actor_go_on_stopping(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast("work")

    with trio.move_on_after(0.5):
        await slow.stop()

    assert await slow.wait() == NORMAL
    assert trio.current_time() == 1


async def test_stop_raises_the_reason_of_another_end(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    till.cast(Stop(Crash("broke")))

    with pytest.raises(ActorExitedError, match=r"<Till #2> exited, but not with normal: .*broke") as caught:
        await till.stop()

    assert caught.value.reason == Crash("broke")
    assert trio.current_time() == 0


async def test_stop_is_over_at_once_when_the_actor_is_killed(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast("work")

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def stop() -> None:
            with pytest.raises(ActorExitedError) as caught:
                await slow.stop()
            assert caught.value.reason == KILLED

        await wait_all_tasks_blocked()
        slow.kill()

    assert trio.current_time() == 0


async def test_two_may_stop_the_same_actor(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(till.stop)
        nursery.start_soon(till.stop)

    assert seen == [NORMAL]


async def test_an_actor_cannot_stop_itself_but_by_its_return(system: ActorSystem) -> None:
    probe = await system.start(Probe)

    async def stop_self(me: Probe) -> str:
        with pytest.raises(CallingSelfError) as caught:
            await me.ref.stop()
        return str(caught.value)

    error = await probe.call(stop_self, timeout=None)

    assert error.startswith("<Probe #2> would wait for its own end; a handler returns Stop(")
    assert probe.alive


async def test_terminate_runs_once_with_the_reason(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)

    till.cast(Stop(Shutdown("moved")))

    assert await till.wait() == Shutdown("moved")
    assert seen == [Stop(Shutdown("moved")), Shutdown("moved")]


async def test_terminate_runs_when_a_handler_raised(system: ActorSystem, kind: Kind) -> None:
    error = ValueError("boom")

    class Fragile(Till):
        def handle_cast(self, message: object) -> None:
            raise error

    seen: list[object] = []
    fragile = await system.start(kind(Fragile), seen)

    fragile.cast("go")

    assert await fragile.wait() == Crash(error)
    assert seen == [Crash(error)]
    assert trio.current_time() == 0


async def test_terminate_does_not_run_when_the_actor_is_killed(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen, trap_exit=True)

    till.kill()

    assert await till.wait() == KILLED
    assert seen == []
    assert trio.current_time() == 0


async def test_terminate_sees_whether_a_handler_was_interrupted(system: ActorSystem) -> None:
    seen: list[object] = []
    slow = await system.start(Slow, seen)
    slow.cast("work")
    await wait_all_tasks_blocked()

    slow.exit(SHUTDOWN)

    reason = await slow.wait()
    assert seen == ["cancelled", SHUTDOWN]
    assert isinstance(seen[1], Shutdown)
    assert seen[1].interrupted
    assert reason == SHUTDOWN
    assert trio.current_time() == 0


async def test_terminate_of_an_idle_actor_sees_that_no_handler_was_interrupted(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)
    await wait_all_tasks_blocked()

    till.exit(SHUTDOWN)

    await till.wait()
    assert isinstance(seen[0], Shutdown)
    assert not seen[0].interrupted


async def test_the_name_is_free_only_when_terminate_has_run(system: ActorSystem, kind: Kind) -> None:
    found: list[ActorRef | None] = []

    class Namesake(Actor):
        def terminate(self, reason: ExitReason) -> None:
            found.append(self.system.whereis("namesake"))

    namesake = await system.start(kind(Namesake), name="namesake")

    await namesake.stop()

    assert found == [namesake]
    assert system.whereis("namesake") is None


async def test_terminate_is_not_interrupted_by_an_exit_signal(system: ActorSystem) -> None:
    ends: list[str] = []
    reluctant = await system.start(Reluctant, 1, ends)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reluctant.stop)
        await trio.sleep(0.5)
        reluctant.exit(Crash("hurry"))

    assert ends == ["done at 1"]
    assert reluctant.reason == NORMAL


async def test_terminate_is_cut_off_by_a_kill(system: ActorSystem) -> None:
    ends: list[str] = []
    reluctant = await system.start(Reluctant, 10, ends)

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def stop() -> None:
            with pytest.raises(ActorExitedError) as caught:
                await reluctant.stop()
            assert caught.value.reason == KILLED

        await trio.sleep(0.5)
        reluctant.kill()

    assert ends == ["cancelled at 0.5"]
    assert reluctant.reason == KILLED
    assert trio.current_time() == 0.5


async def test_terminate_is_cut_off_after_the_time_the_actor_has_to_stop(
    system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    ends: list[str] = []
    reluctant = await system.start(Reluctant, 10, ends, shutdown=2.0)

    await reluctant.stop()

    assert ends == ["cancelled at 2"]
    assert reluctant.reason == NORMAL
    assert "terminate of <Reluctant #2> took longer than 2.0 s and was cancelled" in caplog.text


async def test_shut_down_returns_the_reason(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)

    assert await till.shut_down(5.0) == SHUTDOWN
    assert seen == [SHUTDOWN]
    assert trio.current_time() == 0


async def test_shut_down_kills_what_takes_too_long(system: ActorSystem) -> None:
    ends: list[str] = []
    reluctant = await system.start(Reluctant, 10, ends)

    assert await reluctant.shut_down(3.0) == KILLED
    assert ends == ["cancelled at 3"]
    assert trio.current_time() == 3


async def test_shut_down_without_a_limit_waits_for_ever(system: ActorSystem) -> None:
    ends: list[str] = []
    reluctant = await system.start(Reluctant, 86_400, ends)

    assert await reluctant.shut_down(math.inf) == SHUTDOWN
    assert ends == ["done at 86400"]


async def test_shut_down_with_brutal_kill_kills_at_once(system: ActorSystem, kind: Kind) -> None:
    seen: list[object] = []
    till = await system.start(kind(Till), seen)

    assert await till.shut_down("brutal_kill") == KILLED
    assert seen == []
    assert trio.current_time() == 0


async def test_shut_down_of_a_dead_actor_returns_its_reason(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    till.cast(Stop(Crash("broke")))
    await till.wait()

    assert await till.shut_down(5.0) == Crash("broke")
    assert await till.shut_down("brutal_kill") == Crash("broke")
    assert trio.current_time() == 0


async def test_leaving_the_system_stops_actors_the_youngest_first(autojump_clock: MockClock, kind: Kind) -> None:
    order: list[str | None] = []

    class Orderly(Actor):
        def terminate(self, reason: ExitReason) -> None:
            order.append(self.name)

    async with open_system() as system:
        for name in ("one", "two", "three"):
            await system.start(kind(Orderly), name=name)

    assert order == ["three", "two", "one"]


async def test_leaving_the_system_lets_an_actor_finish_what_it_was_sent(autojump_clock: MockClock) -> None:
    seen: list[object] = []

    async with open_system() as system:
        slow = await system.start(Slow, seen, trap_exit=True)
        slow.cast("work")

    assert seen == ["work", SHUTDOWN]
    assert trio.current_time() == 1
    assert slow.reason == SHUTDOWN


async def test_leaving_the_system_by_an_exception_stops_the_actors_first(autojump_clock: MockClock, kind: Kind) -> None:
    seen: list[object] = []

    async def run() -> None:
        async with open_system() as system:
            await system.start(kind(Till), seen)
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        await run()

    assert seen == [SHUTDOWN]
