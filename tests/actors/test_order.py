"""Order: what one process sends another arrives in the order it was sent, whatever it is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    Caller,
    Crash,
    Down,
    Exit,
    ExitReason,
    Stop,
    get_state,
    open_system,
    resume,
    suspend,
)
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.kinds import KINDS, Kind
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Log(Actor):
    """Keeps everything it gets, and leaves it behind."""

    def __init__(self, left: list[object] | None = None) -> None:
        self.items: list[object] = []
        self.left = [] if left is None else left

    def handle_call(self, message: object, caller: Caller) -> list[object]:
        self.items.append(message)
        return list(self.items)

    def handle_cast(self, message: object) -> None:
        self.items.append(message)

    def handle_info(self, message: object) -> None:
        self.items.append(message)

    def terminate(self, reason: ExitReason) -> None:
        self.left += [*self.items, str(reason)]


class TrappingLog(Log):
    trap_exit = True


class Worker(Actor):
    """Sends its result, and ends as it is told."""

    def __init__(self, end: Callable[[Actor], Any]) -> None:
        self.end = end

    def handle_cast(self, listener: ActorRef) -> Any:
        listener.send(self.ref)
        return self.end(self)


def crash(actor: Actor) -> None:
    raise ValueError("boom")


ENDS = {"stop": lambda actor: Stop(), "crash": crash, "kill": lambda actor: actor.ref.kill()}


@pytest.fixture(params=ENDS)
def end(request: pytest.FixtureRequest) -> Callable[[Actor], Any]:
    return ENDS[request.param]


@pytest.mark.slow
async def test_a_result_sent_before_the_end_arrives_before_the_down(
    system: ActorSystem, kind: Kind, end: Callable[[Actor], Any]
) -> None:
    watcher = await system.start(Probe)

    for _ in range(1000):
        worker = await system.start(kind(Worker), end)
        await watcher.call(lambda me, worker=worker: worker.monitor())
        worker.cast(watcher)
        await worker.wait()

    messages = await watcher.call(received)
    assert len(messages) == 2000
    assert [down.ref for down in messages[1::2]] == messages[::2]
    assert trio.current_time() == 0.0


async def test_a_result_sent_before_the_end_arrives_before_the_trapped_exit(
    system: ActorSystem, kind: Kind, end: Callable[[Actor], Any]
) -> None:
    watcher = await system.start(Probe, trap_exit=True)

    for _ in range(100):
        worker: ActorRef = await watcher.call(lambda me: me.start_link(kind(Worker), end))
        worker.cast(watcher)
        await worker.wait()

    messages = await watcher.call(received)
    assert len(messages) == 200
    assert [message.ref for message in messages[1::2]] == messages[::2]
    assert trio.current_time() == 0.0


async def test_whoever_links_and_monitors_gets_the_exit_and_the_down_once_each(
    system: ActorSystem, kind: Kind, end: Callable[[Actor], Any]
) -> None:
    watcher = await system.start(Probe, trap_exit=True)
    worker = await watcher.call(lambda me: me.start_link(kind(Worker), end))
    await watcher.call(lambda me: worker.monitor())

    worker.cast(watcher)
    await worker.wait()

    messages = await watcher.call(received)
    assert messages[0] is worker
    assert {type(message) for message in messages[1:]} == {Down, Exit}
    assert len(messages) == 3


@pytest.mark.parametrize("log", [Log, TrappingLog])
async def test_what_was_cast_before_stop_is_handled(system: ActorSystem, kind: Kind, log: type[Log]) -> None:
    left: list[object] = []
    ref = await system.start(kind(log), left)

    for number in range(1000):
        ref.cast(number)
    await ref.stop()

    assert left == [*range(1000), "normal"]
    assert trio.current_time() == 0.0


async def test_what_was_cast_before_the_stop_of_another_actor_is_handled(system: ActorSystem, kind: Kind) -> None:
    async def cast_and_stop(me: Probe) -> None:
        for number in range(1000):
            ref.cast(number)
        await ref.stop(SHUTDOWN)

    left: list[object] = []
    ref = await system.start(kind(Log), left)
    probe = await system.start(Probe)

    await probe.call(cast_and_stop, timeout=None)

    assert left == [*range(1000), "shutdown"]
    assert trio.current_time() == 0.0


@pytest.mark.parametrize("how", ["shut_down", "exit"])
async def test_what_a_parent_cast_before_it_shuts_a_trapping_child_down_is_handled(
    system: ActorSystem, kind: Kind, how: str
) -> None:
    async def cast_and_shut_down(me: Probe) -> None:
        child = await me.start_link(kind(TrappingLog), left)
        for number in range(1000):
            child.cast(number)
        if how == "exit":
            child.exit(SHUTDOWN)
            await child.wait()
        else:
            await child.shut_down()

    left: list[object] = []
    probe = await system.start(Probe, trap_exit=True)

    await probe.call(cast_and_shut_down, timeout=None)

    assert left == [*range(1000), "shutdown"]
    assert trio.current_time() == 0.0


async def test_what_a_parent_cast_before_it_stopped_is_handled_by_a_trapping_child(
    system: ActorSystem, kind: Kind
) -> None:
    class Parent(Probe):
        async def handle_cast(self, message: object) -> Stop:
            child = await self.start_link(kind(TrappingLog), left)
            for number in range(1000):
                child.cast(number)
            children.append(child)
            return Stop(SHUTDOWN)

    left: list[object] = []
    children: list[ActorRef] = []
    parent = await system.start(Parent)

    parent.cast("stop")
    await parent.wait()
    await children[0].wait()

    assert left == [*range(1000), "shutdown"]
    assert trio.current_time() == 0.0


async def test_what_a_callee_sent_before_its_reply_comes_before_what_is_sent_after_it(
    system: ActorSystem, kind: Kind
) -> None:
    class Callee(Actor):
        def handle_call(self, message: ActorRef, caller: Caller) -> str:
            message.send("before the reply")
            return "reply"

    async def call(me: Probe) -> None:
        me.ref.send(await callee.call(me.ref))

    callee = await system.start(kind(Callee))
    probe = await system.start(Probe)

    await probe.call(call)

    assert await probe.call(received) == ["before the reply", "reply"]


SEND: dict[str, Callable[[ActorRef, int], Any]] = {
    "cast": lambda ref, number: ref.cast(number),
    "send": lambda ref, number: ref.send(number),
    "request": lambda ref, number: ref.send_request(number),
    "call": lambda ref, number: ref.call(number, timeout=None),
}
SENDS = [*SEND, "inspect", "hold", "let go", "yield"]


async def send(ref: ActorRef, sends: Sequence[str]) -> list[object]:
    """Send each of *sends*, numbered, and return what must arrive."""
    expected: list[object] = []
    held = False
    for number, how in enumerate(sends):
        if how == "yield":
            await wait_all_tasks_blocked()
        elif how == "inspect":
            items = (await get_state(ref))["items"]
            assert items == expected[: len(items)]
        elif how in {"hold", "let go"}:
            held = how == "hold"
            await (suspend(ref) if held else resume(ref))
        elif how != "call" or not held:
            expected.append(number)
            answer = SEND[how](ref, number)
            assert how != "call" or await answer == expected
    await resume(ref)
    return expected


@pytest.mark.slow
@given(sends=st.lists(st.sampled_from(SENDS), max_size=30), kind=st.sampled_from(list(KINDS)), stopped=st.booleans())
async def test_whatever_is_sent_arrives_in_order(sends: list[str], kind: str, *, stopped: bool) -> None:
    left: list[object] = []
    async with open_system() as system:
        probe = await system.start(Probe, trap_exit=True)
        ref = await probe.call(lambda me: me.start_link(KINDS[kind](TrappingLog), left))

        expected = await probe.call(lambda me: send(ref, sends), timeout=None)
        await (ref.stop(SHUTDOWN) if stopped else probe.call(lambda me: ref.shut_down()))

        assert left == [*expected, "shutdown"]
        assert trio.current_time() == 0.0


async def test_timers_that_are_due_together_arrive_in_the_order_they_were_set(system: ActorSystem, kind: Kind) -> None:
    ref = await system.start(kind(Log))

    for number in range(100):
        ref.send_after(1.0, number)
    await trio.sleep(1.5)

    assert await ref.call("end") == [*range(100), "end"]


async def test_inspection_overtakes_what_waits(system: ActorSystem, kind: Kind) -> None:
    ref = await system.start(kind(Log))

    for number in range(1000):
        ref.cast(number)

    assert (await get_state(ref))["items"] == []
    assert len(await ref.call("end")) == 1001


async def test_a_kill_overtakes_what_waits(system: ActorSystem, kind: Kind) -> None:
    left: list[object] = []
    ref = await system.start(kind(Log), left)

    for number in range(1000):
        ref.cast(number)
    ref.kill()

    assert await ref.wait() == KILLED
    assert left == []
    assert system.dead_letters.count == 1000


async def test_stop_without_draining_overtakes_what_waits(system: ActorSystem, kind: Kind) -> None:
    left: list[object] = []
    ref = await system.start(kind(Log), left)

    for number in range(1000):
        ref.cast(number)
    await ref.stop(drain=False)

    assert left == ["normal"]
    assert system.dead_letters.count == 1000


async def linked_chain(system: ActorSystem, victim: type[Victim], length: int) -> list[ActorRef]:
    """Start *length* actors, each linked to the one before it."""
    chain = [await system.start(victim)]
    for _ in range(length - 1):
        chain.append(await system.start(victim))
        await chain[-1].call(Blow(lambda me: chain[-2].link(), NORMAL))
    return chain


@pytest.mark.slow
@pytest.mark.parametrize("victim", VICTIMS.values(), ids=VICTIMS)
async def test_a_chain_of_2000_links_dies_of_its_first(system: ActorSystem, victim: type[Victim]) -> None:
    chain = await linked_chain(system, victim, 2000)

    chain[0].exit(Crash("boom"))

    assert {await ref.wait() for ref in chain} == {Crash("boom")}
    assert trio.current_time() == 0.0


@pytest.mark.parametrize("victim", VICTIMS.values(), ids=VICTIMS)
async def test_a_ring_of_links_dies_of_any(system: ActorSystem, victim: type[Victim]) -> None:
    ring = await linked_chain(system, victim, 100)
    await ring[0].call(Blow(lambda me: ring[-1].link(), NORMAL))

    ring[50].kill()

    assert {await ref.wait() for ref in ring} == {KILLED}
    assert trio.current_time() == 0.0


@pytest.mark.slow
async def test_a_tree_of_2000_generations_dies_of_its_root(system: ActorSystem) -> None:
    generations = [await system.start(Probe)]
    for _ in range(2000):
        generations.append(await generations[-1].call(lambda me: me.start_link(Probe)))

    generations[0].kill()

    assert {await ref.wait() for ref in generations} == {KILLED}
    assert trio.current_time() == 0.0


@pytest.mark.slow
async def test_a_chain_of_2000_calls_fails_when_its_last_dies(
    system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="actors")

    def relay(position: int) -> Callable[[Probe], Any]:
        async def call_next(me: Probe) -> Any:
            if position == 1999:
                raise ValueError("boom")
            return await chain[position + 1].call(relay(position + 1), timeout=None)

        return call_next

    chain = [await system.start(Probe) for _ in range(2000)]

    chain[0].send_request(relay(0))

    assert len({await ref.wait() for ref in chain}) == 2000
    assert trio.current_time() == 0.0
