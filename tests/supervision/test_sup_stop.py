"""Cases ``sup_stop`` of OTP's supervisor suite: how long children are given, and what they end with."""

import math
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors import KILLED, NORMAL, SHUTDOWN, ActorRef, Crash, Stop, open_system
from supervision import ChildSpec, DynamicSupervisor, Supervisor, SupervisorReport, SupervisorSpec, start_child
from tests.supervision.workers import (
    ABNORMAL,
    CLEAN,
    AsyncWorker,
    Sleep,
    Worker,
    child,
    ref_of,
    slow,
    supervising,
)


async def started(sup: ActorRef, spec: ChildSpec) -> ActorRef:
    """Start a child and return its process."""
    ref = await start_child(sup, spec)
    assert ref is not None
    return ref


async def test_sup_stop_infinity(worker: type[Worker], autojump_clock: MockClock) -> None:
    patient = child("child1", slow(worker, 1e6), shutdown=math.inf)
    nested = ChildSpec("child2", Supervisor, (SupervisorSpec([patient]),))

    async with supervising(patient, nested) as sup:
        child1, child2 = await ref_of(sup, "child1"), await ref_of(sup, "child2")
        await sup.stop(SHUTDOWN)

        assert (child1.reason, child2.reason, sup.reason) == (SHUTDOWN, SHUTDOWN, SHUTDOWN)
    assert trio.current_time() == 2e6


async def test_sup_stop_timeout(worker: type[Worker], autojump_clock: MockClock) -> None:
    quick = child("child1", worker, shutdown=1.0)
    stubborn = child("child2", slow(worker, 200.0), shutdown=1.0)

    async with supervising(quick, stubborn) as sup:
        child1, child2 = await ref_of(sup, "child1"), await ref_of(sup, "child2")
        await sup.stop(SHUTDOWN)

        assert (child1.reason, child2.reason, sup.reason) == (SHUTDOWN, KILLED, SHUTDOWN)
    assert trio.current_time() == 1.0


async def test_sup_stop_timeout_with_a_busy_handler(autojump_clock: MockClock) -> None:
    busy = child("child1", AsyncWorker, shutdown=1.0)

    async with supervising(busy) as sup:
        child1 = await ref_of(sup, "child1")
        child1.cast(Sleep(200.0))
        await sup.stop(SHUTDOWN)

        assert (child1.reason, sup.reason) == (KILLED, SHUTDOWN)
    assert trio.current_time() == 1.0


async def test_children_are_stopped_one_after_the_other(worker: type[Worker], autojump_clock: MockClock) -> None:
    """300 ms for one that takes its time, 200 ms until another is killed."""
    slow_child = child("child1", slow(worker, 0.3), shutdown=1.0)
    stubborn = child("child2", slow(worker, 60.0), shutdown=0.2)

    async with supervising(slow_child, stubborn) as sup:
        await sup.stop(SHUTDOWN)

    assert trio.current_time() == pytest.approx(0.5)


