"""Cases ``hanging_restart_loop`` of OTP's supervisor suite: a child that fails at every restart."""

import logging

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors import NORMAL, SHUTDOWN, ActorRef, Stop, open_system
from supervision import (
    AlreadyPresentError,
    ChildNotFoundError,
    ChildRestartingError,
    ChildSpec,
    DynamicSupervisor,
    UnsupportedRequestError,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.supervision.workers import (
    ABNORMAL,
    Outcome,
    SyncWorker,
    Worker,
    child,
    counts,
    end,
    ref_of,
    states,
    supervising,
)

FAILING_START = 2.0
"""Seconds that a start takes which then fails."""


@attrs.define
class Switch:
    """Whether starts fail for now."""

    on: bool = False


class Deadlocked(SyncWorker):
    """OTP's supervisor_deadlock: while its switch is on, its starts fail, each after two seconds."""

    def __init__(self, switch: Switch) -> None:
        super().__init__()
        self.switch = switch

    async def init(self) -> Stop | None:
        if not self.switch.on:
            return None
        await trio.sleep(FAILING_START)
        return Stop(ABNORMAL)


def deadlocked(child_id: str, switch: Switch) -> ChildSpec:
    return ChildSpec(child_id, Deadlocked, (switch,), shutdown="brutal_kill")


async def loop(ref: ActorRef, switch: Switch) -> None:
    """Have a child fail, and go on failing."""
    switch.on = True
    await end(ref, ABNORMAL)


async def test_hanging_restart_loop(autojump_clock: MockClock) -> None:
    switch = Switch()
    spec = deadlocked("child1", switch)

    async with supervising(spec, intensity=8, period=10.0) as sup:
        await loop(await ref_of(sup, "child1"), switch)
        with pytest.raises(AlreadyPresentError, match="child 'child1' is restarting"):
            await start_child(sup, spec)
        with pytest.raises(ChildRestartingError):
            await restart_child(sup, "child1")
        with pytest.raises(ChildRestartingError):
            await delete_child(sup, "child1")
        assert await states(sup) == {"child1": "restarting"}
        assert await counts(sup) == [1, 0, 0, 1]
        # Each request came between two attempts.
        assert trio.current_time() % FAILING_START == 0

        await terminate_child(sup, "child1")
        assert await states(sup) == {"child1": "undefined"}

        switch.on = False
        ref = await restart_child(sup, "child1")
        assert ref is not None
        await loop(ref, switch)
        await sup.stop(SHUTDOWN)
        assert ref.reason == ABNORMAL


async def test_hanging_restart_loop_rest_for_one(worker: type[Worker], autojump_clock: MockClock) -> None:
    switch = Switch()
    children = [child("child1", worker), deadlocked("child2", switch), child("child3", worker)]

    async with supervising(*children, strategy="rest_for_one", intensity=8, period=10.0) as sup:
        child1 = await ref_of(sup, "child1")
        await loop(await ref_of(sup, "child2"), switch)
        with pytest.raises(AlreadyPresentError):
            await start_child(sup, children[1])
        with pytest.raises(ChildRestartingError):
            await restart_child(sup, "child2")
        with pytest.raises(ChildRestartingError):
            await delete_child(sup, "child2")
        assert await states(sup) == {
            "child3": "undefined",
            "child2": "restarting",
            "child1": "running",
        }
        assert await counts(sup) == [3, 1, 0, 3]

        await terminate_child(sup, "child2")
        assert await states(sup) == {
            "child3": "undefined",
            "child2": "undefined",
            "child1": "running",
        }
        assert await ref_of(sup, "child1") is child1

        switch.on = False
        ref = await restart_child(sup, "child2")
        assert ref is not None
        await loop(ref, switch)
        await sup.stop(SHUTDOWN)
        assert ref.reason == ABNORMAL


async def test_hanging_restart_loop_simple(autojump_clock: MockClock) -> None:
    switch = Switch()
    spec = deadlocked("child", switch)

    async with open_system() as system:
        sup = await system.start(DynamicSupervisor, intensity=8, period=10.0)
        ref = await start_child(sup, spec)
        assert ref is not None
        await loop(ref, switch)
        for request in (restart_child(sup, "child"), delete_child(sup, "child")):
            with pytest.raises(UnsupportedRequestError):
                await request
        assert [(info.ref, info.state) for info in await which_children(sup)] == [(None, "restarting")]
        assert await counts(sup) == [1, 0, 0, 1]

        await terminate_child(sup, ref)
        assert await which_children(sup) == []
        with pytest.raises(ChildNotFoundError):
            await terminate_child(sup, ref)

        switch.on = False
        ref = await start_child(sup, spec)
        assert ref is not None
        await loop(ref, switch)
        await sup.stop(SHUTDOWN)
        assert ref.reason == ABNORMAL


async def test_count_restarting_children(autojump_clock: MockClock) -> None:
    switch = Switch()
    spec = deadlocked("child", switch)

    async with open_system() as system:
        sup = await system.start(DynamicSupervisor, intensity=20, period=10.0)
        old = [await start_child(sup, spec) for _ in range(3)]
        for ref in old:
            assert ref is not None
            await end(ref, ABNORMAL)
        new = [info.ref for info in await which_children(sup)]
        assert await counts(sup) == [3, 3, 0, 3]
        assert not {*old} & {*new}

        for ref in new[:2]:
            assert ref is not None
            await loop(ref, switch)
        await trio.sleep(1.5 * FAILING_START)
        assert await counts(sup) == [3, 1, 0, 3]

        switch.on = False
        await trio.sleep(1.5 * FAILING_START)
        assert await counts(sup) == [3, 3, 0, 3]

        for left in (2, 1, 0):
            ref = (await which_children(sup))[0].ref
            assert ref is not None
            await terminate_child(sup, ref)
            assert await counts(sup) == [left, left, 0, left]


async def test_a_significant_child_that_is_being_restarted_counts_as_alive(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    switch = Switch()
    looping = attrs.evolve(deadlocked("child1", switch), restart="transient", significant=True)
    other = child("child2", worker, restart="transient", significant=True)

    async with supervising(looping, other, auto_shutdown="all_significant", intensity=8) as sup:
        await loop(await ref_of(sup, "child1"), switch)
        await end(await ref_of(sup, "child2"), NORMAL)
        assert await states(sup) == {"child2": "undefined", "child1": "restarting"}

        switch.on = False
        await trio.sleep(1.5 * FAILING_START)
        await end(await ref_of(sup, "child1"), NORMAL)
        assert await sup.wait() == SHUTDOWN


async def test_requests_come_between_the_attempts(autojump_clock: MockClock) -> None:
    """A failed attempt goes to the end of the queue, behind what was asked meanwhile."""
    switch = Switch()

    async with supervising(deadlocked("child1", switch), intensity=8) as sup:
        await loop(await ref_of(sup, "child1"), switch)
        for attempts in range(1, 4):
            assert await states(sup) == {"child1": "restarting"}
            assert trio.current_time() == attempts * FAILING_START
            await trio.lowlevel.checkpoint()


async def test_a_quick_failing_start_gives_up_at_once(
    worker: type[Worker], autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Attempts follow each other without a pause, as in OTP."""
    caplog.set_level(logging.ERROR)
    outcomes: list[Outcome] = ["start", *["fail"] * 100]  # type: ignore[list-item]
    spec = child("child1", worker, *outcomes)

    async with supervising(spec, intensity=100) as sup:
        await end(await ref_of(sup, "child1"), ABNORMAL)

        assert await sup.wait() == SHUTDOWN
        assert spec.args[1].starts == 101  # type: ignore[attr-defined]
    assert trio.current_time() == 0
