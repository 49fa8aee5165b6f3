from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NO_REPLY,
    NORMAL,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    Caller,
    Continue,
    Crash,
    Mailbox,
    NoProcessError,
    get_statistics,
    get_trace,
    resume,
    start_trace,
    suspend,
)
from actors.testing import ExpectationError, Sent, capture_crash_reports, start_probe, step
from actors.testing.overhearing import ORIGINALS
from tests.actors.kinds import Kind
from tests.actors.testing.desk import Desk, SlowDesk


async def held(system: ActorSystem, kind: Kind, to: ActorRef | None = None, **options: Any) -> ActorRef:
    """Start a desk that is suspended."""
    desk = await system.start(kind(Desk), to, name="desk", **options)
    await suspend(desk)
    return desk


async def test_handles_exactly_one_message(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)
    for amount in (1, 2, 4):
        desk.cast(amount)

    first, second = await step(desk), await step(desk)

    assert (first.kind, first.message, first.state["sum"]) == ("cast", 1, 1)
    assert (second.kind, second.message, second.state["sum"]) == ("cast", 2, 3)
    assert get_statistics(desk).length == 1


@pytest.mark.parametrize("mailbox", [Mailbox(priority=True), Mailbox(max_messages=3)])
async def test_handles_one_message_of_a_mailbox_with_rules(system: ActorSystem, mailbox: Mailbox, kind: Kind) -> None:
    desk = await held(system, kind, mailbox=mailbox)
    for amount in (1, 2, 4):
        desk.cast(amount)

    assert (await step(desk)).message == 1
    assert get_statistics(desk).length == 2


async def test_tells_what_was_sent_to_whom(system: ActorSystem, kind: Kind) -> None:
    probe = await start_probe(system)
    desk = await held(system, kind, probe.ref)
    other = await system.start(Desk, probe.ref)
    desk.cast(5)
    other.cast(7)

    done = await step(desk)

    assert done.sent == (Sent("cast", probe.ref, 5),)
    assert await probe.pick(5) == 5


async def test_tells_the_reply_and_what_the_handler_continues_with(system: ActorSystem, kind: Kind) -> None:
    probe = await start_probe(system)
    desk = await held(system, kind, probe.ref)
    request = desk.send_request("continue")
    desk.cast(5)

    done = await step(desk)

    assert (done.kind, done.message, done.reply) == ("call", "continue", 0)
    assert done.sent == (Sent("send", probe.ref, "told"),)
    assert await request.wait() == 0
    assert get_statistics(desk).length == 1


async def test_tells_the_crash(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)
    error = ValueError("odd")
    request = desk.send_request(error)

    with capture_crash_reports():
        done = await step(desk)

    assert done.error is error
    assert done.reason == Crash(error)
    assert done.reply is NO_REPLY
    assert done.state is None
    with pytest.raises(ActorExitedError):
        await request.wait()


async def test_an_order_to_stop_is_a_step(system: ActorSystem) -> None:
    desk = await system.start(SlowDesk)
    desk.cast(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.stop)
        await wait_all_tasks_blocked()

        done = await step(desk)

    assert (done.kind, done.message, done.reason) == ("stop", None, NORMAL)


async def test_tells_infos_of_the_runtime_too(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)
    desk.send("tea")
    desk.send_after(3.0, "late")

    first, second = await step(desk), await step(desk)

    assert (first.kind, first.message, first.sender) == ("info", "tea", None)
    assert (second.kind, second.message) == ("info", "late")
    assert trio.current_time() == 3.0


async def test_tells_who_sent_the_message(system: ActorSystem, kind: Kind) -> None:
    probe = await start_probe(system)
    desk = await held(system, kind)

    for send in (desk.cast, desk.send, desk.send_request):
        probe.run(send, 5)

    assert [(await step(desk)).sender for _ in range(3)] == [probe.ref] * 3


async def test_lets_others_go_on_and_tells_how_long_it_took(system: ActorSystem) -> None:
    desk = await system.start(SlowDesk)
    other = await system.start(SlowDesk)
    desk.cast(1)
    desk.cast(2)
    other.cast(4)

    done = await step(desk)

    assert done.seconds == 1.0
    assert await other.call("sum") == 4


async def test_waits_for_the_first_message_that_comes(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)
    desk.send_after(4.0, "late")

    assert (await step(desk)).message == "late"
    assert trio.current_time() == 4.0


async def test_a_call_that_comes_is_held_like_any_message(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)
    steps = []

    async def watch() -> None:
        steps.append(await step(desk))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        assert await desk.call("sum") == 0

    assert steps[0].reply == 0
    with trio.move_on_after(1.0) as scope:
        await desk.call("sum")
    assert scope.cancelled_caught


async def test_a_message_that_does_not_come_fails(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)

    with pytest.raises(ExpectationError, match="<desk #2> has got no message after 5 s"):
        await step(desk)
    desk.cast(5)

    assert (await step(desk)).message == 5


