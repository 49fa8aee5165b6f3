"""The system: however its block is left, its actors are stopped in order, and what was raised comes out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Crash,
    ExitReason,
    NoProcessError,
    StoppingError,
    SystemExitedError,
    open_system,
)
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("autojump_clock")


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


class Ordered(Actor):
    """Notes its end, after a while."""

    def __init__(self, ends: list[ActorRef]) -> None:
        self.ends = ends

    async def terminate(self, reason: ExitReason) -> None:
        await trio.sleep(0.5)
        self.ends.append(self.ref)


def acting(act: Callable[[Victim], Any]) -> Blow:
    """Return a message that has the victim do *act*."""
    return Blow(act, KILLED)


async def start_three(system: ActorSystem, ends: list[ActorRef]) -> list[ActorRef]:
    """Start three actors, and return them in the order in which they must stop."""
    return [await system.start(Ordered, ends) for _ in range(3)][::-1]


async def test_the_end_of_the_block_stops_the_youngest_first() -> None:
    ends: list[ActorRef] = []

    async with open_system() as system:
        order = await start_three(system, ends)

    assert ends == order
    assert [ref.reason for ref in order] == [SHUTDOWN] * 3
    assert trio.current_time() == 1.5


async def test_an_exception_in_the_block_comes_out_as_it_is_when_the_actors_are_stopped() -> None:
    ends: list[ActorRef] = []
    order = []
    error = ValueError("boom")

    async def fail() -> None:
        async with open_system() as system:
            order.extend(await start_three(system, ends))
            raise error

    with pytest.raises(ValueError, match="boom") as caught:
        await fail()

    assert caught.value is error
    assert ends == order
    assert trio.current_time() == 1.5


async def test_a_cancelled_block_stops_the_actors_before_the_cancellation_goes_on() -> None:
    ends: list[ActorRef] = []
    order = []

    with trio.move_on_after(1.0) as scope:
        async with open_system() as system:
            order.extend(await start_three(system, ends))
            await trio.sleep_forever()

    assert scope.cancelled_caught
    assert ends == order
    assert trio.current_time() == 2.5


async def test_a_failing_sibling_stops_the_actors_before_the_nursery_raises() -> None:
    ends: list[ActorRef] = []

    async def fail() -> None:
        await trio.sleep(1.0)
        raise ValueError("sibling")

    async def fail_together() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            async with open_system() as system:
                await start_three(system, ends)
                await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await fail_together()

    assert caught.group_contains(ValueError, match="sibling", depth=1)
    assert len(ends) == 3
    assert trio.current_time() == 2.5


async def test_a_nursery_within_the_block_is_done_before_the_actors_are_stopped(victim: type[Victim]) -> None:
    async def work() -> None:
        await trio.sleep(1.0)
        answers.append(await ref.call(acting(lambda me: "still here")))

    answers: list[object] = []

    async with open_system() as system, trio.open_nursery() as nursery:
        ref = await system.start(victim)
        nursery.start_soon(work)

    assert answers == ["still here"]
    assert trio.current_time() == 1.0


async def test_actors_that_wait_for_each_other_in_terminate_end_when_their_time_is_over() -> None:
    class Waiting(Actor):
        async def terminate(self, reason: ExitReason) -> None:
            await older.wait()

    async with open_system() as system:
        older = await system.start(Actor)
        younger = await system.start(Waiting)

    assert younger.reason == KILLED
    assert older.reason == SHUTDOWN
    assert trio.current_time() == 5.0


async def test_a_handler_that_calls_an_actor_that_is_stopped_is_told(victim: type[Victim]) -> None:
    class Calling(Probe):
        async def terminate(self, reason: ExitReason) -> None:
            with pytest.raises(NoProcessError):
                await younger.call("question", timeout=None)

    async with open_system() as system:
        older = await system.start(Calling)
        younger = await system.start(victim)

    assert older.reason == SHUTDOWN
    assert trio.current_time() == 0.0


async def test_nothing_starts_once_the_system_is_stopping() -> None:
    class Late(Actor):
        async def terminate(self, reason: ExitReason) -> None:
            with pytest.raises(StoppingError):
                await self.system.start(Actor, name="late")

    async with open_system() as system:
        ref = await system.start(Late)

    assert ref.reason == SHUTDOWN
    with pytest.raises(StoppingError):
        await system.start(Actor)
    assert system.whereis("late") is None


async def test_a_start_that_is_under_way_when_the_system_stops_fails() -> None:
    class Slow(Actor):
        async def init(self) -> None:
            await trio.sleep_forever()

    async def start() -> None:
        try:
            await system.start(Slow)
        except Exception as error:  # noqa: BLE001 -- which one it is, is the question
            errors.append(error)

    errors: list[Exception] = []

    async with trio.open_nursery() as nursery, open_system() as system:
        nursery.start_soon(start)
        await wait_all_tasks_blocked()

    assert len(errors) == 1
    assert trio.current_time() == 0.0


async def test_what_has_lost_its_parent_is_stopped_too(victim: type[Victim]) -> None:
    ends: list[ExitReason] = []

    async with open_system() as system:
        parent = await system.start(Probe)
        orphan: ActorRef = await parent.call(lambda me: me.start_link(victim, ends))
        await parent.call(lambda me: orphan.unlink())
        parent.kill()
        await wait_all_tasks_blocked()
        assert orphan.alive

    assert orphan.reason == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0.0


async def test_what_has_lost_its_parent_and_traps_exits_is_stopped_too(victim: type[Victim]) -> None:
    class Trapping(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        trap_exit = True

    ends: list[ExitReason] = []

    async with open_system() as system:
        parent = await system.start(Probe)
        orphan: ActorRef = await parent.call(lambda me: me.start_link(Trapping, ends, shutdown=math.inf))
        await parent.call(lambda me: orphan.unlink())
        parent.kill()
        await wait_all_tasks_blocked()
        assert orphan.alive

    assert orphan.reason == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0.0


async def test_children_stop_with_their_parent(victim: type[Victim]) -> None:
    ends: list[ExitReason] = []

    async with open_system() as system:
        parent = await system.start(Probe)
        child: ActorRef = await parent.call(lambda me: me.start_link(victim, ends))

    assert child.reason == SHUTDOWN
    assert ends == [SHUTDOWN]
    assert trio.current_time() == 0.0


async def test_a_system_whose_root_is_killed_raises_in_its_block() -> None:
    ends: list[ActorRef] = []

    async def kill_root() -> None:
        async with open_system() as system:
            await start_three(system, ends)
            system.root.kill()
            await trio.sleep_forever()

    with pytest.raises(SystemExitedError) as caught:
        await kill_root()

    assert caught.value.reason == KILLED
    assert len(ends) == 3
    assert trio.current_time() == 0.5


async def test_a_root_that_is_killed_while_the_system_stops_does_not_keep_it_open() -> None:
    class Rude(Actor):
        async def terminate(self, reason: ExitReason) -> None:
            self.system.root.kill()
            await trio.sleep(1.0)

    async with open_system() as system:
        refs = [await system.start(Rude), await system.start(Rude)]

    assert [ref.alive for ref in refs] == [False, False]
    assert trio.current_time() <= 2.0


async def test_the_block_waits_for_what_was_left_behind(victim: type[Victim]) -> None:
    async def hide(me: Victim) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(60.0)

    async with open_system() as system:
        ref = await system.start(victim)
        ref.cast(acting(hide))
        await wait_all_tasks_blocked()
        ref.kill()
        await ref.wait()
        assert trio.current_time() == 1.0

    assert trio.current_time() == 60.0


async def test_kill_grace_is_how_long_a_killed_handler_has(victim: type[Victim]) -> None:
    async def hide(me: Victim) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(60.0)

    async with open_system(kill_grace=7.0) as system:
        ref = await system.start(victim)
        ref.cast(acting(hide))
        await wait_all_tasks_blocked()

        ref.kill()
        await ref.wait()

        assert trio.current_time() == 7.0


@pytest.mark.parametrize("seconds", [-1.0, math.nan, "1", None], ids=repr)
async def test_a_kill_grace_that_is_none_is_refused(seconds: Any) -> None:
    async def attempt() -> None:
        async with open_system(kill_grace=seconds):
            pytest.fail("it opened")

    with pytest.raises((TypeError, ValueError), match="kill_grace") as caught:
        await attempt()

    assert repr(seconds) in str(caught.value)


async def test_a_crash_in_terminate_does_not_stop_the_stopping() -> None:
    class Failing(Actor):
        def terminate(self, reason: ExitReason) -> None:
            raise ValueError("last words")

    ends: list[ActorRef] = []

    async with open_system() as system:
        await start_three(system, ends)
        failing = await system.start(Failing)
        await start_three(system, ends)

    assert isinstance(failing.reason, Crash)
    assert len(ends) == 6
