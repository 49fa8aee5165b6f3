"""Calls: what the caller gets, when, and what becomes of an answer nobody waits for."""

from __future__ import annotations

import math
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    IGNORE,
    KILLED,
    NO_REPLY,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    BadReturnError,
    Call,
    Caller,
    CallingSelfError,
    CallTimeoutError,
    Continue,
    Crash,
    ExitReason,
    NoProcessError,
    Shutdown,
    Stop,
    Timeout,
    UndefinedHandlerError,
)
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


@attrs.frozen
class Total(Call[int]):
    """How much is in the till?"""


@attrs.frozen
class Delayed(Call[str]):
    """Answer in some time."""

    seconds: float


@attrs.frozen
class Return:
    """Return this."""

    result: object


class Till(Actor):
    """Answers at once, or later by its idle timer."""

    def __init__(self, total: int = 0) -> None:
        self.total = total
        self.callers: list[Caller] = []
        self.within = False
        self.seen: list[object] = []

    def handle_call(self, message: object, caller: Caller) -> Any:
        match message:
            case Total():
                return self.total
            case Delayed(seconds):
                self.callers.append(caller)
                self.timeout_after(seconds)
                return NO_REPLY
            case Return(result):
                return result
            case "call_within":
                self.within = True
                self.timeout_after(1.0)
                return "ok"
            case "next_call":
                return self.within
            case _:
                raise ValueError(message)

    def handle_info(self, message: object) -> None:
        if message == Timeout():
            self.within = False
            for caller in self.callers:
                caller.reply("delayed")
            self.callers.clear()


