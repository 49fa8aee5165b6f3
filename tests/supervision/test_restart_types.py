"""Cases of OTP's supervisor suite about permanent, transient and temporary children, and their reports."""

import logging
from typing import Any, Literal, TypeAlias

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Crash,
    ExitReason,
    Shutdown,
    open_system,
)
from supervision import (
    AlreadyPresentError,
    AlreadyStartedError,
    ChildSpec,
    ChildStartError,
    DynamicSupervisor,
    ProgressReport,
    Supervisor,
    SupervisorReport,
    SupervisorSpec,
    get_child_spec,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.supervision.workers import (
    ABNORMAL,
    CLEAN,
    Worker,
    child,
    counts,
    end,
    ref_of,
    states,
    supervising,
)

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]

SHUTDOWNS = [SHUTDOWN, Shutdown("some info")]
ABNORMALS = [KILLED, ABNORMAL]


async def restarted(worker: type[Worker], restart: Restart, reason: ExitReason) -> None:
    """Check that a child of this type that ends with *reason* is started again."""
    async with supervising(child("child1", worker, restart=restart)) as sup:
        first = await ref_of(sup, "child1")
        await end(first, reason)

        assert await ref_of(sup, "child1") is not first
        assert await counts(sup) == [1, 1, 0, 1]
    assert trio.current_time() == 0


async def kept(worker: type[Worker], reason: ExitReason) -> None:
    """Check that a transient child that ends with *reason* stays as a specification."""
    async with supervising(child("child1", worker, restart="transient"), intensity=0) as sup:
        await end(await ref_of(sup, "child1"), reason)

        assert await states(sup) == {"child1": "undefined"}
        assert await counts(sup) == [1, 0, 0, 1]
        assert await restart_child(sup, "child1") is not None
    assert trio.current_time() == 0


async def forgotten(worker: type[Worker], reason: ExitReason) -> None:
    """Check that of a temporary child that ends with *reason* nothing stays."""
    spec = child("child1", worker, restart="temporary")

    async with supervising(spec, intensity=0) as sup:
        await end(await ref_of(sup, "child1"), reason)

        assert await which_children(sup) == []
        assert await counts(sup) == [0, 0, 0, 0]
        assert await start_child(sup, spec) is not None
    assert trio.current_time() == 0


async def test_permanent_normal(worker: type[Worker], autojump_clock: MockClock) -> None:
    await restarted(worker, "permanent", NORMAL)