async def test_sup_stop_timeout_dynamic(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        child1 = await started(sup, child("child", worker, restart="temporary", shutdown=1.0))
        stubborn = child("child", slow(worker, 200.0), restart="temporary", shutdown=1.0)
        child2 = await started(sup, stubborn)
        await sup.stop(SHUTDOWN)

        assert (child1.reason, child2.reason, sup.reason) == (SHUTDOWN, KILLED, SHUTDOWN)
    assert trio.current_time() == 1.0


async def test_sup_stop_brutal_kill(worker: type[Worker], autojump_clock: MockClock) -> None:
    log: list[str] = []
    polite = child("child1", worker, log=log, shutdown=1.0)
    killed = child("child2", worker, log=log, shutdown="brutal_kill")

    async with supervising(polite, killed) as sup:
        child1, child2 = await ref_of(sup, "child1"), await ref_of(sup, "child2")
        await sup.stop(SHUTDOWN)

        assert (child1.reason, child2.reason, sup.reason) == (SHUTDOWN, KILLED, SHUTDOWN)
    assert log == ["start child1", "start child2", "stop child1: shutdown"]
    assert trio.current_time() == 0


async def test_sup_stop_brutal_kill_dynamic(worker: type[Worker], autojump_clock: MockClock) -> None:
    spec = child("child", slow(worker, 60.0), restart="temporary", shutdown="brutal_kill")

    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        refs = [await started(sup, spec) for _ in range(10)]
        await sup.stop(SHUTDOWN)

        assert [ref.reason for ref in refs] == [KILLED] * 10
        assert sup.reason == SHUTDOWN
    assert trio.current_time() == 0


ENDS = [*CLEAN, ABNORMAL]


async def test_sup_stop_race(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    """Children that end by themselves, each in its way, while the supervisor stops."""
    restarts = ("temporary", "transient", "permanent")
    cases = {f"{restart} {end}": (restart, end) for restart in restarts for end in ENDS}
    racers = [child(child_id, AsyncWorker, restart=restart, shutdown=1.0) for child_id, (restart, _) in cases.items()]
    first = child("a", AsyncWorker, restart="temporary", shutdown=1.0)
    last = child("z", slow(AsyncWorker, 1.0), restart="temporary", shutdown=2.0)

    async with supervising(first, *racers, last) as sup:
        refs = {child_id: await ref_of(sup, child_id) for child_id in cases}
        a, z = await ref_of(sup, "a"), await ref_of(sup, "z")
        for child_id, ref in refs.items():
            ref.cast(Sleep(0.2))
            end = cases[child_id][1]
            ref.cast(end.cause if isinstance(end, Crash) else Stop(end))
        await sup.stop(SHUTDOWN)

        assert (sup.reason, a.reason, z.reason) == (SHUTDOWN, SHUTDOWN, SHUTDOWN)
        assert {child_id: ref.reason for child_id, ref in refs.items()} == {
            child_id: end for child_id, (_, end) in cases.items()
        }
    assert trio.current_time() == 1.0
    assert {child_id for child_id, _ in shutdown_errors(caplog)} == {
        "permanent normal",
        "permanent shutdown (some info)",
        *(f"{restart} {ABNORMAL}" for restart in restarts),
    }


def shutdown_errors(caplog: pytest.LogCaptureFixture) -> list[tuple[str, object]]:
    """Return the ids and reasons of the children reported because they did not stop properly."""
    reports = [getattr(record, "report", None) for record in caplog.records]
    return [
        (report.child.id, report.reason)
        for report in reports
        if isinstance(report, SupervisorReport) and report.context == "shutdown_error"
    ]


@pytest.mark.parametrize("restart", ["temporary", "transient", "permanent"])
async def test_sup_stop_non_shutdown_exit_dynamic(restart: Any, autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        refs = [await started(sup, child("child", AsyncWorker, restart=restart)) for _ in ENDS]
        for ref, end in zip(refs, ENDS, strict=True):
            ref.cast(Sleep(1.0))
            ref.cast(end.cause if isinstance(end, Crash) else Stop(end))
        await sup.stop(SHUTDOWN)

        assert [ref.reason for ref in refs] == ENDS
        assert sup.reason == SHUTDOWN
    assert trio.current_time() == 1.0


async def test_a_child_whose_terminate_fails_does_not_disturb_the_stop(
    worker: type[Worker], autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    error = RuntimeError("cannot clean up")

    class Failing(worker):  # type: ignore[valid-type, misc]
        def terminate(self, reason: object) -> None:
            raise error

    async with supervising(child("a", worker), child("b", Failing)) as sup:
        a, b = await ref_of(sup, "a"), await ref_of(sup, "b")
        await sup.stop(SHUTDOWN)

        assert (a.reason, b.reason, sup.reason) == (SHUTDOWN, Crash(error), SHUTDOWN)
    assert shutdown_errors(caplog) == [("b", Crash(error))]
    assert trio.current_time() == 0


async def test_sup_stop_manual(worker: type[Worker], autojump_clock: MockClock) -> None:
    children = [
        child("child1", worker, shutdown="brutal_kill"),
        child("child2", worker, shutdown=1.0),
        child("child3", slow(worker, 100.0), shutdown=1.0),
    ]

    async with supervising(*children) as sup:
        refs = [await ref_of(sup, spec.id) for spec in children]
        await sup.stop()

        assert sup.reason == NORMAL
        assert [ref.reason for ref in refs] == [KILLED, SHUTDOWN, KILLED]
    assert trio.current_time() == 1.0


async def test_sup_stop_manual_timeout(worker: type[Worker], autojump_clock: MockClock) -> None:
    slow_child, quick = child("child1", slow(worker, 1.0)), child("child2", worker, shutdown=1.0)

    async with supervising(slow_child, quick) as sup:
        child1, child2 = await ref_of(sup, "child1"), await ref_of(sup, "child2")
        with pytest.raises(TimeoutError):
            await sup.stop(timeout=0.1)
        assert trio.current_time() == 0.1

        assert await sup.wait() == NORMAL
        assert (child1.reason, child2.reason) == (SHUTDOWN, SHUTDOWN)
    assert trio.current_time() == 1.0
