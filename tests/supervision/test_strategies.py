"""Cases of OTP's supervisor suite about restart strategies, intensity and escalation."""

from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import KILLED, NORMAL, SHUTDOWN, Actor, ActorRef, Exit, Stop, open_system
from supervision import ChildSpec, Supervisor, SupervisorSpec, restart_child, start_child, terminate_child
from tests.supervision.workers import (
    ABNORMAL,
    Worker,
    child,
    counts,
    end,
    ref_of,
    slow,
    states,
    supervising,
)

IDS = ["child1", "child2", "child3"]


async def refs_of(sup: ActorRef, *ids: str) -> list[ActorRef]:
    return [await ref_of(sup, child_id) for child_id in ids]


async def test_multiple_restarts(worker: type[Worker], autojump_clock: MockClock) -> None:
    """Restarts further apart than the period never end the supervisor."""
    async with supervising(child("child1", worker), intensity=1, period=1.0) as sup:
        for _ in range(4):
            await end(await ref_of(sup, "child1"), ABNORMAL)
            await trio.sleep(1.001)

        assert await counts(sup) == [1, 1, 0, 1]


async def test_a_restart_exactly_one_period_ago_still_counts(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker), intensity=1, period=1.0) as sup:
        await end(await ref_of(sup, "child1"), ABNORMAL)
        await trio.sleep(1.0)
        await end(await ref_of(sup, "child1"), ABNORMAL)

        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 1.0


async def test_with_intensity_0_the_first_failure_ends_the_supervisor(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with supervising(child("child1", worker), child("child2", worker), intensity=0) as sup:
        child1, child2 = await refs_of(sup, "child1", "child2")
        await end(child1, NORMAL)

        assert await sup.wait() == SHUTDOWN
        assert child2.reason == SHUTDOWN
    assert trio.current_time() == 0


async def test_one_for_one(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker), child("child2", worker)) as sup:
        child1, child2 = await refs_of(sup, "child1", "child2")
        await end(child1, ABNORMAL)
        assert await ref_of(sup, "child1") is not child1
        assert await ref_of(sup, "child2") is child2
        assert await counts(sup) == [2, 2, 0, 2]

        await end(child2, ABNORMAL)
        await end(await ref_of(sup, "child2"), ABNORMAL)
        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 0


async def escalation(worker: type[Worker], strategy: Any, failing: str) -> None:
    """Check that all end when child1 crashes and *failing* fails at every restart."""
    specs = {child_id: child(child_id, worker) for child_id in ("child1", "child2")}
    specs[failing] = child(failing, worker, "start", "fail", "fail", "fail", "fail")

    async with supervising(*specs.values(), strategy=strategy, intensity=4) as sup:
        refs = await refs_of(sup, "child1", "child2")
        await end(refs[0], ABNORMAL)

        assert await sup.wait() == SHUTDOWN
        assert not any(ref.alive for ref in refs)
    assert trio.current_time() == 0


async def test_one_for_one_escalation(worker: type[Worker], autojump_clock: MockClock) -> None:
    await escalation(worker, "one_for_one", "child1")


async def test_one_for_all_escalation(worker: type[Worker], autojump_clock: MockClock) -> None:
    await escalation(worker, "one_for_all", "child2")


async def test_rest_for_one_escalation(worker: type[Worker], autojump_clock: MockClock) -> None:
    await escalation(worker, "rest_for_one", "child2")


async def test_a_failed_restart_counts_each_time(worker: type[Worker], autojump_clock: MockClock) -> None:
    """Three failed attempts and a good one are four restarts."""
    spec = child("child1", worker, "start", "fail", "fail", "fail")

    async with supervising(spec, intensity=4) as sup:
        await end(await ref_of(sup, "child1"), ABNORMAL)
        await wait_all_tasks_blocked()
        assert await states(sup) == {"child1": "running"}

        await end(await ref_of(sup, "child1"), ABNORMAL)
        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 0


async def test_manual_restarts_do_not_count(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker), intensity=0) as sup:
        for _ in range(5):
            await terminate_child(sup, "child1")
            await restart_child(sup, "child1")

        assert await states(sup) == {"child1": "running"}
    assert trio.current_time() == 0


