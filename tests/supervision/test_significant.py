"""Cases ``significant`` of OTP's supervisor suite: supervisors that end when their work is done."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors import KILLED, NORMAL, SHUTDOWN, ExitReason
from supervision import (
    BadSpecError,
    ChildSpec,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    reconfigure,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.supervision.workers import ABNORMAL, Worker, child, end, ref_of, states, supervising

MODES = ["never", "any_significant", "all_significant"]


def three(worker: type[Worker], restart: Any) -> list[ChildSpec]:
    """Return two significant children and one that is not."""
    return [child(f"child{i}", worker, restart=restart, significant=i < 3) for i in (1, 2, 3)]


every_mode = pytest.mark.parametrize("mode", MODES)
every_way = pytest.mark.parametrize("reason", [None, KILLED, ABNORMAL, NORMAL], ids=str)
"""None is terminate_child."""


async def without_effect(spec: ChildSpec, mode: Any, reason: ExitReason | None, expected: dict[str, str]) -> None:
    """Check that the supervisor lives on after the child has ended with *reason*."""
    async with supervising(spec, auto_shutdown=mode) as sup:
        ref = await ref_of(sup, "child1")
        await (terminate_child(sup, "child1") if reason is None else end(ref, reason))

        assert await states(sup) == expected
    assert trio.current_time() == 0


@every_mode
@every_way
async def test_nonsignificant_temporary(
    mode: Any, reason: ExitReason | None, worker: type[Worker], autojump_clock: MockClock
) -> None:
    await without_effect(child("child1", worker, restart="temporary"), mode, reason, {})


@every_mode
@every_way
async def test_nonsignificant_transient(
    mode: Any, reason: ExitReason | None, worker: type[Worker], autojump_clock: MockClock
) -> None:
    state = "running" if reason in (KILLED, ABNORMAL) else "undefined"
    await without_effect(child("child1", worker, restart="transient"), mode, reason, {"child1": state})


@pytest.mark.parametrize("reason", [KILLED, ABNORMAL, NORMAL], ids=str)
async def test_significant_temporary(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(*three(worker, "temporary"), auto_shutdown="any_significant") as sup:
        refs = [await ref_of(sup, f"child{i}") for i in (1, 2, 3)]
        await end(refs[0], reason)

        assert await sup.wait() == SHUTDOWN
        assert [ref.reason for ref in refs] == [reason, SHUTDOWN, SHUTDOWN]
    assert trio.current_time() == 0


async def test_significant_temporary_terminated_on_request(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(*three(worker, "temporary"), auto_shutdown="any_significant") as sup:
        await terminate_child(sup, "child1")

        assert await states(sup) == {"child3": "running", "child2": "running"}
    assert trio.current_time() == 0


@pytest.mark.parametrize("restart", ["temporary", "transient"])
async def test_significant_all(restart: Any, worker: type[Worker], autojump_clock: MockClock) -> None:
    """The second halves of significant_temporary and significant_transient."""
    async with supervising(*three(worker, restart), auto_shutdown="all_significant") as sup:
        child1, child2, child3 = [await ref_of(sup, f"child{i}") for i in (1, 2, 3)]
        await end(child1, NORMAL)
        assert (await states(sup))["child2"] == "running"

        await end(child2, NORMAL)
        assert await sup.wait() == SHUTDOWN
        assert child3.reason == SHUTDOWN
    assert trio.current_time() == 0


async def test_significant_transient(worker: type[Worker], autojump_clock: MockClock) -> None:
    specs = three(worker, "transient")

    async with supervising(*specs, auto_shutdown="any_significant", intensity=5) as sup:
        await terminate_child(sup, "child1")
        await restart_child(sup, "child1")
        for reason in (KILLED, ABNORMAL):
            await end(await ref_of(sup, "child1"), reason)
            assert await states(sup) == dict.fromkeys(["child3", "child2", "child1"], "running")

        await end(await ref_of(sup, "child1"), NORMAL)
        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 0


async def test_a_significant_child_that_ignores_does_not_end_the_supervisor(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    spec = child("child1", worker, "ignore", restart="transient", significant=True)

    async with supervising(spec, auto_shutdown="any_significant") as sup:
        assert await states(sup) == {"child1": "undefined"}


async def test_significant_simple(worker: type[Worker], autojump_clock: MockClock) -> None:
    """A dynamic supervisor has no auto_shutdown, so its children cannot be significant."""
    async with supervising(ChildSpec("pool", DynamicSupervisor)) as sup:
        pool = await ref_of(sup, "pool")
        with pytest.raises(BadSpecError, match="allowed is False under a supervisor whose auto_shutdown is 'never'"):
            await start_child(pool, child("child", worker, restart="transient", significant=True))
        with pytest.raises(TypeError, match="unexpected keyword argument 'auto_shutdown'"):
            DynamicSupervisor(auto_shutdown="any_significant")  # type: ignore[call-arg]


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
async def test_significant_bystander(mode: Any, strategy: Any, worker: type[Worker], autojump_clock: MockClock) -> None:
    specs = [child(f"child{i}", worker, restart="transient", significant=i != 2) for i in (1, 2, 3)]

    async with supervising(*specs, strategy=strategy, auto_shutdown=mode, intensity=5) as sup:
        await end(await ref_of(sup, "child2"), KILLED)

        assert await states(sup) == dict.fromkeys(["child3", "child2", "child1"], "running")
    assert trio.current_time() == 0


@pytest.mark.parametrize("significant", [True, False])
async def test_significant_escalation(*, significant: bool, worker: type[Worker], autojump_clock: MockClock) -> None:
    leaf = child("child1", worker, restart="transient", significant=True)
    inner = SupervisorSpec([leaf], auto_shutdown="any_significant")
    branch = ChildSpec("sup1", Supervisor, (inner,), restart="transient", significant=significant)

    async with supervising(branch, auto_shutdown="any_significant") as top:
        sup1 = await ref_of(top, "sup1")
        await end(await ref_of(sup1, "child1"), NORMAL)

        assert await sup1.wait() == SHUTDOWN
        if significant:
            assert await top.wait() == SHUTDOWN
        else:
            assert await states(top) == {"sup1": "undefined"}
    assert trio.current_time() == 0


async def upgrade(worker: type[Worker], before: Any, after: Any, *, ends_after: int | None) -> None:
    """Change auto_shutdown, and check after how many of two significant children the supervisor ends."""
    first, second = three(worker, "transient")[:2]

    async with supervising(auto_shutdown=before) as sup:
        if before == "never":
            with pytest.raises(BadSpecError):
                await start_child(sup, first)
        else:
            await start_child(sup, first)
        await reconfigure(sup, SupervisorSpec(auto_shutdown=after))
        if before == "never":
            await start_child(sup, first)
        if after == "never":
            with pytest.raises(BadSpecError):
                await start_child(sup, second)
        else:
            await start_child(sup, second)

        for number, ref in enumerate([info.ref for info in reversed(await which_children(sup))], 1):
            assert ref is not None
            await end(ref, NORMAL)
            if number == ends_after:
                assert await sup.wait() == SHUTDOWN
                break
            assert (await states(sup))[f"child{number}"] == "undefined"
        assert sup.alive == (ends_after is None)
    assert trio.current_time() == 0


async def test_significant_upgrade_never_any(worker: type[Worker], autojump_clock: MockClock) -> None:
    await upgrade(worker, "never", "any_significant", ends_after=1)


async def test_significant_upgrade_any_never(worker: type[Worker], autojump_clock: MockClock) -> None:
    await upgrade(worker, "any_significant", "never", ends_after=None)


async def test_significant_upgrade_never_all(worker: type[Worker], autojump_clock: MockClock) -> None:
    await upgrade(worker, "never", "all_significant", ends_after=2)


async def test_significant_upgrade_all_never(worker: type[Worker], autojump_clock: MockClock) -> None:
    await upgrade(worker, "all_significant", "never", ends_after=None)


async def test_significant_upgrade_any_all(worker: type[Worker], autojump_clock: MockClock) -> None:
    await upgrade(worker, "any_significant", "all_significant", ends_after=2)


async def test_significant_upgrade_all_any(worker: type[Worker], autojump_clock: MockClock) -> None:
    await upgrade(worker, "all_significant", "any_significant", ends_after=1)


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False)])
async def test_significant_upgrade_child(
    *, before: bool, after: bool, worker: type[Worker], autojump_clock: MockClock
) -> None:
    def spec(*, significant: bool) -> SupervisorSpec:
        leaf = child("child", worker, restart="transient", significant=significant)
        return SupervisorSpec([leaf], auto_shutdown="any_significant")

    async with supervising(*spec(significant=before).children, auto_shutdown="any_significant") as sup:
        ref = await ref_of(sup, "child")
        await reconfigure(sup, spec(significant=after))
        assert await ref_of(sup, "child") is ref

        await end(ref, NORMAL)

        if after:
            assert await sup.wait() == SHUTDOWN
        else:
            assert await states(sup) == {"child": "undefined"}
    assert trio.current_time() == 0
