"""Dynamic supervisors that delay the restarts of a child that keeps failing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors import SHUTDOWN, ActorRef, Backoff, open_system
from supervision import (
    ChildNotFoundError,
    ChildSpec,
    DynamicSupervisor,
    MaxChildrenError,
    get_child_spec,
    start_child,
    terminate_child,
    which_child,
    which_children,
)
from tests.supervision.test_backoff import OFTEN, SECOND, Diary, dying
from tests.supervision.workers import ABNORMAL, Plan, Worker, child, counts, end, states


@asynccontextmanager
async def pool(*children: ChildSpec, **options: Any) -> AsyncIterator[ActorRef]:
    """Open a system with a dynamic supervisor, and have it start *children*."""
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor, name="pool", **({"intensity": OFTEN} | options))
        for spec in children:
            await start_child(sup, spec)
        yield sup


async def fail(supervisor: ActorRef, child_id: str) -> ActorRef:
    """Have the child of this id crash, wait until the supervisor has acted on it, and return who crashed."""
    (ref,) = [info.ref for info in await which_children(supervisor) if info.id == child_id]
    assert ref is not None
    await end(ref, ABNORMAL)
    await which_children(supervisor)
    return ref


async def test_every_restart_but_the_first_is_delayed(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with pool(child("a", dying(worker, 5), log=diary), backoff=SECOND):
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 1, 3, 7, 15]


async def test_without_a_backoff_no_restart_is_delayed(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with pool(child("a", dying(worker, 5), log=diary)):
        await trio.sleep(100)

    assert diary.starts() == [0] * 6


async def test_a_child_may_have_a_backoff_of_its_own(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()
    children = [
        child("a", dying(worker, 3), log=diary),
        child("b", dying(worker, 3), log=diary, backoff=Backoff(10.0)),
    ]

    async with pool(*children, backoff=SECOND):
        await trio.sleep(100)

    assert (diary.starts("a"), diary.starts("b")) == ([0, 0, 1, 3], [0, 0, 10, 30])


@pytest.mark.parametrize(("up", "delay"), [(9.5, 2.0), (10.5, 0.0)])
async def test_the_delays_begin_anew_after_the_child_stayed_up(
    up: float, delay: float, worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()

    async with pool(child("a", worker, log=diary), backoff=Backoff(1.0, reset_after=10.0)) as sup:
        await fail(sup, "a")
        await fail(sup, "a")
        await trio.sleep(1.0 + up)
        await fail(sup, "a")
        await trio.sleep(100)

    assert diary.starts() == [0, 0, 1, 1 + up + delay]


async def test_a_failed_attempt_is_followed_by_the_next_delay(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with pool(child("a", worker, "start", "fail", "stop", log=diary), backoff=SECOND) as sup:
        await fail(sup, "a")
        await trio.sleep(100)

    assert diary.starts() == [0, 3]


async def test_a_child_that_ignores_its_delayed_start_is_forgotten(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with pool(child("a", worker, "start", "start", "ignore"), backoff=SECOND) as sup:
        await fail(sup, "a")
        await fail(sup, "a")
        assert await states(sup) == {"a": "restarting"}
        await trio.sleep(1.5)

        assert await which_children(sup) == []


async def test_a_child_that_waits_is_known_by_its_last_process(worker: type[Worker], autojump_clock: MockClock) -> None:
    spec = child("a", worker)

    async with pool(spec, backoff=SECOND, max_children=1) as sup:
        await fail(sup, "a")
        last = await fail(sup, "a")
        assert (await which_child(sup, last)).state == "restarting"
        assert await get_child_spec(sup, last) == spec
        assert await counts(sup) == [1, 0, 0, 1]
        with pytest.raises(MaxChildrenError):
            await start_child(sup, spec)
        await trio.sleep(1.5)

        with pytest.raises(ChildNotFoundError):
            await which_child(sup, last)
        assert await states(sup) == {"a": "running"}


async def test_a_restart_that_waits_ends_with_terminate_child(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with pool(child("a", worker, log=diary), backoff=SECOND) as sup:
        await fail(sup, "a")
        last = await fail(sup, "a")
        await terminate_child(sup, last)
        with pytest.raises(ChildNotFoundError):
            await terminate_child(sup, last)
        await trio.sleep(100)

        assert await which_children(sup) == []
    assert diary.starts() == [0, 0]


async def test_others_come_and_go_while_a_child_waits(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with pool(child("a", worker), backoff=SECOND) as sup:
        await fail(sup, "a")
        await fail(sup, "a")
        await start_child(sup, child("b", worker))
        await fail(sup, "b")

        assert await states(sup) == {"a": "restarting", "b": "running"}
        assert trio.current_time() == 0


async def test_a_supervisor_that_is_stopped_does_not_wait(worker: type[Worker], autojump_clock: MockClock) -> None:
    diary = Diary()

    async with pool(child("a", worker, log=diary), backoff=SECOND) as sup:
        await fail(sup, "a")
        await fail(sup, "a")
        await sup.stop(SHUTDOWN)
        assert trio.current_time() == 0
        await trio.sleep(100)

    assert diary.starts() == [0, 0]


async def test_it_gives_up_when_the_child_ends_and_not_after_a_delay(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    diary = Diary()

    async with pool(child("a", dying(worker, 5), log=diary), backoff=SECOND, intensity=4, period=60.0) as sup:
        assert await sup.wait() == SHUTDOWN
        assert trio.current_time() == 7

    assert diary.starts() == [0, 0, 1, 3, 7]


async def test_a_failed_attempt_counts_at_once(worker: type[Worker], autojump_clock: MockClock) -> None:
    plan = Plan(["start", "fail", "fail"])

    async with pool(ChildSpec("a", worker, ("a", plan)), backoff=SECOND, intensity=2) as sup:
        await fail(sup, "a")

        assert await sup.wait() == SHUTDOWN
        assert (trio.current_time(), plan.starts) == (1.0, 3)
