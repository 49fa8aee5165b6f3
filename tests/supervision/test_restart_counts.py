"""How often a supervisor says that it has restarted each child."""

from trio.testing import MockClock

from actors import ActorRef, ActorSystem, open_system
from actors.inspect import Children
from supervision import (
    ChildSpec,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    restart_child,
    start_child,
    terminate_child,
    which_children,
)
from tests.supervision.workers import ABNORMAL, Worker, child, end, ref_of


async def restarts(system: ActorSystem, supervisor: ActorRef) -> dict[str, int]:
    """Return what *supervisor* tells of its children once it has acted on the exits so far."""
    await which_children(supervisor)
    parent = next(process.actor for process in system.processes.values() if process.ref is supervisor)
    assert isinstance(parent, Children)
    return {child.id: child.restarts for child in parent.list_children()}


def spec(*children: ChildSpec, **options: str) -> SupervisorSpec:
    return SupervisorSpec(children, intensity=10, **options)  # type: ignore[arg-type]


async def test_each_restart_is_counted_for_the_child_that_failed(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with open_system() as system:
        sup = await system.start(
            Supervisor, spec(child("a", worker), child("b", worker), strategy="one_for_all"), name="sup"
        )
        await end(await ref_of(sup, "b"), ABNORMAL)
        await end(await ref_of(sup, "b"), ABNORMAL)

        assert await restarts(system, sup) == {"a": 0, "b": 2}


async def test_attempts_that_fail_are_counted(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(Supervisor, spec(child("a", worker, "start", "fail", "fail")), name="sup")
        await end(await ref_of(sup, "a"), ABNORMAL)
        while (await which_children(sup))[0].state != "running":
            pass

        assert await restarts(system, sup) == {"a": 3}


async def test_a_restart_on_request_is_not_counted(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(Supervisor, spec(child("a", worker)), name="sup")
        await terminate_child(sup, "a")
        await restart_child(sup, "a")

        assert await restarts(system, sup) == {"a": 0}


async def test_a_dynamic_supervisor_counts_across_incarnations(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor, name="sup")
        ref = await start_child(sup, child("a", worker, "start", "start", "fail"))
        assert ref is not None
        await end(ref, ABNORMAL)
        (info,) = await which_children(sup)
        assert info.ref is not None
        await end(info.ref, ABNORMAL)
        while (await which_children(sup))[0].state != "running":
            pass

        assert await restarts(system, sup) == {"a": 3}
