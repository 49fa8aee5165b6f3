"""Random lives of supervised children: with delays as without, none runs twice and none is lost."""

from typing import Any, TypeAlias

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors import Actor, ActorRef, ActorSystem, Backoff, ExitReason, open_system
from supervision import (
    ChildSpec,
    DynamicSupervisor,
    SupervisionError,
    Supervisor,
    SupervisorSpec,
    delete_child,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from supervision.strategy import Strategy, affected

IDS = "abcd"
BACKOFF = Backoff(1.0, max_seconds=4.0, reset_after=6.0)
OFTEN = 1_000
MOMENT = 0.001
"""Keeps what a script does from falling on the end of a delay, which is whole seconds after a crash."""

Step: TypeAlias = tuple[str, Any]

moments = st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0, 8.0])
ids = st.sampled_from(IDS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("sleep"), moments),
        st.tuples(st.sampled_from(["crash", "crash", "crash", "terminate", "restart", "start", "delete"]), ids),
        st.tuples(st.just("refuse"), st.tuples(ids, st.integers(1, 3))),
    ),
    max_size=30,
)


@attrs.define
class World:
    """What children do, as they see it themselves."""

    up: set[str] = attrs.field(factory=set)
    refusals: dict[str, int] = attrs.field(factory=dict)
    """How many of the next starts of each child fail."""


class Citizen(Actor):
    """A child that must never find another of its id."""

    trap_exit = True

    def __init__(self, label: str, world: World) -> None:
        self.label = label
        self.world = world

    def init(self) -> None:
        assert self.label not in self.world.up, f"{self.label} runs twice"
        if self.world.refusals.get(self.label, 0):
            self.world.refusals[self.label] -= 1
            raise RuntimeError("refused")
        self.world.up.add(self.label)

    def handle_cast(self, message: object) -> None:
        raise RuntimeError("died")

    def terminate(self, reason: ExitReason) -> None:
        self.world.up.discard(self.label)


def spec_of(label: str, world: World, *, delayed: bool = True) -> ChildSpec:
    return ChildSpec(label, Citizen, (label, world), backoff=BACKOFF if delayed else None)


def actor_of(system: ActorSystem, ref: ActorRef) -> Actor:
    return next(process.actor for process in system.processes.values() if process.ref is ref)


async def crash(supervisor: ActorRef, label: str) -> None:
    for info in await which_children(supervisor):
        if info.id == label and info.ref is not None:
            info.ref.cast("die")
            await info.ref.wait()


@attrs.define
class Script:
    """A supervisor, its world, and which children may be down because somebody asked for that."""

    strategy: Strategy
    world: World
    sup: ActorRef
    top: Supervisor
    may_be_down: set[str] = attrs.field(factory=set)

    async def follow(self, verb: str, argument: Any) -> None:
        match verb:
            case "sleep":
                await trio.sleep(argument + MOMENT)
            case "crash":
                await crash(self.sup, argument)
            case "refuse":
                self.world.refusals[argument[0]] = argument[1]
            case _:
                await self.ask(verb, argument)
        self.check(await states(self.sup))

    async def ask(self, verb: str, label: str) -> None:
        """Make a request, which may be refused."""
        if verb == "terminate":
            self.may_be_down |= self.kept_down_by(label) | {label}
        requests = {"terminate": terminate_child, "restart": restart_child, "delete": delete_child}
        try:
            if verb == "start":
                await start_child(self.sup, spec_of(label, self.world))
            else:
                await requests[verb](self.sup, label)
        except SupervisionError:
            return
        if verb in ("start", "restart"):
            self.may_be_down.discard(label)

    def kept_down_by(self, label: str) -> set[str]:
        """Return whom the delay of this child keeps down."""
        child = self.top.children.waiting.get(label)
        group = [] if child is None else affected(self.strategy, self.top.children, child)
        return {child.id for child in group}

    def check(self, seen: dict[str, str]) -> None:
        """Every child is up, or it waits, or one that waits keeps it down, or somebody asked for that."""
        kept_down = {held for label in self.top.children.waiting for held in self.kept_down_by(label)}
        assert {label for label, state in seen.items() if state == "running"} == self.world.up
        self.may_be_down -= self.world.up
        assert {label for label, state in seen.items() if state == "restarting"} == {*self.top.children.waiting}
        assert {label for label, state in seen.items() if state == "undefined"} <= kept_down | self.may_be_down


async def states(supervisor: ActorRef) -> dict[str, str]:
    return {info.id: info.state for info in await which_children(supervisor)}


@pytest.mark.slow
@given(strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]), steps=steps)
async def test_no_child_runs_twice_and_none_is_lost(strategy: Strategy, steps: list[Step]) -> None:
    world = World()
    spec = SupervisorSpec([spec_of(label, world) for label in IDS], strategy=strategy, intensity=OFTEN)

    async with open_system() as system:
        sup = await system.start(Supervisor, spec)
        top = actor_of(system, sup)
        assert isinstance(top, Supervisor)
        script = Script(strategy, world, sup, top)
        for verb, argument in steps:
            await script.follow(verb, argument)
        await trio.sleep(1_000)

        script.check(await states(sup))
        assert not top.children.waiting
    assert not world.up


@pytest.mark.slow
@given(steps=steps)
async def test_no_child_of_a_dynamic_supervisor_runs_twice_and_none_is_lost(steps: list[Step]) -> None:
    world = World()

    async with open_system() as system:
        sup = await system.start(DynamicSupervisor, intensity=OFTEN, backoff=BACKOFF)
        expected = set(IDS)
        for label in IDS:
            await start_child(sup, spec_of(label, world, delayed=False))
        for verb, argument in steps:
            match verb:
                case "sleep":
                    await trio.sleep(argument + MOMENT)
                case "crash":
                    await crash(sup, argument)
                case "refuse":
                    world.refusals[argument[0]] = argument[1]
                case "terminate":
                    expected.discard(argument)
                    await terminate_whoever_is(actor_of(system, sup), argument)
                case "start" if argument not in expected and not world.refusals.get(argument):
                    await start_child(sup, spec_of(argument, world, delayed=False))
                    expected.add(argument)
            seen = await states(sup)
            assert {*seen} == expected
            assert {label for label, state in seen.items() if state == "running"} == world.up
        await trio.sleep(1_000)

        assert world.up == expected
    assert not world.up


async def terminate_whoever_is(supervisor: Actor, label: str) -> None:
    """Terminate the child of this id, by the process it has or had last."""
    assert isinstance(supervisor, DynamicSupervisor)
    for ref, child in [*supervisor.children.items()]:
        if child.id == label:
            await terminate_child(supervisor.ref, ref)
