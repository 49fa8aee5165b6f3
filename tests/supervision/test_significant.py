"""Cases ``significant`` of OTP's supervisor suite: supervisors that end when their work is done."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors import KILLED, NORMAL, SHUTDOWN, ActorRef, ExitReason
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
)
from tests.supervision.workers import ABNORMAL, Worker, child, end, ref_of, states, supervising

MODES = ["never", "any_significant", "all_significant"]


def three(worker: type[Worker], restart: Any) -> list[ChildSpec]:
    """Return two significant children and one that is not."""
    return [child(f"child{i}", worker, restart=restart, significant=i < 3) for i in (1, 2, 3)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reason", [None, KILLED, ABNORMAL, NORMAL], ids=str)
@pytest.mark.parametrize("restart", ["temporary", "transient"])
async def test_nonsignificant(
    mode: Any, reason: ExitReason | None, restart: Any, worker: type[Worker], autojump_clock: MockClock
) -> None:
    """Cases nonsignificant_temporary and nonsignificant_transient; None is terminate_child."""
    async with supervising(child("child1", worker, restart=restart), auto_shutdown=mode) as sup:
        ref = await ref_of(sup, "child1")
        await (terminate_child(sup, "child1") if reason is None else end(ref, reason))

        comes_back = restart == "transient" and reason in (KILLED, ABNORMAL)
        expected = {} if restart == "temporary" else {"child1": "running" if comes_back else "undefined"}
        assert await states(sup) == expected
    assert trio.current_time() == 0


@pytest.mark.parametrize("reason", [KILLED, ABNORMAL, NORMAL], ids=str)
async def test_significant_temporary_any(reason: ExitReason, worker: type[Worker], autojump_clock: MockClock) -> None:
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


async def test_significant_transient_any(worker: type[Worker], autojump_clock: MockClock) -> None:
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


async def upgraded(sup: ActorRef, worker: type[Worker], before: str, after: Any) -> list[ActorRef]:
    """Change auto_shutdown of a supervisor; return its two significant children, if it may have them."""
    specs = three(worker, "transient")[:2]
    if before != "never":
        await start_child(sup, specs[0])
    else:
        with pytest.raises(BadSpecError):
            await start_child(sup, specs[0])
    await reconfigure(sup, SupervisorSpec(auto_shutdown=after))
    if after == "never":
        with pytest.raises(BadSpecError):
            await start_child(sup, specs[1])
    else:
        for spec in specs[before != "never" :]:
            await start_child(sup, spec)
    return [await ref_of(sup, child_id) for child_id in reversed(await states(sup))]


@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("after", MODES)
async def test_significant_upgrade(before: Any, after: Any, worker: type[Worker], autojump_clock: MockClock) -> None:
    """The six cases significant_upgrade_never_any, ..._any_never, and so on."""
    async with supervising(auto_shutdown=before) as sup:
        if before == after == "never":
            return
        refs = await upgraded(sup, worker, before, after)
        await end(refs[0], NORMAL)
        match after:
            case "never":
                assert await states(sup) == {"child1": "undefined"}
                assert await restart_child(sup, "child1") is not None
                return
            case "all_significant":
                assert await states(sup) == {"child2": "running", "child1": "undefined"}
                await end(refs[1], NORMAL)

        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 0


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
