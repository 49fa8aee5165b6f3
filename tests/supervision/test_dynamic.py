"""Cases of OTP's supervisor suite about simple_one_for_one, as an Elixir-like DynamicSupervisor meets them."""

import gc
import weakref
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors import IGNORE, KILLED, NORMAL, SHUTDOWN, ActorRef, ActorSystem, open_system
from supervision import (
    BadSpecError,
    ChildSpec,
    DynamicSupervisor,
    MaxChildrenError,
    Supervisor,
    SupervisorSpec,
    get_child_spec,
    start_child,
    terminate_child,
    which_children,
)
from tests.supervision.workers import ABNORMAL, SyncWorker, Worker, child, counts, end, slow


async def pool(system: ActorSystem, **options: Any) -> ActorRef:
    """Start a dynamic supervisor."""
    return await system.start(DynamicSupervisor, name="pool", **options)


async def started(sup: ActorRef, spec: ChildSpec) -> ActorRef:
    """Start a child and return its process."""
    ref = await start_child(sup, spec)
    assert ref is not None
    return ref


async def running(sup: ActorRef) -> list[ActorRef]:
    """Return the processes of the children."""
    return [info.ref for info in await which_children(sup) if info.ref is not None]


async def test_simple_one_for_one(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system, intensity=2)
        ref1, ref2 = [await started(sup, child("child", worker)) for _ in range(2)]
        await end(ref1, ABNORMAL)
        refs = await running(sup)
        assert len(refs) == 2
        assert ref1 not in refs
        assert ref2 in refs
        assert await counts(sup) == [2, 2, 0, 2]

        await end(ref2, ABNORMAL)
        await end((await running(sup))[0], ABNORMAL)
        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 0


async def test_simple_one_for_one_default_is_three_restarts_in_five_seconds(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with open_system() as system:
        sup = await pool(system)
        ref = await started(sup, child("child", worker))
        for _ in range(3):
            await end(ref, ABNORMAL)
            [ref] = await running(sup)
        await trio.sleep(5.001)
        await end(ref, ABNORMAL)
        [ref] = await running(sup)
        for _ in range(2):
            await end(ref, ABNORMAL)
            [ref] = await running(sup)
        await end(ref, ABNORMAL)

        assert await sup.wait() == SHUTDOWN


async def test_simple_one_for_one_extra(worker: type[Worker], autojump_clock: MockClock) -> None:
    """A restarted child is started with what its first start was given."""
    log: list[str] = []

    async with open_system() as system:
        sup = await pool(system)
        ref = await started(sup, child("one", worker, log=log))
        await started(sup, child("two", worker, log=log))
        await end(ref, ABNORMAL)
        await counts(sup)

        assert log == ["start one", "start two", "stop one: RuntimeError: died", "start one"]
    assert trio.current_time() == 0


@pytest.mark.parametrize("restart", ["transient", "permanent"])
async def test_simple_one_for_one_restart_ignore(restart: Any, worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system, intensity=10)
        spec = child("child1", worker, "start", "start", "ignore", restart=restart)
        ref = await started(sup, spec)
        await end(ref, KILLED)
        [ref] = await running(sup)
        await end(ref, KILLED)
        assert await which_children(sup) == []

        await sup.stop(SHUTDOWN)
        assert sup.reason == SHUTDOWN
    assert trio.current_time() == 0


async def test_simple_one_for_one_shutdown(worker: type[Worker], autojump_clock: MockClock) -> None:
    """All are told to stop at once; the slowest that is in time, and the deadline of another, set the pace."""
    log: list[str] = []

    async with open_system() as system:
        sup = await pool(system)
        quick = [await started(sup, child("a", slow(worker, 1.0), shutdown=2.0)) for _ in range(2)]
        late = await started(sup, child("b", slow(worker, 5.0), shutdown=2.0))
        own_time = await started(sup, child("c", slow(worker, 1.5), shutdown=1.25))
        plain = await started(sup, child("d", worker, log=log))
        await sup.stop(SHUTDOWN)

        assert [ref.reason for ref in quick] == [SHUTDOWN, SHUTDOWN]
        assert (late.reason, own_time.reason, plain.reason) == (KILLED, KILLED, SHUTDOWN)
        assert sup.reason == SHUTDOWN
    assert log == ["start d", "stop d: shutdown"]
    assert trio.current_time() == 2.0


async def test_simple_one_for_one_escalation(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system, intensity=4)
        failing = child("child", worker, "start", "fail", "fail", "fail", "fail")
        ref1, ref2 = await started(sup, failing), await started(sup, child("child", worker))
        await end(ref1, ABNORMAL)

        assert await sup.wait() == SHUTDOWN
        assert ref2.reason == SHUTDOWN
    assert trio.current_time() == 0


class Cargo:
    """Something big that a child is started with."""


async def test_simple_one_for_one_corruption(worker: type[Worker], autojump_clock: MockClock) -> None:
    """What a temporary child was started with is not kept, also after another has died."""

    class Loaded(worker):  # type: ignore[valid-type, misc]
        def __init__(self, cargo: Cargo) -> None:
            super().__init__()

    async with open_system() as system:
        sup = await pool(system)
        first = await started(sup, ChildSpec("child", Loaded, (Cargo(),), restart="temporary"))
        await end(first, ABNORMAL)
        cargo = Cargo()
        gone = weakref.ref(cargo)
        ref = await started(sup, ChildSpec("child", Loaded, (cargo,), restart="temporary"))
        del cargo
        assert (await get_child_spec(sup, ref)).args == ()
        gc.collect()

        assert gone() is None
    assert trio.current_time() == 0


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, KILLED, ABNORMAL], ids=str)
async def test_a_temporary_child_is_forgotten(reason: Any, worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system, intensity=0)
        await end(await started(sup, child("child", worker, restart="temporary")), reason)

        assert await which_children(sup) == []
    assert trio.current_time() == 0