async def test_one_for_all(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(*(child(id_, worker) for id_ in IDS[:2]), strategy="one_for_all") as sup:
        old = await refs_of(sup, "child1", "child2")
        await end(old[0], ABNORMAL)
        new = await refs_of(sup, "child1", "child2")
        assert old[1].reason == SHUTDOWN
        assert not {*old} & {*new}
        assert await counts(sup) == [2, 2, 0, 2]

        await end(new[1], ABNORMAL)
        await end(await ref_of(sup, "child2"), ABNORMAL)
        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 0


async def test_one_for_all_other_child_fails_restart(worker: type[Worker], autojump_clock: MockClock) -> None:
    log: list[str] = []
    children = child("child1", worker, log=log), child("child2", worker, "start", "fail", log=log)

    async with supervising(*children, strategy="one_for_all", intensity=3) as sup:
        log.clear()
        await end(await ref_of(sup, "child1"), ABNORMAL)
        await wait_all_tasks_blocked()

        assert log == [
            "stop child1: RuntimeError: died",
            "stop child2: shutdown",
            "start child1",
            "stop child1: shutdown",
            "start child1",
            "start child2",
        ]
    assert trio.current_time() == 0


async def test_rest_for_one(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(*(child(id_, worker) for id_ in IDS), strategy="rest_for_one") as sup:
        old = await refs_of(sup, *IDS)
        await end(old[1], ABNORMAL)
        new = await refs_of(sup, *IDS)
        assert old[2].reason == SHUTDOWN
        assert new[0] is old[0]
        assert not {*old[1:]} & {*new[1:]}
        assert await counts(sup) == [3, 3, 0, 3]

        await end(new[2], ABNORMAL)
        await end(await ref_of(sup, "child2"), ABNORMAL)
        assert await sup.wait() == SHUTDOWN
    assert trio.current_time() == 0


async def test_rest_for_one_other_child_fails_restart(worker: type[Worker], autojump_clock: MockClock) -> None:
    log: list[str] = []
    children = child("child1", worker, log=log), child("child2", worker, "start", "fail", log=log)

    async with supervising(*children, strategy="rest_for_one", intensity=3) as sup:
        log.clear()
        await end(await ref_of(sup, "child1"), ABNORMAL)
        await wait_all_tasks_blocked()

        assert log == [
            "stop child1: RuntimeError: died",
            "stop child2: shutdown",
            "start child1",
            "start child2",
        ]
    assert trio.current_time() == 0


@pytest.mark.parametrize("strategy", ["one_for_all", "rest_for_one"])
async def test_a_group_restart_starts_also_what_was_down(
    strategy: Any, worker: type[Worker], autojump_clock: MockClock
) -> None:
    children = [child("child1", worker), child("child2", worker), child("child3", worker, restart="transient")]

    async with supervising(*children, strategy=strategy) as sup:
        await terminate_child(sup, "child2")
        await end(await ref_of(sup, "child3"), NORMAL)
        assert await states(sup) == {"child3": "undefined", "child2": "undefined", "child1": "running"}

        await end(await ref_of(sup, "child1"), ABNORMAL)

        assert await states(sup) == dict.fromkeys(reversed(IDS), "running")
    assert trio.current_time() == 0


async def test_a_child_that_ignores_its_restart_stays_down(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker, "start", "ignore")) as sup:
        await end(await ref_of(sup, "child1"), ABNORMAL)

        assert await states(sup) == {"child1": "undefined"}
        assert await restart_child(sup, "child1") is not None
    assert trio.current_time() == 0


async def test_order_of_children(worker: type[Worker], autojump_clock: MockClock) -> None:
    log: list[str] = []
    ids = ["ch7", "ch3", "ch10", "ch2", "ch5"]

    async with supervising(*(child(i, worker, log=log) for i in ids), strategy="rest_for_one") as sup:
        assert log == [f"start {child_id}" for child_id in ids]
        log.clear()

        await end(await ref_of(sup, "ch10"), ABNORMAL)
        await counts(sup)
        assert log[1:] == [
            "stop ch5: shutdown",
            "stop ch2: shutdown",
            "start ch10",
            "start ch2",
            "start ch5",
        ]
        log.clear()

        await sup.stop(SHUTDOWN)
        assert log == [f"stop {child_id}: shutdown" for child_id in reversed(ids)]
    assert trio.current_time() == 0


async def test_tree(worker: type[Worker], autojump_clock: MockClock) -> None:
    fails: Any = ["start"] + ["fail"] * 4
    static = SupervisorSpec([child("child1", worker), child("child2", worker)], intensity=4)
    children = [
        ChildSpec("sup1", Supervisor, (static,)),
        ChildSpec("sup2", Supervisor, (SupervisorSpec(intensity=4),)),
        ChildSpec("sup3", Supervisor, (SupervisorSpec(intensity=4),), restart="transient"),
    ]

    async with supervising(*children, strategy="one_for_all", intensity=4) as top:
        await terminate_child(top, "sup3")
        assert await counts(top) == [3, 2, 3, 0]
        sup1, sup2 = await refs_of(top, "sup1", "sup2")
        leaves = await refs_of(sup1, "child1", "child2")
        await start_child(sup2, child("child3", worker, *fails))
        await start_child(sup2, child("child4", worker))
        child3, child4 = await refs_of(sup2, "child3", "child4")

        await end(child4, ABNORMAL)
        assert await refs_of(sup1, "child1", "child2") == leaves
        assert await ref_of(sup2, "child3") is child3
        assert await ref_of(sup2, "child4") is not child4

        await end(child3, ABNORMAL)
        assert await sup2.wait() == SHUTDOWN
        assert await counts(top) == [3, 3, 3, 0]
        new = await refs_of(top, "sup1", "sup2", "sup3")
        assert not {sup1, sup2} & {*new}
        assert [await counts(sup) for sup in new] == [[2, 2, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert trio.current_time() == 0


async def test_child_unlink(worker: type[Worker], autojump_clock: MockClock) -> None:
    """A child that unlinked itself from its supervisor is stopped all the same."""

    class Naughty(worker):  # type: ignore[valid-type, misc]
        def init(self) -> None:
            sup = self.system.whereis("sup")
            assert sup is not None
            sup.unlink()

    async with supervising() as sup:
        ref = await start_child(sup, ChildSpec("child", Naughty, shutdown=1.0))
        assert ref is not None
        await terminate_child(sup, "child")

        assert not ref.alive
        assert await states(sup) == {"child": "undefined"}
    assert trio.current_time() <= 1.0


async def test_an_exit_of_no_child_changes_nothing(worker: type[Worker], autojump_clock: MockClock) -> None:
    """A stranger who linked itself to the supervisor, and the end of a child that was stopped already."""

    class Stranger(Actor):
        def handle_cast(self, message: ActorRef) -> Stop:
            message.link()
            return Stop(ABNORMAL)

    async with supervising(child("child1", worker), intensity=0) as sup:
        old = await ref_of(sup, "child1")
        await terminate_child(sup, "child1")
        await restart_child(sup, "child1")
        sup.send(Exit(old, ABNORMAL))
        async with open_system() as system:
            stranger = await system.start(Stranger)
            stranger.cast(sup)
            assert await stranger.wait() == ABNORMAL

        assert await states(sup) == {"child1": "running"}
    assert trio.current_time() == 0


@pytest.mark.parametrize("how", ["kill the supervisor", "kill the worker", "end the worker", "restart"])
async def test_simple_global_supervisor(how: str, worker: type[Worker], autojump_clock: MockClock) -> None:
    """Whoever is restarted has its name again."""
    inner = SupervisorSpec([child("child", worker, name="server")], strategy="one_for_all", intensity=3)
    middle = ChildSpec("middle", Supervisor, (inner,), name="sup2")

    async with open_system() as system:
        top = await system.start(Supervisor, SupervisorSpec([middle], strategy="one_for_all", intensity=3))
        sup2, server = system.whereis("sup2"), system.whereis("server")
        assert sup2 is not None
        assert server is not None
        match how:
            case "kill the supervisor":
                await end(sup2, KILLED)
            case "kill the worker":
                await end(server, KILLED)
            case "end the worker":
                await end(server, NORMAL)
            case _:
                await terminate_child(sup2, "child")
                await restart_child(sup2, "child")
        await wait_all_tasks_blocked()

        new = system.whereis("server")
        assert new is not None
        assert new is not server
        assert (system.whereis("sup2") is sup2) == (how != "kill the supervisor")

        await end(top, KILLED)
        await wait_all_tasks_blocked()
        assert system.whereis("sup2") is None
        assert system.whereis("server") is None
    assert trio.current_time() == 0


async def test_what_was_asked_while_children_stop_is_answered_afterwards(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    children = child("child1", worker), child("child2", slow(worker, 3.0))

    async with supervising(*children, strategy="one_for_all") as sup:
        await end(await ref_of(sup, "child1"), ABNORMAL)
        assert await states(sup) == {"child2": "running", "child1": "running"}

        assert trio.current_time() == 3.0
