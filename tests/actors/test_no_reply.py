"""Callers that nobody can answer any more, and what a handler sees of a caller."""

from __future__ import annotations

import gc
import math
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    NO_REPLY,
    Actor,
    ActorExitedError,
    ActorSystem,
    Caller,
    CallTimeoutError,
    Continue,
    Crash,
    NoReplyError,
    Request,
    Stop,
    WrongThreadError,
    get_statistics,
    open_system,
    resume,
    suspend,
)
from tests.actors.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.actors.kinds import Kind


class Till(Actor):
    """Does with its callers what they say."""

    def __init__(self) -> None:
        self.held: list[Any] = []
        self.open = False

    def handle_call(self, message: object, caller: Caller) -> Any:
        return message(self, caller) if callable(message) else message

    def handle_cast(self, message: Any) -> Any:
        return message(self)

    def handle_continue(self, argument: Any) -> Any:
        return argument(self)


def drop(_till: Till, _caller: Caller) -> Any:
    return NO_REPLY


def hold(till: Till, caller: Caller) -> Any:
    till.held.append(caller)
    return NO_REPLY


def hold_in_a_cycle(till: Till, caller: Caller) -> Any:
    ring: list[object] = [caller]
    ring.append(ring)
    till.held.append(ring)
    return NO_REPLY


def set_aside(till: Till, _caller: Caller) -> Any:
    return "opened" if till.open else till.stash()


def forget(till: Till) -> None:
    till.held.clear()


def answer(till: Till) -> None:
    for caller in till.held:
        caller.reply("at last")