async def test_a_transient_child_that_ends_well_is_forgotten(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system, intensity=0)
        await end(await started(sup, child("child", worker, restart="transient")), NORMAL)

        assert await which_children(sup) == []
    assert trio.current_time() == 0


async def test_max_children(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system, max_children=2)
        ref = await started(sup, child("child", worker))
        assert await start_child(sup, child("child", worker, "ignore")) is None
        await started(sup, child("child", worker))
        with pytest.raises(MaxChildrenError, match="<pool #2> has 2 children already, allowed are 2"):
            await start_child(sup, child("child", worker))

        await terminate_child(sup, ref)
        await started(sup, child("child", worker))
    assert trio.current_time() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_children": -1}, "max_children is -1; allowed is an int of 0 or more, or math.inf"),
        ({"max_children": True}, "max_children is True; allowed is an int of 0 or more, or math.inf"),
        ({"max_children": 1.5}, "max_children is 1.5; allowed is an int of 0 or more, or math.inf"),
        (
            {"intensity": -1},
            "intensity is -1; allowed is an int of 0 or more, 'lenient', 'moderate', 'strict' or 'never'",
        ),
        ({"period": 0}, "period is 0; allowed is a finite number of seconds above 0"),
    ],
)
async def test_bad_options_are_refused(options: Any, message: str, autojump_clock: MockClock) -> None:
    async with open_system() as system:
        with pytest.raises(BadSpecError, match=f"^DynamicSupervisor: {message}$"):
            await pool(system, **options)

        assert system.whereis("pool") is None


@pytest.mark.slow
async def test_count_children(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system)
        spec = child("child", SyncWorker, restart="temporary")
        for total in (1000, 2000):
            for _ in range(1000):
                await start_child(sup, spec)
            assert len(await which_children(sup)) == total
            assert await counts(sup) == [total, total, 0, total]

        for ref in await running(sup):
            ref.kill()
        assert await counts(sup) == [0, 0, 0, 0]
    assert trio.current_time() == 0


@pytest.mark.slow
async def test_count_children_supervisor(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system)
        spec = ChildSpec("child", Supervisor, (SupervisorSpec(),), restart="temporary")
        for total in (500, 1000):
            for _ in range(500):
                await start_child(sup, spec)
            assert await counts(sup) == [total, total, total, 0]

        for ref in await running(sup):
            ref.kill()
        assert await counts(sup) == [0, 0, 0, 0]
    assert trio.current_time() == 0


async def test_a_supervisor_may_be_a_dynamic_child_and_ignore(autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await pool(system)

        assert await start_child(sup, ChildSpec("child", Supervisor, (lambda: IGNORE,))) is None
        assert await counts(sup) == [0, 0, 0, 0]