@pytest.mark.parametrize("reason", SHUTDOWNS, ids=str)
async def test_permanent_shutdown(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
    await restarted(worker, "permanent", reason)


@pytest.mark.parametrize("reason", ABNORMALS, ids=str)
async def test_permanent_abnormal(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
    await restarted(worker, "permanent", reason)


async def test_transient_normal(worker: type[Worker], autojump_clock: MockClock) -> None:
    await kept(worker, NORMAL)


@pytest.mark.parametrize("reason", SHUTDOWNS, ids=str)
async def test_transient_shutdown(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
    await kept(worker, reason)


@pytest.mark.parametrize("reason", ABNORMALS, ids=str)
async def test_transient_abnormal(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
    await restarted(worker, "transient", reason)


async def test_temporary_normal(worker: type[Worker], autojump_clock: MockClock) -> None:
    await forgotten(worker, NORMAL)


@pytest.mark.parametrize("reason", SHUTDOWNS, ids=str)
async def test_temporary_shutdown(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
    await forgotten(worker, reason)


@pytest.mark.parametrize("reason", ABNORMALS, ids=str)
async def test_temporary_abnormal(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
    await forgotten(worker, reason)


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_temporary_bystander(strategy: Any, worker: type[Worker], autojump_clock: MockClock) -> None:
    children = child("child1", worker), child("child2", worker, restart="temporary")

    async with supervising(*children, strategy=strategy) as sup:
        first, bystander = await ref_of(sup, "child1"), await ref_of(sup, "child2")
        await end(first, NORMAL)

        assert await states(sup) == {"child1": "running"}
        assert bystander.reason == SHUTDOWN
        assert sup.alive
    assert trio.current_time() == 0


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
@pytest.mark.parametrize("how", [KILLED, NORMAL, ABNORMAL, None], ids=str)
@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
async def test_do_not_save_child_specs_for_temporary_children(
    strategy: Any, how: ExitReason | None, restart: Any, autojump_clock: MockClock, worker: type[Worker]
) -> None:
    """The specification stays but for a temporary child; None is terminate_child."""
    spec = child("child1", worker, restart=restart)

    async with supervising(strategy=strategy) as sup:
        ref = await start_child(sup, spec)
        assert ref is not None
        await (terminate_child(sup, "child1") if how is None else end(ref, how))

        if restart == "temporary":
            assert await start_child(sup, spec) is not None
        elif how is None or (restart, how) == ("transient", NORMAL):
            with pytest.raises(AlreadyPresentError):
                await start_child(sup, spec)
            assert await restart_child(sup, "child1") is not None
        else:
            with pytest.raises(AlreadyStartedError):
                await start_child(sup, spec)
    assert trio.current_time() == 0


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
async def test_do_not_save_start_parameters_for_temporary_children(
    restart: Any, worker: type[Worker], autojump_clock: MockClock
) -> None:
    spec = child("child1", worker, restart=restart)
    kept = () if restart == "temporary" else spec.args

    async with supervising() as sup:
        await start_child(sup, spec)

        assert (await get_child_spec(sup, "child1")).args == kept
    async with open_system() as system:
        pool = await system.start(DynamicSupervisor)
        ref = await start_child(pool, spec)

        assert ref is not None
        assert (await get_child_spec(pool, ref)).args == kept


async def test_faulty_application_shutdown(worker: type[Worker], autojump_clock: MockClock) -> None:
    """The failure of a child deep in a tree stops what was started, and comes out at the top."""
    log: list[str] = []
    inner = SupervisorSpec([child("a", worker, log=log), child("faulty", worker, "fail")])
    outer = SupervisorSpec([child("b", worker, log=log), ChildSpec("inner", Supervisor, (inner,))])

    async with open_system() as system:
        with pytest.raises(ChildStartError) as caught:
            await system.start(Supervisor, outer, name="top")

        assert caught.value.child == "inner"
        assert isinstance(caught.value.__cause__, ChildStartError)
        assert caught.value.__cause__.child == "faulty"
        assert str(caught.value) == (
            "<top #2>: child 'inner' did not start: ChildStartError: "
            "<Supervisor #4>: child 'faulty' did not start: RuntimeError: told to"
        )
        assert system.whereis("top") is None
    assert log == ["start b", "start a", "stop a: shutdown", "stop b: shutdown"]
    assert trio.current_time() == 0


async def test_all_that_a_boot_started_is_stopped_when_the_supervisor_is_cancelled(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    class Hanging(worker):  # type: ignore[valid-type, misc]
        async def init(self) -> None:
            await trio.sleep_forever()

    log: list[str] = []
    children = [child("a", worker, log=log), child("b", Hanging)]

    async with open_system() as system:
        with trio.move_on_after(1.0):
            await system.start(Supervisor, SupervisorSpec(children), name="sup")

        assert system.whereis("sup") is None
        await wait_all_tasks_blocked()
        assert log == ["start a", "stop a: killed"]
    assert trio.current_time() == 1.0


def reports(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, object]]:
    """Return the level, the context and the reason of each supervisor report."""
    found: list[tuple[str, str, object]] = []
    for record in caplog.records:
        match getattr(record, "report", None):
            case SupervisorReport(context=context, reason=reason):
                found.append((record.levelname, context, reason))
            case ProgressReport(supervisor=sup) if sup.name == "sup":
                found.append((record.levelname, "progress", None))
    return found


async def test_external_start_no_progress_log(
    worker: type[Worker], autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Children that the supervisor starts are INFO; those somebody asked for, DEBUG."""
    caplog.set_level(logging.DEBUG, logger="actors.supervisor")

    async with supervising(child("child1", worker)) as sup:
        assert reports(caplog) == [("INFO", "progress", None)]
        caplog.clear()
        ref = await start_child(sup, child("child2", worker))
        assert reports(caplog) == [("DEBUG", "progress", None)]
        caplog.clear()
        await terminate_child(sup, "child1")
        await restart_child(sup, "child1")
        assert reports(caplog) == [("DEBUG", "progress", None)]
        caplog.clear()
        assert ref is not None
        await end(ref, NORMAL)
        await counts(sup)
        assert reports(caplog) == [("ERROR", "child_terminated", NORMAL), ("INFO", "progress", None)]
    assert trio.current_time() == 0


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("reason", [*CLEAN, KILLED, ABNORMAL], ids=str)
async def test_a_childs_end_is_reported_unless_it_is_clean_and_no_loss(
    restart: Any,
    reason: ExitReason,
    worker: type[Worker],
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with supervising(child("child1", worker, restart=restart)) as sup:
        await end(await ref_of(sup, "child1"), reason)
        await counts(sup)

        reported = restart == "permanent" or reason not in CLEAN
        expected = [("ERROR", "child_terminated", reason)] if reported else []
        assert reports(caplog) == expected
    assert trio.current_time() == 0


async def test_format_log_1(worker: type[Worker], autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    """Each report is one line, and says who, what and why."""
    error = RuntimeError("sold out")
    stubborn = child("b", worker, shutdown="brutal_kill", restart="transient")
    children = [child("a", worker, "start", "fail"), stubborn]

    async with supervising(*children, intensity=1) as sup:
        ref = await ref_of(sup, "a")
        await end(ref, Crash(error))
        assert await sup.wait() == SHUTDOWN

    lines = [record.getMessage() for record in caplog.records if record.name == "actors.supervisor"]
    assert lines == [
        f"<sup #2>: child 'a' (<{worker.__name__} #3>) ended: RuntimeError: sold out",
        "<sup #2>: child 'a' did not start: RuntimeError: told to",
        "<sup #2> gives up at 2 restarts in 3600.0 s, allowed are 1; the last to fail was child 'a'",
    ]
    assert trio.current_time() == 0


async def test_format_log_2(worker: type[Worker], autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    """A handler gets the facts of a report as fields; what a child is started with is not in the text."""
    spec = child("a", worker, shutdown="brutal_kill", restart="transient")

    async with supervising(spec) as sup:
        ref = await ref_of(sup, "a")
        await end(ref, KILLED)
        await counts(sup)

    [record] = [record for record in caplog.records if record.name == "actors.supervisor"]
    assert getattr(record, "report", None) == SupervisorReport(sup, "child_terminated", KILLED, spec, ref)
    assert "Plan(" not in record.getMessage()
    assert trio.current_time() == 0