@pytest.fixture
def without_gc() -> Iterator[None]:
    """Collect garbage only when the test says so."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# -- forgotten


async def test_a_caller_that_its_handler_drops_is_told_at_once(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="till")

    with pytest.raises(NoReplyError, match=r"^<till #2> let go of the caller of .*drop.* without an answer$") as caught:
        await till.call(drop, timeout=None)

    assert not caught.value.retryable
    assert till.alive
    assert trio.current_time() == 0.0


async def test_the_error_survives_a_message_without_a_repr(system: ActorSystem, kind: Kind) -> None:
    class Nasty:
        def __repr__(self) -> str:
            raise ValueError("no repr")

        def __call__(self, till: Till, caller: Caller) -> Any:
            return NO_REPLY

    till = await system.start(kind(Till))

    with pytest.raises(NoReplyError, match="<Nasty whose repr raised ValueError>"):
        await till.call(Nasty(), timeout=None)


async def test_a_caller_that_waits_its_turn_is_told_when_its_handler_drops_it(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await suspend(till)
    requests = [till.send_request(drop), till.send_request("next")]

    await resume(till)

    with pytest.raises(NoReplyError):
        await requests[0].wait()
    assert await requests[1].wait() == "next"


async def test_a_caller_that_is_dropped_later_is_told_then(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(hold)
    await trio.sleep(3.0)
    before = request.answered

    till.cast(forget)

    with pytest.raises(NoReplyError):
        await request.wait()
    assert not before
    assert trio.current_time() == 3.0


async def test_a_caller_in_a_cycle_is_told_when_another_thread_collects_it(
    system: ActorSystem, kind: Kind, without_gc: None
) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(hold_in_a_cycle)
    till.cast(forget)
    await wait_all_tasks_blocked()
    before = request.answered

    collector = threading.Thread(target=gc.collect)
    collector.start()
    collector.join()
    at_the_collection = request.answered

    with pytest.raises(NoReplyError):
        await request.wait()
    assert not before
    assert not at_the_collection


async def test_many_callers_are_told_that_a_collection_in_another_thread_finds(
    system: ActorSystem, kind: Kind, without_gc: None
) -> None:
    till = await system.start(kind(Till))
    requests = [till.send_request(hold_in_a_cycle) for _ in range(500)]
    await wait_all_tasks_blocked()
    till.cast(forget)
    await wait_all_tasks_blocked()

    collector = threading.Thread(target=gc.collect)
    collector.start()
    collector.join()
    await wait_all_tasks_blocked()

    assert all(request.answered for request in requests)


def test_a_caller_that_outlives_its_system_was_told(kind: Kind) -> None:
    callers: list[Caller] = []

    class Keeping(Till):
        def handle_call(self, message: object, caller: Caller) -> Any:
            callers.append(caller)
            return NO_REPLY

    async def main() -> Request:
        async with open_system() as system:
            till = await system.start(kind(Keeping))
            request = till.send_request("question")
            await wait_all_tasks_blocked()
            return request

    request = trio.run(main)

    assert callers.pop().answered
    with pytest.raises(ActorExitedError, match="shutdown"):
        request.check()


async def test_a_caller_dropped_by_handle_continue_is_told_when_that_has_returned(
    system: ActorSystem, kind: Kind
) -> None:
    went_on: list[bool] = []

    def go_on(till: Till, _caller: Caller) -> Any:
        return Continue(lambda _till: went_on.append(request.answered))

    till = await system.start(kind(Till))
    request = till.send_request(go_on)

    with pytest.raises(NoReplyError):
        await request.wait()
    assert went_on == [False]


async def test_handle_continue_may_answer_the_caller_that_the_handler_kept(system: ActorSystem, kind: Kind) -> None:
    def go_on(till: Till, caller: Caller) -> Any:
        till.held.append(caller)
        return Continue(answer)

    till = await system.start(kind(Till))

    assert await till.call(go_on) == "at last"


async def test_a_chain_of_continues_keeps_a_caller_no_longer_than_the_first(system: ActorSystem, kind: Kind) -> None:
    def go_on(till: Till, _caller: Caller) -> Any:
        return Continue(lambda _till: Continue(lambda _till: None))

    till = await system.start(kind(Till))

    with pytest.raises(NoReplyError):
        await till.call(go_on, timeout=None)
    assert till.alive


# -- not forgotten


async def test_a_caller_that_is_held_waits_on(system: ActorSystem, kind: Kind, without_gc: None) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(hold)
    await trio.sleep(100.0)
    gc.collect()
    await wait_all_tasks_blocked()
    before = request.answered

    till.cast(answer)

    assert await request.wait() == "at last"
    assert not before


async def test_a_caller_that_somebody_else_holds_waits_on(system: ActorSystem, kind: Kind) -> None:
    clerk = await system.start(kind(Till))

    def hand_on(till: Till, caller: Caller) -> Any:
        clerk.cast(lambda clerk: clerk.held.append(caller))
        return NO_REPLY

    till = await system.start(kind(Till))
    request = till.send_request(hand_on)
    await trio.sleep(1.0)

    clerk.cast(answer)

    assert await request.wait() == "at last"


async def test_a_caller_that_was_answered_and_then_dropped_has_its_answer(system: ActorSystem, kind: Kind) -> None:
    def reply_and_drop(_till: Till, caller: Caller) -> Any:
        caller.reply("early")
        return NO_REPLY

    till = await system.start(kind(Till))

    assert await till.call(reply_and_drop) == "early"


async def test_a_caller_that_was_refused_and_then_dropped_has_its_error(system: ActorSystem, kind: Kind) -> None:
    def refuse_and_drop(_till: Till, caller: Caller) -> Any:
        caller.refuse(ValueError("closed"))
        return NO_REPLY

    till = await system.start(kind(Till))

    with pytest.raises(ValueError, match="closed"):
        await till.call(refuse_and_drop)


async def test_a_caller_whose_call_was_set_aside_waits_until_it_is_handled(
    system: ActorSystem, kind: Kind, without_gc: None
) -> None:
    def open_up(till: Till) -> None:
        till.open = True
        till.unstash()

    till = await system.start(kind(Till))
    request = till.send_request(set_aside)
    await trio.sleep(1.0)
    gc.collect()
    await wait_all_tasks_blocked()
    before = request.answered

    till.cast(open_up)

    assert await request.wait() == "opened"
    assert not before


async def test_a_caller_that_is_owed_an_answer_by_the_dead_hears_of_the_death(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(hold)
    till.cast(lambda _till: Stop(Crash("broken")))

    with pytest.raises(ActorExitedError, match="broken"):
        await request.wait()


async def test_a_call_and_its_caller_leave_nothing_with_the_actor_that_answered(
    system: ActorSystem, kind: Kind
) -> None:
    till = await system.start(kind(Till))
    requests = [till.send_request(hold) for _ in range(100)]
    await wait_all_tasks_blocked()
    owed = len(till._process.owed or ())

    till.cast(answer)
    await wait_all_tasks_blocked()

    assert owed == 100
    assert all(request.answered for request in requests)
    assert not till._process.owed


async def test_a_reply_from_another_thread_is_refused_and_the_caller_waits_on(system: ActorSystem, kind: Kind) -> None:
    callers: list[Caller] = []

    def keep(_till: Till, caller: Caller) -> Any:
        callers.append(caller)
        return NO_REPLY

    till = await system.start(kind(Till))
    request = till.send_request(keep)
    await wait_all_tasks_blocked()

    with pytest.raises(WrongThreadError, match="waiting> belongs to thread"):
        await trio.to_thread.run_sync(callers[0].reply, "from a thread")
    with pytest.raises(WrongThreadError):
        await trio.to_thread.run_sync(callers[0].refuse, ValueError("from a thread"))

    assert not request.answered


# -- what a handler sees of its caller


def facts(_till: Till, caller: Caller) -> Any:
    return caller.deadline, caller.answered, caller.gave_up, caller.message is facts, caller.sender


@pytest.mark.parametrize(("timeout", "deadline"), [(5.0, 7.0), (0.5, 2.5), (None, math.inf)])
async def test_a_handler_sees_until_when_its_caller_waits(
    system: ActorSystem, kind: Kind, timeout: float | None, deadline: float
) -> None:
    till = await system.start(kind(Till))
    await trio.sleep(2.0)

    assert await till.call(facts, timeout=timeout) == (deadline, False, False, True, None)


async def test_the_deadline_counts_from_the_call_and_not_from_its_turn(system: ActorSystem, kind: Kind) -> None:
    seen: list[float] = []

    def note(_till: Till, caller: Caller) -> Any:
        seen.append(caller.deadline)
        return caller.deadline

    till = await system.start(kind(Till))
    await suspend(till)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(till.call, note)
        await trio.sleep(4.0)
        await resume(till)

    assert seen == [5.0]


async def test_a_request_has_no_deadline(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert (await till.send_request(facts).wait())[0] == math.inf


async def test_a_handler_sees_which_actor_calls(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    probe = await system.start(Probe)

    assert (await probe.call(lambda _me: till.call(facts)))[-1] == probe


async def give_up_by_timeout(till: Any) -> None:
    with pytest.raises(CallTimeoutError):
        await till.call(hold, timeout=1.0)


async def give_up_by_cancellation(till: Any) -> None:
    with trio.move_on_after(1.0):
        await till.call(hold, timeout=None)


async def give_up_a_request(till: Any) -> None:
    with pytest.raises(CallTimeoutError):
        await till.send_request(hold).receive(1.0)


async def abandon_a_request(till: Any) -> None:
    request = till.send_request(hold)
    await trio.sleep(1.0)
    request.abandon()


WAYS: dict[str, Callable[[Any], Any]] = {
    "timeout": give_up_by_timeout,
    "cancelled": give_up_by_cancellation,
    "receive": give_up_a_request,
    "abandon": abandon_a_request,
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_handler_sees_that_its_caller_gave_up(system: ActorSystem, kind: Kind, way: str) -> None:
    def look(till: Till, _caller: Caller) -> Any:
        (held,) = till.held
        held.reply("too late")
        return held.gave_up, held.answered, repr(held).endswith(": gave up>")

    till = await system.start(kind(Till))
    await WAYS[way](till)

    assert await till.call(look) == (True, True, True)
    assert trio.current_time() == 1.0


async def test_a_handler_sees_that_its_caller_gave_up_before_its_turn(system: ActorSystem, kind: Kind) -> None:
    seen: list[bool] = []

    def note(_till: Till, caller: Caller) -> Any:
        seen.append(caller.gave_up)
        return None

    till = await system.start(kind(Till))
    await suspend(till)
    with pytest.raises(CallTimeoutError):
        await till.call(note, timeout=1.0)

    await resume(till)
    await wait_all_tasks_blocked()

    assert seen == [True]
    assert get_statistics(till).handled == 1


async def test_a_caller_that_was_answered_did_not_give_up(system: ActorSystem, kind: Kind) -> None:
    callers: list[Caller] = []

    def keep(_till: Till, caller: Caller) -> Any:
        callers.append(caller)
        return "reply"

    till = await system.start(kind(Till))
    await till.call(keep)
    await wait_all_tasks_blocked()
    (caller,) = callers

    assert (caller.answered, caller.gave_up) == (True, False)
    assert repr(caller).endswith(": answered>")


async def test_a_request_whose_wait_timed_out_has_not_given_up(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(hold)
    with pytest.raises(CallTimeoutError):
        await request.wait(1.0)

    till.cast(answer)

    assert await request.wait() == "at last"


async def test_a_caller_that_gave_up_is_told_nothing_when_it_is_dropped(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(hold)
    await wait_all_tasks_blocked()
    request.abandon()

    till.cast(forget)
    await wait_all_tasks_blocked()

    with pytest.raises(CallTimeoutError, match="was abandoned"):
        request.check()
    assert not till._process.owed