class Holder(Actor):
    """Keeps its callers, for others to answer."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []

    def handle_call(self, message: object, caller: Caller) -> Any:
        if message == "callers":
            return list(self.callers)
        self.callers.append(caller)
        return NO_REPLY

    def handle_cast(self, message: Any) -> Any:
        return message


class Busy(Actor):
    """Works for some time on every message."""

    def __init__(self, ends: list[object] | None = None) -> None:
        self.done: list[object] = []

    async def handle_call(self, message: float, caller: Caller) -> object:
        await trio.sleep(message)
        self.done.append(message)
        return message

    async def handle_cast(self, message: object) -> object:
        await trio.sleep(1)
        return message


async def held(holder: ActorRef) -> list[Caller]:
    """Wait until *holder* has what it was called with, and return its callers."""
    await wait_all_tasks_blocked()
    callers: list[Caller] = await holder.call("callers")
    return callers


async def test_call_is_answered_at_once(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), 3)

    assert await till.call(Total(), timeout=None) == 3
    assert trio.current_time() == 0


@pytest.mark.parametrize("reply", [None, False, 0, "", (), ValueError("a value"), Timeout(), NORMAL], ids=repr)
async def test_call_may_be_answered_with_any_object(system: ActorSystem, kind: Kind, reply: object) -> None:
    till = await system.start(kind(Till))

    assert await till.call(Return(reply), timeout=None) is reply


async def test_call_is_answered_later(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert await till.call(Delayed(1.0), timeout=None) == "delayed"
    assert trio.current_time() == 1.0


async def test_call_within_a_time_counts_only_in_it(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert await till.call("call_within") == "ok"
    await trio.sleep(0.5)
    in_time = await till.call("next_call")
    assert await till.call("call_within") == "ok"
    await trio.sleep(1.5)
    too_late = await till.call("next_call")

    assert (in_time, too_late) == (True, False)


async def test_call_with_a_timeout_is_answered_before_it(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert await till.call(Delayed(1.0), timeout=30) == "delayed"
    assert trio.current_time() == 1.0


async def test_call_gives_up_after_its_timeout(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(CallTimeoutError, match=r"<Till #2> did not answer Delayed\(seconds=30\) within 1 s"):
        await till.call(Delayed(30), timeout=1)

    assert trio.current_time() == 1
    assert till.alive


async def test_call_gives_up_after_five_seconds_by_default(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(CallTimeoutError):
        await till.call(Delayed(30))

    assert trio.current_time() == 5


async def test_call_gives_up_after_its_timeout_when_one_with_a_longer_was_answered(
    system: ActorSystem, kind: Kind
) -> None:
    till = await system.start(kind(Till))
    await till.call(Delayed(1), timeout=100)

    for _ in range(3):
        with pytest.raises(CallTimeoutError):
            await till.call(Delayed(300), timeout=2)
        await till.call(Delayed(1), timeout=100)

    assert trio.current_time() == 1 + 3 * (2 + 1)


async def test_call_with_no_timeout_waits_for_ever(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert await till.call(Delayed(86_400), timeout=None) == "delayed"
    assert trio.current_time() == 86_400


async def test_call_with_a_timeout_of_zero_is_answered_by_an_idle_actor_or_gives_up_at_once(
    system: ActorSystem, kind: Kind
) -> None:
    holder = await system.start(kind(Holder))

    with pytest.raises(CallTimeoutError):
        await holder.call("hold", timeout=0)

    assert trio.current_time() == 0
    assert holder.alive


async def test_a_call_that_timed_out_is_still_handled(system: ActorSystem) -> None:
    busy = await system.start(Busy)

    with pytest.raises(CallTimeoutError):
        await busy.call(2.0, timeout=1)
    await busy.call(0, timeout=None)

    assert trio.current_time() == 2
    assert await busy.call(0.5) == 0.5


async def test_call_bad_return_ends_the_actor(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="till")

    with pytest.raises(ActorExitedError) as caught:
        await till.call(Return(IGNORE), timeout=None)

    assert isinstance(caught.value.reason, Crash)
    assert isinstance(caught.value.reason.cause, BadReturnError)
    error = str(caught.value.reason.cause)
    assert error == "handle_call of <till #2> returned IGNORE; allowed are a reply, NO_REPLY, Continue and Stop"
    assert await till.wait() == caught.value.reason
    assert system.whereis("till") is None
    assert trio.current_time() == 0


async def test_undef_handle_call_ends_the_actor(system: ActorSystem, kind: Kind) -> None:
    class Deaf(Actor):
        def handle_cast(self, message: object) -> None: ...

    deaf = await system.start(kind(Deaf))

    with pytest.raises(ActorExitedError) as caught:
        await deaf.call("hello", timeout=None)

    assert isinstance(caught.value.reason, Crash)
    assert isinstance(caught.value.reason.cause, UndefinedHandlerError)
    expected = "<Deaf #2> was called with 'hello', but its class defines no handle_call"
    assert str(caught.value.reason.cause) == expected
    assert await deaf.wait() == caught.value.reason
    assert trio.current_time() == 0


@pytest.mark.parametrize("timeout", [None, 5.0])
async def test_calling_self_is_refused(system: ActorSystem, timeout: float | None) -> None:
    probe = await system.start(Probe, name="probe")

    async def call_self(me: Probe) -> str:
        with pytest.raises(CallingSelfError) as caught:
            await me.ref.call("oops", timeout=timeout)
        return str(caught.value)

    error = await probe.call(call_self, timeout=None)

    assert error == "<probe #2> calls itself with 'oops', and would wait for itself for ever"
    assert probe.alive
    assert trio.current_time() == 0


async def test_calling_self_by_name_is_refused(system: ActorSystem) -> None:
    probe = await system.start(Probe, name="probe")

    async def call_self(me: Probe) -> None:
        await me.system.named("probe").call("oops", timeout=None)

    with pytest.raises(ActorExitedError) as caught:
        await probe.call(call_self, timeout=None)

    assert isinstance(caught.value.reason, Crash)
    assert isinstance(caught.value.reason.cause, CallingSelfError)


async def test_calling_self_is_refused_in_a_task_that_the_handler_waits_for(system: ActorSystem) -> None:
    probe = await system.start(Probe)

    async def call_self(me: Probe) -> str:
        with pytest.RaisesGroup(CallingSelfError):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lambda: me.ref.call("oops", timeout=None))
        return "refused"

    assert await probe.call(call_self, timeout=None) == "refused"
    assert trio.current_time() == 0


async def test_calling_self_is_refused_in_init_and_terminate(system: ActorSystem) -> None:
    refused: list[str] = []

    class Narcissus(Actor):
        async def init(self) -> None:
            await self.call_self("init")

        async def terminate(self, reason: ExitReason) -> None:
            await self.call_self("terminate")

        async def call_self(self, callback: str) -> None:
            try:
                await self.ref.call("oops", timeout=None)
            except CallingSelfError:
                refused.append(callback)

    narcissus = await system.start(Narcissus)
    await narcissus.stop()

    assert refused == ["init", "terminate"]
    assert trio.current_time() == 0


ENDS: dict[str, tuple[object, ExitReason]] = {
    "normal": (Stop(NORMAL), NORMAL),
    "shutdown": (Stop(SHUTDOWN), SHUTDOWN),
    "shutdown_detail": (Stop(Shutdown("moved")), Shutdown("moved")),
    "crash": (Stop(Crash("broke")), Crash("broke")),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_call_that_stops_the_actor_without_a_reply_raises_its_reason(
    system: ActorSystem, kind: Kind, end: str
) -> None:
    result, reason = ENDS[end]
    till = await system.start(kind(Till))

    with pytest.raises(ActorExitedError) as caught:
        await till.call(Return(result), timeout=None)

    assert caught.value.reason == reason
    assert await till.wait() == reason
    assert trio.current_time() == 0


@pytest.mark.parametrize("end", ENDS)
async def test_a_call_that_stops_the_actor_with_a_reply_returns_it(system: ActorSystem, kind: Kind, end: str) -> None:
    result, reason = ENDS[end]
    assert isinstance(result, Stop)
    till = await system.start(kind(Till))

    reply = await till.call(Return(attrs.evolve(result, reply="bye")), timeout=None)

    assert reply == "bye"
    assert await till.wait() == reason
    assert trio.current_time() == 0


async def test_a_reply_of_none_is_a_reply_when_the_actor_stops(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert await till.call(Return(Stop(reply=None)), timeout=None) is None
    assert await till.wait() == NORMAL


async def test_a_handler_that_raises_ends_the_actor_and_fails_its_call(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="till")

    with pytest.raises(ActorExitedError, match=r"<till #2> exited before it answered 'boom'") as caught:
        await till.call("boom", timeout=None)

    reason = caught.value.reason
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, ValueError)
    assert await till.wait() == reason
    assert system.whereis("till") is None
    assert trio.current_time() == 0


async def test_the_reply_of_a_stop_is_sent_when_terminate_has_run(system: ActorSystem, kind: Kind) -> None:
    order: list[str] = []

    class Orderly(Till):
        def terminate(self, reason: ExitReason) -> None:
            order.append(f"terminate: {reason}")

    orderly = await system.start(kind(Orderly))

    order.append(await orderly.call(Return(Stop(reply="reply")), timeout=None))

    assert order == ["terminate: normal", "reply"]
    assert not orderly.alive


async def test_the_reply_of_a_stop_is_sent_also_when_terminate_raised(system: ActorSystem, kind: Kind) -> None:
    class Disorderly(Till):
        def terminate(self, reason: ExitReason) -> None:
            raise ValueError("in terminate")

    disorderly = await system.start(kind(Disorderly))

    assert await disorderly.call(Return(Stop(reply="reply")), timeout=None) == "reply"

    reason = await disorderly.wait()
    assert isinstance(reason, Crash)
    assert str(reason) == "ValueError: in terminate"
    assert trio.current_time() == 0


async def test_a_stop_without_a_reply_fails_with_what_terminate_raised(system: ActorSystem, kind: Kind) -> None:
    class Disorderly(Till):
        def terminate(self, reason: ExitReason) -> None:
            raise ValueError("in terminate")

    disorderly = await system.start(kind(Disorderly))

    with pytest.raises(ActorExitedError) as caught:
        await disorderly.call(Return(Stop()), timeout=None)

    assert str(caught.value.reason) == "ValueError: in terminate"
    assert await disorderly.wait() == caught.value.reason
    assert trio.current_time() == 0


async def test_the_reply_of_a_continue_is_sent_before_it_goes_on(system: ActorSystem) -> None:
    class Worker(Till):
        async def handle_continue(self, argument: object) -> None:
            await trio.sleep(10)

    worker = await system.start(Worker)

    assert await worker.call(Return(Continue("work", reply="accepted")), timeout=None) == "accepted"
    assert trio.current_time() == 0
    assert await worker.call(Total(), timeout=None) == 0
    assert trio.current_time() == 10


async def test_a_reply_that_was_given_counts_more_than_the_one_returned(system: ActorSystem, kind: Kind) -> None:
    class Twice(Actor):
        def handle_call(self, message: object, caller: Caller) -> str:
            caller.reply("first")
            caller.reply("second")
            caller.refuse(ValueError("third"))
            return "fourth"

    twice = await system.start(kind(Twice))

    assert await twice.call("hello", timeout=None) == "first"
    assert await twice.call("again", timeout=None) == "first"


async def test_a_dead_actor_cannot_be_called(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    till.kill()
    await till.wait()

    with pytest.raises(NoProcessError, match=r"<Till #2> is dead: killed"):
        await till.call(Total(), timeout=None)

    assert till.reason == KILLED
    assert trio.current_time() == 0


async def test_a_name_that_nobody_has_cannot_be_called(system: ActorSystem) -> None:
    with pytest.raises(NoProcessError, match="nobody has the name 'till'"):
        await system.named("till").call(Total(), timeout=None)


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Crash("broke")], ids=str)
async def test_a_caller_that_is_owed_an_answer_gets_the_reason_the_actor_stopped_with(
    system: ActorSystem, kind: Kind, reason: ExitReason
) -> None:
    holder = await system.start(kind(Holder))
    request = holder.send_request("hold")
    await held(holder)

    holder.cast(Stop(reason))

    with pytest.raises(ActorExitedError) as caught:
        await request.wait(timeout=None)
    assert caught.value.reason == reason
    assert await holder.wait() == reason
    assert trio.current_time() == 0


async def test_a_caller_that_is_owed_an_answer_gets_killed(system: ActorSystem, kind: Kind) -> None:
    holder = await system.start(kind(Holder))
    request = holder.send_request("hold")
    await held(holder)

    holder.kill()

    with pytest.raises(ActorExitedError) as caught:
        await request.wait(timeout=None)
    assert caught.value.reason == KILLED
    assert await holder.wait() == KILLED
    assert trio.current_time() == 0


async def test_a_call_that_is_being_handled_fails_when_the_actor_is_killed(system: ActorSystem) -> None:
    busy = await system.start(Busy)
    request = busy.send_request(1.0)
    await wait_all_tasks_blocked()

    busy.kill()

    with pytest.raises(ActorExitedError) as caught:
        await request.wait(timeout=None)
    assert caught.value.reason == KILLED
    assert await busy.wait() == KILLED
    assert trio.current_time() == 0


async def test_a_call_that_waits_its_turn_fails_when_the_actor_dies(system: ActorSystem, kind: Kind) -> None:
    holder = await system.start(kind(Holder))
    holder.cast(Stop(Crash("broke")))

    with pytest.raises(ActorExitedError) as caught:
        await holder.call("hold", timeout=None)

    assert caught.value.reason == Crash("broke")
    assert await holder.wait() == Crash("broke")
    assert trio.current_time() == 0


async def test_the_caller_may_be_answered_by_another_actor(system: ActorSystem, kind: Kind) -> None:
    class Clerk(Actor):
        def handle_info(self, caller: Caller) -> None:
            caller.reply(self.name)

    holder = await system.start(kind(Holder))
    clerk = await system.start(kind(Clerk), name="clerk")
    request = holder.send_request("hold")

    for caller in await held(holder):
        clerk.send(caller)

    assert await request.wait(timeout=None) == "clerk"


async def test_the_caller_may_be_cast_to_another_actor_that_answers(system: ActorSystem, kind: Kind) -> None:
    class Clerk(Actor):
        def handle_cast(self, caller: Caller) -> None:
            caller.reply(self.name)

    holder = await system.start(kind(Holder))
    clerk = await system.start(kind(Clerk), name="clerk")
    request = holder.send_request("hold")

    for caller in await held(holder):
        clerk.cast(caller)

    assert await request.wait(timeout=None) == "clerk"


async def test_the_caller_may_be_answered_from_outside_every_actor_and_any_time_later(
    system: ActorSystem, kind: Kind
) -> None:
    holder = await system.start(kind(Holder))

    async def answer_later() -> None:
        [caller] = await held(holder)
        await trio.sleep(3600)
        caller.reply("at last")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer_later)
        answer = await holder.call("hold", timeout=None)

    assert answer == "at last"
    assert trio.current_time() == 3600


async def test_an_answer_does_not_depend_on_who_was_called_first(system: ActorSystem, kind: Kind) -> None:
    holder = await system.start(kind(Holder))
    requests = [holder.send_request(number) for number in range(10)]
    for caller in reversed(await held(holder)):
        caller.reply(caller.message)

    assert [request.check() for request in requests] == list(range(10))


async def test_a_late_reply_is_dropped(system: ActorSystem, kind: Kind) -> None:
    holder = await system.start(kind(Holder))
    probe = await system.start(Probe)

    async def call_in_vain(me: Probe) -> None:
        with pytest.raises(CallTimeoutError):
            await holder.call("hold", timeout=1)

    await probe.call(call_in_vain, timeout=None)
    for caller in await held(holder):
        caller.reply("late")

    assert await probe.call(received) == []
    assert await probe.call(lambda me: "alive") == "alive"
    assert system.dead_letters.count == 0
    assert trio.current_time() == 1


async def test_the_reply_to_a_caller_that_was_cancelled_is_dropped(system: ActorSystem) -> None:
    busy = await system.start(Busy)

    with trio.move_on_after(1):
        await busy.call(2.0, timeout=None)

    assert await busy.call(0.0, timeout=None) == 0.0
    assert trio.current_time() == 2


async def test_the_death_of_the_caller_does_not_take_its_request_back(system: ActorSystem) -> None:
    busy = await system.start(Busy)
    probe = await system.start(Probe)
    probe.send_request(lambda me: busy.call(2.0, timeout=None))
    await trio.sleep(1)

    probe.kill()
    await busy.call(0.0, timeout=None)

    assert await probe.wait() == KILLED
    assert trio.current_time() == 2
    assert busy.alive


async def test_a_refusal_is_raised_in_the_caller_and_the_actor_lives(system: ActorSystem, kind: Kind) -> None:
    class Bouncer(Actor):
        def handle_call(self, message: object, caller: Caller) -> object:
            caller.refuse(PermissionError("not tonight"))
            return NO_REPLY

    bouncer = await system.start(kind(Bouncer))

    for _ in range(2):
        with pytest.raises(PermissionError, match="not tonight"):
            await bouncer.call("enter", timeout=None)

    assert bouncer.alive
    assert trio.current_time() == 0


async def test_a_refusal_after_the_reply_is_dropped(system: ActorSystem, kind: Kind) -> None:
    holder = await system.start(kind(Holder))
    request = holder.send_request("hold")
    [caller] = await held(holder)

    caller.reply("yes")
    caller.refuse(PermissionError("no"))

    assert await request.wait(timeout=None) == "yes"


async def test_the_handler_sees_who_calls(system: ActorSystem, kind: Kind) -> None:
    class Doorman(Actor):
        def handle_call(self, message: object, caller: Caller) -> ActorRef | None:
            return caller.sender

    doorman = await system.start(kind(Doorman))
    probe = await system.start(Probe)

    assert await probe.call(lambda me: doorman.call("who")) is probe
    assert await doorman.call("who") is None


@pytest.mark.parametrize(("timeout", "deadline"), [(2.5, 3.5), (None, math.inf), (0, 1.0)])
async def test_the_handler_sees_the_deadline_of_its_caller(
    system: ActorSystem, kind: Kind, timeout: float | None, deadline: float
) -> None:
    seen: list[float] = []

    class Punctual(Actor):
        def handle_call(self, message: object, caller: Caller) -> None:
            seen.append(caller.deadline)

    punctual = await system.start(kind(Punctual))
    await trio.sleep(1)

    with suppress(CallTimeoutError):
        await punctual.call("hello", timeout=timeout)
    await punctual.stop()

    assert seen == [deadline]


async def test_the_handler_sees_the_deadline_also_of_a_call_that_waited_its_turn(system: ActorSystem) -> None:
    seen: list[float] = []

    class Punctual(Busy):
        async def handle_call(self, message: object, caller: Caller) -> None:
            seen.append(caller.deadline)

    punctual = await system.start(Punctual)
    punctual.cast(None)

    await punctual.call("hello", timeout=3)

    assert trio.current_time() == 1
    assert seen == [3]


async def test_the_handler_sees_whether_its_caller_has_given_up(system: ActorSystem) -> None:
    seen: list[bool] = []

    class Careful(Actor):
        async def handle_call(self, message: object, caller: Caller) -> None:
            seen.append(caller.answered)
            await trio.sleep(2)
            seen.append(caller.answered)

    careful = await system.start(Careful)

    with pytest.raises(CallTimeoutError):
        await careful.call("hello", timeout=1)
    await careful.stop()

    assert seen == [False, True]


async def test_a_handler_that_outlives_the_deadline_without_a_wait_still_delivers_its_reply(
    system: ActorSystem, kind: Kind, autojump_clock: MockClock
) -> None:
    class Slow(Actor):
        def handle_call(self, message: object, caller: Caller) -> str:
            autojump_clock.jump(10)
            return "done"

    slow = await system.start(kind(Slow))

    assert await slow.call("work", timeout=5) == "done"
    assert trio.current_time() == 10


async def test_a_def_handler_waits_its_turn_behind_an_async_one(system: ActorSystem) -> None:
    class Mixed(Actor):
        def __init__(self) -> None:
            self.done = 0

        def handle_call(self, message: object, caller: Caller) -> int:
            return self.done

        async def handle_cast(self, message: object) -> None:
            await trio.sleep(1)
            self.done += 1

    mixed = await system.start(Mixed)
    idle = await mixed.call("done", timeout=None)
    mixed.cast("work")
    mixed.cast("work")

    assert (idle, await mixed.call("done", timeout=None)) == (0, 2)
    assert trio.current_time() == 2


async def test_an_async_handler_may_be_one_of_several_that_are_def(system: ActorSystem) -> None:
    class Mixed(Actor):
        async def handle_call(self, message: float, caller: Caller) -> float:
            await trio.sleep(message)
            return trio.current_time()

        def handle_cast(self, message: object) -> object:
            return message

    mixed = await system.start(Mixed)
    first = mixed.send_request(1.0)
    mixed.cast(Stop(SHUTDOWN))

    assert await first.wait(timeout=None) == 1.0
    assert await mixed.wait() == SHUTDOWN


async def test_many_callers_each_get_their_own_answer(system: ActorSystem, kind: Kind) -> None:
    class Echo(Actor):
        def handle_call(self, message: object, caller: Caller) -> object:
            return message

    echo = await system.start(kind(Echo))
    answers: dict[int, object] = {}

    async def ask(number: int) -> None:
        answers[number] = await echo.call(number, timeout=None)

    async with trio.open_nursery() as nursery:
        for number in range(200):
            nursery.start_soon(ask, number)

    assert answers == {number: number for number in range(200)}


@pytest.mark.parametrize("timeout", [-1, math.nan, "5", []], ids=repr)
async def test_a_bad_timeout_is_refused_before_anything_is_sent(system: ActorSystem, kind: Kind, timeout: Any) -> None:
    holder = await system.start(kind(Holder))

    with pytest.raises((ValueError, TypeError), match="timeout") as caught:
        await holder.call("hold", timeout=timeout)

    assert repr(timeout) in str(caught.value)
    assert await held(holder) == []


@pytest.mark.slow
@pytest.mark.hang_seconds(120)
async def test_call_with_huge_message_queue_takes_no_longer(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    probe = await system.start(Probe)

    async def time_of_calls(me: Probe) -> float:
        begin = perf_counter()
        for _ in range(2_000):
            await till.call(Total(), timeout=None)
        return perf_counter() - begin

    await probe.call(time_of_calls, timeout=None)
    empty = await probe.call(time_of_calls, timeout=None)
    huge = probe.send_request(time_of_calls)
    for number in range(100_000):
        probe.send(number)

    assert await huge.wait(timeout=None) < 10 * empty


async def test_an_actor_that_kills_itself_in_a_call_does_not_answer_it(system: ActorSystem, kind: Kind) -> None:
    class Suicide(Actor):
        def handle_call(self, message: object, caller: Caller) -> str:
            self.ref.kill()
            return "answer"

    suicide = await system.start(kind(Suicide))

    with pytest.raises(ActorExitedError) as caught:
        await suicide.call("hello", timeout=None)

    assert caught.value.reason == KILLED
    assert await suicide.wait() == KILLED
    assert trio.current_time() == 0
