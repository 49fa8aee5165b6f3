"""Cases of OTP's supervisor suite about its API: adding, stopping, restarting, removing, listing children."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    SHUTDOWN,
    ActorExitedError,
    ActorRef,
    Exit,
    NoProcessError,
    open_system,
)
from actors.inspect import get_state
from supervision import (
    AlreadyPresentError,
    AlreadyStartedError,
    ChildInfo,
    ChildNotFoundError,
    ChildRunningError,
    ChildSpec,
    ChildStartError,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    UnsupportedRequestError,
    count_children,
    delete_child,
    get_child_spec,
    restart_child,
    start_child,
    terminate_child,
    which_child,
    which_children,
)
from tests.supervision.workers import (
    ABNORMAL,
    Worker,
    child,
    counts,
    end,
    ref_of,
    states,
    supervising,
)


async def test_child_adm(worker: type[Worker], autojump_clock: MockClock) -> None:
    spec = child("child1", worker)

    async with supervising(spec) as sup:
        ref = await ref_of(sup, "child1")
        assert await counts(sup) == [1, 1, 0, 1]
        with pytest.raises(AlreadyStartedError) as caught:
            await start_child(sup, spec)
        assert caught.value.ref is ref

        with pytest.raises(ChildNotFoundError):
            await terminate_child(sup, "hej")
        await terminate_child(sup, "child1")
        assert ref.reason == SHUTDOWN
        assert await states(sup) == {"child1": "undefined"}
        assert await counts(sup) == [1, 0, 0, 1]

        await terminate_child(sup, "child1")
        with pytest.raises(AlreadyPresentError):
            await start_child(sup, spec)
    assert trio.current_time() == 0


async def test_child_adm_restart(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising(child("child1", worker)) as sup:
        first = await ref_of(sup, "child1")
        with pytest.raises(ChildRunningError):
            await restart_child(sup, "child1")
        await terminate_child(sup, "child1")

        second = await restart_child(sup, "child1")

        assert second is not None
        assert second is not first
        assert await ref_of(sup, "child1") is second
        assert await counts(sup) == [1, 1, 0, 1]
        with pytest.raises(ChildRunningError, match=r"child1' runs, as .* #4>; terminate"):
            await restart_child(sup, "child1")
        with pytest.raises(ChildNotFoundError):
            await restart_child(sup, "child2")
    assert trio.current_time() == 0


async def test_child_adm_delete(worker: type[Worker], autojump_clock: MockClock) -> None:
    spec = child("child1", worker)

    async with supervising(spec) as sup:
        with pytest.raises(ChildRunningError):
            await delete_child(sup, "child1")
        with pytest.raises(ChildNotFoundError):
            await delete_child(sup, "hej")
        await terminate_child(sup, "child1")
        await delete_child(sup, "child1")

        with pytest.raises(ChildNotFoundError):
            await restart_child(sup, "child1")
        assert await which_children(sup) == []
        assert await counts(sup) == [0, 0, 0, 0]

        ref = await start_child(sup, spec)
        assert [info.ref for info in await which_children(sup)] == [ref]
    assert trio.current_time() == 0


async def test_child_adm_terminate_by_process_is_for_dynamic_children(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    async with supervising(child("child1", worker)) as sup:
        with pytest.raises(ChildNotFoundError):
            await terminate_child(sup, await ref_of(sup, "child1"))

        assert await counts(sup) == [1, 1, 0, 1]
    assert trio.current_time() == 0


async def test_child_adm_of_nobody(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        nobody = system.named("nobody")
        requests = [
            start_child(nobody, child("child1", worker)),
            terminate_child(nobody, "child1"),
            restart_child(nobody, "child1"),
            delete_child(nobody, "child1"),
            which_child(nobody, "child1"),
            which_children(nobody),
            count_children(nobody),
            get_child_spec(nobody, "child1"),
        ]
        for request in requests:
            with pytest.raises(NoProcessError):
                await request
    assert trio.current_time() == 0


async def test_child_adm_simple(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        assert await counts(sup) == [0, 0, 0, 0]
        ref1 = await start_child(sup, child("child", worker))
        assert await counts(sup) == [1, 1, 0, 1]
        ref2 = await start_child(sup, child("child", worker))
        assert {info.ref for info in await which_children(sup)} == {ref1, ref2}
        assert await counts(sup) == [2, 2, 0, 2]

        with pytest.raises(ChildNotFoundError):
            await terminate_child(sup, "child")
        assert ref1 is not None
        await terminate_child(sup, ref1)
        assert ref1.reason == SHUTDOWN
        assert await counts(sup) == [1, 1, 0, 1]

        with pytest.raises(ChildNotFoundError):
            await terminate_child(sup, ref1)
        stranger = await system.start(worker)
        with pytest.raises(ChildNotFoundError):
            await terminate_child(sup, stranger)
        assert stranger.alive

        for request in (restart_child(sup, "child"), delete_child(sup, "child")):
            with pytest.raises(UnsupportedRequestError):
                await request
        assert sup.alive
    assert trio.current_time() == 0


async def test_extra_return(worker: type[Worker], autojump_clock: MockClock) -> None:
    """Start and restart return the process and nothing else; it is found again after a crash."""
    async with supervising(child("child1", worker)) as sup:
        await terminate_child(sup, "child1")
        restarted = await restart_child(sup, "child1")
        assert isinstance(restarted, ActorRef)

        await end(restarted, ABNORMAL)

        again = await ref_of(sup, "child1")
        assert again is not restarted
        assert await again.call("hello", timeout=None) == "hello"
    assert trio.current_time() == 0


async def test_which_children(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising() as sup:
        assert await which_children(sup) == []
        ref1 = await start_child(sup, child("child1", worker))
        info1 = ChildInfo("child1", ref1, "running", "worker")
        assert await which_child(sup, "child1") == info1
        nested = ChildSpec("child2", Supervisor, (SupervisorSpec(),))
        ref2 = await start_child(sup, nested)
        info2 = ChildInfo("child2", ref2, "running", "supervisor")
        assert await which_children(sup) == [info2, info1]

        await terminate_child(sup, "child1")
        gone = ChildInfo("child1", None, "undefined", "worker")
        assert await which_children(sup) == [info2, gone]
        assert await which_child(sup, "child1") == gone

        await delete_child(sup, "child1")
        assert await which_children(sup) == [info2]
        for unknown in ("child1", "childx"):
            with pytest.raises(ChildNotFoundError):
                await which_child(sup, unknown)
    assert trio.current_time() == 0


async def test_which_children_simple_one_for_one(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        spec = child("child", worker, restart="temporary")
        ref1, ref2 = await start_child(sup, spec), await start_child(sup, spec)
        assert ref1 is not None
        info1 = ChildInfo("child", ref1, "running", "worker")
        info2 = ChildInfo("child", ref2, "running", "worker")
        assert await which_children(sup) == [info1, info2]
        assert await which_child(sup, ref1) == info1

        await terminate_child(sup, ref1)

        assert await which_children(sup) == [info2]
        for unknown in (ref1, sup, "not a process"):
            with pytest.raises(ChildNotFoundError):
                await which_child(sup, unknown)
    assert trio.current_time() == 0


async def test_already_started_outside_supervisor(worker: type[Worker], autojump_clock: MockClock) -> None:
    async with supervising() as sup, open_system() as system:
        holder = await system.start(worker, name="till")
        pool = await system.start(DynamicSupervisor)
        top = await system.start(Supervisor, SupervisorSpec())
        for parent in (pool, top):
            with pytest.raises(AlreadyStartedError) as caught:
                await start_child(parent, child("child", worker, name="till"))

            assert caught.value.ref is holder
            assert await which_children(parent) == []
        assert await start_child(sup, child("child", worker, name="till")) is not None


async def test_a_name_that_a_child_needs_for_another_is_a_failed_start(
    worker: type[Worker], autojump_clock: MockClock
) -> None:
    class Starting(worker):  # type: ignore[valid-type, misc]
        async def init(self) -> None:
            await self.start_link(worker, name="till")

    async with supervising(child("child1", worker, name="till")) as sup:
        for name in (None, "other"):
            with pytest.raises(ChildStartError, match="the name 'till' is taken by <till #3>"):
                await start_child(sup, child("child2", Starting, name=name))
        assert await states(sup) == {"child1": "running"}
    assert trio.current_time() == 0


async def test_a_request_nobody_knows_is_refused_and_a_stray_message_is_logged(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervising() as sup:
        with pytest.raises(UnsupportedRequestError, match="<sup #2> does not answer 'hello'"):
            await sup.call("hello", timeout=None)
        sup.cast("cast")
        sup.send("info")
        assert await counts(sup) == [0, 0, 0, 0]

        for message in ("cast", "info"):
            assert f"<sup #2> got the unexpected message '{message}'" in caplog.messages
        caplog.clear()
        sup.send(Exit(None, SHUTDOWN))
        assert await counts(sup) == [0, 0, 0, 0]
        assert caplog.messages == []


async def test_a_supervisor_that_is_killed_fails_its_callers(worker: type[Worker], autojump_clock: MockClock) -> None:
    class Hanging(worker):  # type: ignore[valid-type, misc]
        async def init(self) -> None:
            await trio.sleep_forever()

    async with supervising() as sup, trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(ActorExitedError):
                await start_child(sup, child("child", Hanging))

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        sup.kill()
    assert trio.current_time() == 0


async def test_a_supervisor_can_be_named_and_looked_at(worker: type[Worker], autojump_clock: MockClock) -> None:
    """A name serves as well as a process; state and repr say what it has."""
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec(intensity=3, period=60.0), name="shop")
        shop = system.named("shop")
        ref = await start_child(shop, child("till", worker))
        assert ref is not None
        await end(ref, ABNORMAL)

        await which_children(shop)
        state = await get_state(shop)
        assert str(state["children"]) == "<Children: till running>"
        assert list(state) == ["spec", "children", "restarts", "ended_by", "gave_up_at"]
        assert str(state["restarts"]) == "1 restart in 60.0 s, allowed are 3"
    assert trio.current_time() == 0