async def test_a_handler_that_does_not_return_fails(system: ActorSystem) -> None:
    desk = await system.start(SlowDesk, name="desk")
    desk.cast(5)
    desk.cast(6)

    with pytest.raises(ExpectationError, match=r"<desk #2> handles 5 still after 0.5 s"):
        await step(desk, timeout=0.5)

    assert (await step(desk)).state["sum"] == 11


async def test_the_dead_take_no_step(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_kill_when_waited_for, desk)
        with pytest.raises(NoProcessError, match="<desk #2> exited before it got a message: killed"):
            await step(desk)

    with pytest.raises(NoProcessError, match="<desk #2> is dead"):
        await step(desk)
    assert desk.reason == KILLED
    assert trio.current_time() == 0.0


async def _kill_when_waited_for(ref: ActorRef) -> None:
    await wait_all_tasks_blocked()
    ref.kill()


async def test_afterwards_the_actor_is_as_it_was(system: ActorSystem, kind: Kind) -> None:
    desk = await held(system, kind)
    start_trace(desk)
    desk.cast(5)
    await step(desk)

    await resume(desk)
    desk.cast(6)

    assert await desk.call("sum") == 11
    assert [event.content for event in get_trace(desk) if event.kind == "cast"] == ["5", "6"]
    assert all(getattr(ActorRef, verb) is original for verb, original in ORIGINALS.items())


async def test_two_actors_step_at_once(system: ActorSystem) -> None:
    probe = await start_probe(system)

    class Telling(SlowDesk):
        async def handle_cast(self, amount: int) -> None:  # type: ignore[override]
            await trio.sleep(amount)
            probe.ref.cast(amount)

    done = {}

    async def take(ref: ActorRef, amount: int) -> None:
        ref.cast(amount)
        done[amount] = await step(ref)

    async with trio.open_nursery() as nursery:
        for amount in (1, 2):
            nursery.start_soon(take, await system.start(Telling), amount)

    assert done[1].sent == (Sent("cast", probe.ref, 1),)
    assert done[2].sent == (Sent("cast", probe.ref, 2),)
    assert all(getattr(ActorRef, verb) is original for verb, original in ORIGINALS.items())


async def test_hears_every_way_to_send_once(system: ActorSystem) -> None:
    probe = await start_probe(system, name="probe", answer=lambda message: message)

    class Talker(Actor):
        async def handle_cast(self, message: object) -> None:
            ref, name = probe.ref, self.system.named("probe")
            ref.cast(message="a")
            name.send("b")
            await name.cast_wait("c")
            await ref.call("d")
            ref.send_request("e")
            ref.send_after(1.0, "f")
            ref.send_every(2.0, message="g").cancel()
            ref.deliver("h", lambda outcome: None)

    talker = await system.start(Talker)
    talker.cast("go")

    done = await step(talker)

    assert [(one.verb, one.message, one.seconds) for one in done.sent] == [
        ("cast", "a", None),
        ("send", "b", None),
        ("cast_wait", "c", None),
        ("call", "d", None),
        ("send_request", "e", None),
        ("send_after", "f", 1.0),
        ("send_every", "g", 2.0),
        ("deliver", "h", None),
    ]
    assert {one.to for one in done.sent} == {probe.ref}


async def test_tells_which_children_were_started(system: ActorSystem) -> None:
    class Parent(Actor):
        async def handle_call(self, message: object, caller: Caller) -> ActorRef:
            return await self.start_link(Desk)

    parent = await system.start(Parent)
    await parent.call("first")
    parent.send_request("second")

    done = await step(parent)

    assert done.started == (done.reply,)


async def test_what_init_continues_with_is_no_step(system: ActorSystem) -> None:
    class Prepared(Desk):
        def init(self) -> Continue:
            self._process.suspended = self._process.attention = True
            return Continue("ready")

    desk = await system.start(Prepared)
    desk.cast(5)

    assert (await step(desk)).message == 5


async def test_a_kill_in_the_middle_is_no_error_of_the_handler(system: ActorSystem) -> None:
    desk = await system.start(SlowDesk)
    desk.cast(5)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_kill_when_waited_for, desk)

        done = await step(desk)

    assert (done.message, done.error, done.reason, done.state) == (5, None, KILLED, None)


async def test_a_step_that_is_cancelled_holds_the_actor_after_its_message(system: ActorSystem) -> None:
    desk = await system.start(SlowDesk)
    desk.cast(5)
    desk.cast(6)

    with trio.move_on_after(0.5):
        await step(desk)
    await trio.sleep(10.0)

    assert get_statistics(desk).length == 1
    await resume(desk)
    assert await desk.call("sum") == 11


async def test_one_actor_takes_one_step_at_a_time(system: ActorSystem) -> None:
    desk = await system.start(SlowDesk, name="desk")
    await suspend(desk)
    desk.cast(5)
    desk.cast(6)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(step, desk)
        await wait_all_tasks_blocked()

        with pytest.raises(RuntimeError, match="<desk #2> is in another step, which is not over"):
            await step(desk)

    assert (await step(desk)).state["sum"] == 11


async def test_a_name_that_nobody_has_takes_no_step(system: ActorSystem) -> None:
    with pytest.raises(NoProcessError, match="nobody has the name of <name desk>"):
        await step(system.named("desk"))
