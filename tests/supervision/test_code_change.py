"""Cases ``code_change`` of OTP's supervisor suite: another specification for a running supervisor."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from actors import IGNORE, open_system
from actors.inspect import get_state
from supervision import (
    BadSpecError,
    ChildSpec,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    UnsupportedRequestError,
    get_child_spec,
    reconfigure,
    restart_child,
)
from tests.supervision.workers import ABNORMAL, Worker, child, end, ref_of, states, supervising


async def test_code_change(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker), intensity=0, period=1.0) as sup:
        await reconfigure(sup, SupervisorSpec(intensity=1, period=3.0, strategy="rest_for_one"))

        state = await get_state(sup)
        assert (state["spec"].strategy, state["restarts"].intensity) == ("rest_for_one", 1)
        await end(await ref_of(sup, "child1"), ABNORMAL)
        assert await states(sup) == {"child1": "running"}
    assert trio.current_time() == 0


async def test_code_change_map(worker: type[Worker], autojump_clock: MockClock) -> None:
    child1, child2 = child("child1", worker, shutdown=2.0), child("child2", worker)

    async with supervising() as sup:
        await reconfigure(sup, SupervisorSpec([child1, child2]))
        assert await states(sup) == {"child2": "undefined", "child1": "undefined"}
        ref1, ref2 = await restart_child(sup, "child1"), await restart_child(sup, "child2")
        assert (await get_child_spec(sup, "child1")).shutdown == 2.0

        changed, child3 = child("child1", worker, shutdown=1.0), child("child3", worker)
        await reconfigure(sup, SupervisorSpec([changed, child3]))

        assert await states(sup) == {"child2": "running", "child3": "undefined", "child1": "running"}
        assert await ref_of(sup, "child1") is ref1
        assert await ref_of(sup, "child2") is ref2
        assert (await get_child_spec(sup, "child1")).shutdown == 1.0


async def test_code_change_asks_the_callable_again(worker: type[Worker], autojump_clock: MockClock) -> None:
    answers: list[Any] = [
        SupervisorSpec([child("child1", worker)]),
        SupervisorSpec([child("child2", worker)], intensity=7),
        IGNORE,
        "faulty",
    ]

    async with open_system() as system:
        sup = await system.start(Supervisor, lambda: answers.pop(0))
        await reconfigure(sup)
        assert await states(sup) == {"child1": "running", "child2": "undefined"}

        await reconfigure(sup)
        with pytest.raises(BadSpecError, match="spec is 'faulty'; allowed is a SupervisorSpec"):
            await reconfigure(sup)
        with pytest.raises(BadSpecError, match="pop from empty list"):
            await reconfigure(sup)

        assert await states(sup) == {"child1": "running", "child2": "undefined"}
        assert (await get_state(sup))["spec"].intensity == 7


async def test_code_change_to_something_bad(worker: type[Worker], autojump_clock: MockClock) -> None:
    """A bad specification cannot be made; what is none is refused, and the old one stays."""
    async with supervising(child("child1", worker), intensity=5) as sup:
        with pytest.raises(BadSpecError, match="intensity is 'faulty'; allowed is an int of 0 or more"):
            await reconfigure(sup, SupervisorSpec(intensity="faulty"))  # type: ignore[arg-type]
        with pytest.raises(BadSpecError):
            await reconfigure(sup, "faulty")  # type: ignore[arg-type]
        significant = child("child1", worker, restart="transient", significant=True)
        with pytest.raises(BadSpecError):
            await reconfigure(sup, SupervisorSpec([significant]))

        assert await states(sup) == {"child1": "running"}
        assert (await get_state(sup))["spec"].intensity == 5


async def test_code_change_simple(autojump_clock: MockClock) -> None:
    """A dynamic supervisor has no specification of children that could be changed."""
    async with supervising(ChildSpec("pool", DynamicSupervisor)) as sup:
        with pytest.raises(UnsupportedRequestError):
            await reconfigure(await ref_of(sup, "pool"), SupervisorSpec())


async def test_a_restarted_supervisor_begins_with_what_it_was_started_with(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    branch = ChildSpec("branch", Supervisor, (SupervisorSpec([child("a", worker)]),))

    async with supervising(branch) as top:
        sup = await ref_of(top, "branch")
        await reconfigure(sup, SupervisorSpec([child("b", worker)], strategy="one_for_all"))
        sup.kill()

        again = await ref_of(top, "branch")
        assert again is not sup
        assert await states(again) == {"a": "running"}
    assert trio.current_time() == 0
