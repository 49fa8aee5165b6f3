"""Cases ``sup_start`` and ``sup_start_map`` of OTP's supervisor suite."""

import math
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors import IGNORE, SHUTDOWN, Actor, Crash, IgnoredError, open_system
from supervision import (
    BadSpecError,
    ChildNotFoundError,
    ChildSpec,
    ChildStartError,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    get_child_spec,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.supervision.workers import (
    SyncWorker,
    Worker,
    child,
    counts,
    start_linked,
    states,
    supervising,
)


async def test_sup_start_normal(autojump_clock: MockClock) -> None:
    async with supervising() as sup:
        await sup.stop(SHUTDOWN)

        assert sup.reason == SHUTDOWN
    assert trio.current_time() == 0


async def test_sup_start_ignore_init(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        result, messages = await start_linked(system, Supervisor, lambda: IGNORE)

        assert isinstance(result, IgnoredError)
        assert messages == []


async def test_sup_start_ignore_child(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising() as sup:
        assert await start_child(sup, child("child1", worker, "ignore")) is None
        assert await start_child(sup, child("child2", worker)) is not None

        assert await states(sup) == {"child2": "running", "child1": "undefined"}
        assert await counts(sup) == [2, 1, 0, 2]


async def test_sup_start_ignore_child_at_boot(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker, "ignore"), child("child2", worker)) as sup:
        assert await states(sup) == {"child2": "running", "child1": "undefined"}


async def test_sup_start_ignore_temporary_child(worker: type[Worker], autojump_clock: MockClock) -> None:
    ignored = child("child1", worker, "ignore", restart="temporary")
    started = child("child2", worker, restart="temporary")

    async with supervising(ignored, started) as sup:
        assert await states(sup) == {"child2": "running"}
        assert await counts(sup) == [1, 1, 0, 1]


async def test_sup_start_ignore_temporary_child_start_child(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising() as sup:
        ignored = child("child1", worker, "ignore", restart="temporary")
        assert await start_child(sup, ignored) is None
        assert await start_child(sup, child("child2", worker, restart="temporary")) is not None

        assert await states(sup) == {"child2": "running"}
        assert await counts(sup) == [1, 1, 0, 1]


async def ignored_in_simple(worker: type[Worker], restart: Any) -> None:
    """Check that a dynamic child that ignores its start is not kept, and does no harm."""
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        assert await start_child(sup, child("child", worker, "ignore", restart=restart)) is None
        ref = await start_child(sup, child("child", worker, restart=restart))

        assert [info.ref for info in await which_children(sup)] == [ref]
        assert await counts(sup) == [1, 1, 0, 1]

        await sup.stop(SHUTDOWN)
        assert sup.reason == SHUTDOWN


async def test_sup_start_ignore_temporary_child_start_child_simple(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    await ignored_in_simple(worker, "temporary")


async def test_sup_start_ignore_permanent_child_start_child_simple(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    await ignored_in_simple(worker, "permanent")


async def test_sup_start_error_return(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        result, messages = await start_linked(system, Supervisor, lambda: "invalid")

        assert isinstance(result, BadSpecError)
        assert str(result) == (
            "Supervisor: spec is 'invalid'; allowed is a SupervisorSpec, or a callable that returns one or IGNORE"
        )
        assert messages == []


async def test_sup_start_fail(autojump_clock: MockClock) -> None:
    error = RuntimeError("fail")

    def fail() -> SupervisorSpec:
        raise error

    async with open_system() as system:
        result, messages = await start_linked(system, Supervisor, fail)

        assert result is error
        assert messages == []


@pytest.mark.parametrize("outcome", ["fail", "stop"])
async def test_sup_start_child_returns_error(outcome: Any, worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising() as sup:
        with pytest.raises(ChildStartError) as caught:
            await start_child(sup, child("child1", worker, outcome))

        assert caught.value.child == "child1"
        assert isinstance(caught.value.reason, Crash)
        assert "told to" in str(caught.value)
        assert await which_children(sup) == []
    assert trio.current_time() == 0


async def test_sup_start_restart_child_returns_error(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker, "start", "fail")) as sup:
        await terminate_child(sup, "child1")
        with pytest.raises(ChildStartError):
            await restart_child(sup, "child1")

        assert await states(sup) == {"child1": "undefined"}
    assert trio.current_time() == 0


async def test_sup_start_child_returns_error_simple(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        with pytest.raises(ChildStartError):
            await start_child(sup, child("child1", worker, "fail"))

        assert await which_children(sup) == []
    assert trio.current_time() == 0


@pytest.mark.parametrize("error", [SystemExit(3), BaseExceptionGroup("two", [SystemExit(1)])])
async def test_an_init_that_would_exit_the_program_is_a_failed_start(
    error: BaseException, autojump_clock: MockClock
) -> None:
    class Exiting(Actor):
        async def init(self) -> None:
            raise error

    async with supervising() as sup:
        with pytest.raises(ChildStartError) as caught:
            await start_child(sup, ChildSpec("child1", Exiting))

        assert caught.value.reason == Crash(error)
        assert sup.alive
    assert trio.current_time() == 0


async def test_sup_start_map(autojump_clock: MockClock) -> None:
    worker = ChildSpec("child1", SyncWorker)
    brutal = ChildSpec("child2", SyncWorker, shutdown="brutal_kill")
    supervisor = ChildSpec("child3", Supervisor, (SupervisorSpec(),))

    async with supervising(worker, brutal, supervisor) as sup:
        assert await get_child_spec(sup, "child1") == worker
        assert (worker.restart, worker.shutdown, worker.significant) == ("permanent", 5.0, False)
        assert (await get_child_spec(sup, "child2")).shutdown == "brutal_kill"
        assert (await get_child_spec(sup, "child3")).shutdown == math.inf
        with pytest.raises(ChildNotFoundError, match="<sup #2> has no child 'child4'"):
            await get_child_spec(sup, "child4")


async def test_sup_start_map_simple(autojump_clock: MockClock) -> None:
    spec = ChildSpec("child", SyncWorker, restart="transient")

    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        for ref in [await start_child(sup, spec) for _ in range(3)]:
            assert ref is not None
            assert await get_child_spec(sup, ref) == spec
        with pytest.raises(ChildNotFoundError):
            await get_child_spec(sup, sup)


async def test_sup_start_map_faulty_specs(autojump_clock: MockClock) -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'id'"):
        ChildSpec(actor=SyncWorker)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'actor'"):
        ChildSpec("child2")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'silly_flag'"):
        ChildSpec("child3", SyncWorker, silly_flag=True)  # type: ignore[call-arg]
    with pytest.raises(BadSpecError, match=r"children is .*; allowed is an iterable of ChildSpec"):
        SupervisorSpec(["child4"])  # type: ignore[list-item]
