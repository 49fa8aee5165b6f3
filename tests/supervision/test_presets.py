"""Limits on restarts by name, and what the numbers come to."""

import re

import pytest
import trio
from trio.testing import MockClock

from actors import NORMAL, SHUTDOWN, Actor, ActorRef, ActorSystem, open_system
from supervision import (
    BadSpecError,
    ChildSpec,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    start_child,
    which_children,
)
from supervision.intensity import Preset
from tests.supervision.workers import Plan, Worker, child, end

NUMBERS: list[tuple[Preset, int, float]] = [
    ("lenient", 10, 120.0),
    ("moderate", 5, 60.0),
    ("strict", 3, 30.0),
]
NAMES = [name for name, *_ in NUMBERS]


async def only_child(supervisor: ActorRef) -> ActorRef:
    """Return the process of the only child, once the supervisor has acted on the exits so far."""
    (info,) = await which_children(supervisor)
    assert info.ref is not None
    return info.ref


async def tree_of(system: ActorSystem, spec: ChildSpec, preset: Preset, parent: type[Actor]) -> ActorRef:
    """Start a supervisor of either sort with one child."""
    if parent is Supervisor:
        return await system.start(Supervisor, SupervisorSpec([spec], intensity=preset))
    sup = await system.start(DynamicSupervisor, intensity=preset)
    await start_child(sup, spec)
    return sup


@pytest.mark.parametrize(("name", "restarts", "seconds"), NUMBERS)
def test_a_preset_is_a_number_and_a_period(name: Preset, restarts: int, seconds: float) -> None:
    spec = SupervisorSpec(intensity=name)

    assert (spec.limit.restarts, spec.limit.seconds) == (restarts, seconds)
    assert spec.period == seconds


def test_the_defaults_are_not_a_preset_but_otps_and_elixirs() -> None:
    spec, dynamic = SupervisorSpec(), DynamicSupervisor()

    assert (spec.limit.restarts, spec.limit.seconds) == (1, 5.0)
    assert (dynamic.restarts.intensity, dynamic.restarts.period) == (3, 5.0)


@pytest.mark.parametrize("parent", [Supervisor, DynamicSupervisor])
@pytest.mark.parametrize(("name", "restarts", "seconds"), NUMBERS)
async def test_one_failure_more_than_a_preset_allows_ends_the_supervisor(
    name: Preset, restarts: int, seconds: float, parent: type[Actor], worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with open_system() as system:
        sup = await tree_of(system, child("a", worker), name, parent)
        await end(await only_child(sup), NORMAL)
        await only_child(sup)
        await trio.sleep(seconds)
        for _ in range(restarts - 1):
            await end(await only_child(sup), NORMAL)
        last = await only_child(sup)
        assert sup.alive

        await end(last, NORMAL)

        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == seconds


@pytest.mark.parametrize("parent", [Supervisor, DynamicSupervisor])
@pytest.mark.parametrize(("name", "restarts", "seconds"), NUMBERS)
async def test_failures_older_than_the_period_of_a_preset_are_forgotten(
    name: Preset, restarts: int, seconds: float, parent: type[Actor], worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with open_system() as system:
        sup = await tree_of(system, child("a", worker), name, parent)
        for _ in range(2):
            for _ in range(restarts):
                await end(await only_child(sup), NORMAL)
            await only_child(sup)
            await trio.sleep(seconds + 0.5)

        assert sup.alive


@pytest.mark.parametrize("parent", [Supervisor, DynamicSupervisor])
async def test_with_never_not_even_one_restart_is_made(
    parent: type[Actor], worker: type[Worker], autojump_clock: MockClock
) -> None:
    plan = Plan()
    spec = ChildSpec("a", worker, ("a", plan))
    async with open_system() as system:
        sup = await tree_of(system, spec, "never", parent)
        ref = await only_child(sup)
        await trio.sleep(10_000)

        await end(ref, NORMAL)

        assert await sup.wait() == SHUTDOWN
        assert plan.starts == 1


async def test_every_strategy_counts_against_a_preset(worker: type[Worker], autojump_clock: MockClock) -> None:
    for strategy in ("one_for_one", "one_for_all", "rest_for_one"):
        async with open_system() as system:
            spec = SupervisorSpec([child("a", worker)], strategy=strategy, intensity="strict")
            sup = await system.start(Supervisor, spec)
            for _ in range(4):
                await end(await only_child(sup), NORMAL)

            assert await sup.wait() == SHUTDOWN


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_takes_no_other_period(name: Preset) -> None:
    period = SupervisorSpec(intensity=name).period
    message = f"period is 5.0; allowed is {period}, which is a part of the intensity {name!r}"

    with pytest.raises(BadSpecError, match=re.escape(message)):
        SupervisorSpec(intensity=name, period=5.0)
    with pytest.raises(BadSpecError, match=re.escape(message)):
        DynamicSupervisor(intensity=name, period=5.0)


@pytest.mark.parametrize("intensity", ["default", "Lenient", "", None, 1.0, True, ["lenient"]])
def test_what_is_no_preset_is_refused_and_the_presets_are_named(intensity: object) -> None:
    message = f"intensity is {intensity!r}; allowed is an int of 0 or more, 'lenient', 'moderate', 'strict' or 'never'"

    with pytest.raises(BadSpecError, match=re.escape(message)):
        SupervisorSpec(intensity=intensity)  # type: ignore[arg-type]
    with pytest.raises(BadSpecError, match=re.escape(message)):
        DynamicSupervisor(intensity=intensity)  # type: ignore[arg-type]
