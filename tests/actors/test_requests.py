"""Requests that are sent now and whose answers are collected later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    NO_REPLY,
    SHUTDOWN,
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    BadReturnError,
    Caller,
    CallTimeoutError,
    Continue,
    Crash,
    NoProcessError,
    RequestCollection,
    Stop,
)
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


@attrs.frozen
class Delayed:
    """Answer in some time."""

    seconds: float


class Till(Actor):
    """Answers at once, or later by a timer of its own, one for each caller."""

    def handle_call(self, message: object, caller: Caller) -> Any:
        match message:
            case Delayed(seconds):
                self.ref.send_after(seconds, caller)
                return NO_REPLY
            case Stop() | Continue():
                return message
            case "refuse":
                caller.refuse(PermissionError("no"))
                return NO_REPLY
            case "bad":
                return Stop
            case _:
                return message

    def handle_info(self, caller: Caller) -> None:
        caller.reply("delayed")


async def test_send_request_is_answered_at_once(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    request = till.send_request("started?")

    assert await request.wait(timeout=None) == "started?"
    assert trio.current_time() == 0


async def test_send_request_does_not_wait(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    request = till.send_request("started?")

    assert not request.answered
    assert repr(request) == "<Request to <Till #2>: waiting>"
    with pytest.raises(trio.WouldBlock):
        request.check()


async def test_send_request_by_name_is_answered(system: ActorSystem, kind: Kind) -> None:
    await system.start(kind(Till), name="till")

    assert await system.named("till").send_request("started?").wait(timeout=None) == "started?"


async def test_send_request_is_answered_later(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    request = till.send_request(Delayed(3))

    assert await request.wait(timeout=None) == "delayed"
    assert trio.current_time() == 3


async def test_send_request_is_checked_without_waiting(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request("started?")

    await wait_all_tasks_blocked()

    assert request.answered
    assert request.check() == "started?"
    assert request.check() == "started?"
    assert repr(request) == "<Request to <Till #2>: answered>"


async def test_send_request_times_out_and_succeeds_later(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(Delayed(50))

    for timeout in (0, 10):
        with pytest.raises(CallTimeoutError, match=rf"<Till #2> was not answered within {timeout} s"):
            await request.wait(timeout)

    assert trio.current_time() == 10
    assert await request.wait(timeout=None) == "delayed"
    assert trio.current_time() == 50


async def test_send_request_waits_five_seconds_by_default(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(CallTimeoutError):
        await till.send_request(Delayed(50)).wait()

    assert trio.current_time() == 5


async def test_send_request_may_be_waited_for_by_several(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(Delayed(3))
    answers: list[object] = []

    async def wait() -> None:
        answers.append(await request.wait(timeout=None))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(wait)

    assert answers == ["delayed", "delayed"]


async def test_send_request_that_is_cancelled_while_waiting_keeps_the_request(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(Delayed(3))

    with trio.move_on_after(1):
        await request.wait(timeout=None)

    assert await request.wait(timeout=None) == "delayed"
    assert trio.current_time() == 3


async def test_send_request_that_is_received_in_vain_is_abandoned(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(Delayed(3))

    with pytest.raises(CallTimeoutError, match="was not answered within 1 s"):
        await request.receive(1)
    await trio.sleep(10)

    assert repr(request) == "<Request to <Till #2>: abandoned>"
    with pytest.raises(CallTimeoutError, match="was abandoned"):
        request.check()
    assert till.alive


async def test_send_request_that_is_received_in_time_is_answered(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    assert await till.send_request(Delayed(3)).receive(5) == "delayed"


async def test_send_request_that_is_cancelled_while_receiving_is_abandoned(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(Delayed(3))

    with trio.move_on_after(1):
        await request.receive(timeout=None)

    assert repr(request) == "<Request to <Till #2>: abandoned>"


async def test_send_request_bad_return_is_the_error_of_the_request(system: ActorSystem, kind: Kind) -> None:
    class Bad(Actor):
        def handle_cast(self, message: object) -> object:
            return message

        def handle_call(self, message: object, caller: Caller) -> object:
            self.caller = caller
            self.ref.cast("bad")
            return NO_REPLY

    bad = await system.start(kind(Bad))

    with pytest.raises(ActorExitedError) as caught:
        await bad.send_request("hello").wait(timeout=None)

    assert isinstance(caught.value.reason, Crash)
    assert isinstance(caught.value.reason.cause, BadReturnError)
    assert trio.current_time() == 0


async def test_send_request_to_one_that_stops_has_its_reason(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(ActorExitedError) as caught:
        await till.send_request(Stop(SHUTDOWN)).wait(timeout=None)

    assert caught.value.reason == SHUTDOWN
    assert await till.wait() == SHUTDOWN
    assert trio.current_time() == 0


async def test_send_request_that_is_refused_raises_the_error(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(PermissionError, match="no"):
        await till.send_request("refuse").wait(timeout=None)

    assert till.alive


async def test_send_request_to_a_dead_actor_has_failed_at_once(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await till.stop()

    request = till.send_request("started?")

    with pytest.raises(NoProcessError, match="<Till #2> is dead: normal"):
        request.check()


async def test_send_request_to_a_name_that_nobody_has_is_refused(system: ActorSystem) -> None:
    with pytest.raises(NoProcessError, match="nobody has the name 'nobody'"):
        system.named("nobody").send_request("started?")


async def test_send_request_of_an_actor_leaves_no_message_in_its_mailbox(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    probe = await system.start(Probe)

    request = await probe.call(lambda me: till.send_request(Delayed(1)))
    await trio.sleep(2)

    assert request.check() == "delayed"
    assert await probe.call(received) == []


async def test_send_request_of_an_actor_to_itself_is_answered_after_its_handler(system: ActorSystem) -> None:
    probe = await system.start(Probe)

    request = await probe.call(lambda me: me.ref.send_request(lambda me: "later"))

    assert await request.wait(timeout=None) == "later"


@pytest.mark.parametrize("timeout", [-1, math.nan, "5", []], ids=repr)
async def test_send_request_with_a_bad_timeout_is_refused_and_kept(
    system: ActorSystem, kind: Kind, timeout: Any
) -> None:
    till = await system.start(kind(Till))
    request = till.send_request("started?")

    with pytest.raises((TypeError, ValueError), match="timeout"):
        await request.wait(timeout)

    assert await request.wait(timeout=None) == "started?"


async def three(system: ActorSystem, kind: Kind) -> tuple[ActorRef, ActorRef, ActorRef]:
    """Start three tills."""
    return await system.start(kind(Till)), await system.start(kind(Till)), await system.start(kind(Till))


async def test_send_request_receive_reqid_collection_gives_answers_as_they_come(
    system: ActorSystem, kind: Kind
) -> None:
    one, two, three_ = await three(system, kind)
    alone = one.send_request("started?")
    requests = RequestCollection()
    requests.add(one.send_request(Delayed(0.4)), "req1")
    requests.add(two.send_request(Delayed(0.1)), "req2")
    requests.add(three_.send_request(Delayed(0.2)), "req3")
    sizes = [len(requests)]

    answers = []
    while requests:
        request, label = await requests.receive(timeout=None)
        answers.append((label, request.check(), trio.current_time()))
        sizes.append(len(requests))

    assert answers == [("req2", "delayed", 0.1), ("req3", "delayed", 0.2), ("req1", "delayed", 0.4)]
    assert sizes == [3, 2, 1, 0]
    assert await alone.wait(timeout=None) == "started?"
    with pytest.raises(LookupError):
        await requests.receive(timeout=None)


async def test_send_request_receive_reqid_collection_abandons_all_after_its_timeout(
    system: ActorSystem, kind: Kind
) -> None:
    one, two, three_ = await three(system, kind)
    requests = RequestCollection()
    late = [one.send_request(Delayed(1.0)), three_.send_request(Delayed(0.5))]
    for request, label in zip(late, ("req1", "req3"), strict=True):
        requests.add(request, label)
    requests.add(two.send_request(Delayed(0.01)), "req2")
    first = await requests.receive(0.1)

    with pytest.raises(CallTimeoutError, match=r"none of 2 requests was answered within 0\.1 s"):
        await requests.receive(0.1)
    await trio.sleep(5)

    assert first[1] == "req2"
    assert len(requests) == 0
    assert ["abandoned" in repr(request) for request in late] == [True, True]
    with pytest.raises(trio.WouldBlock):
        requests.check()


async def test_send_request_receive_reqid_collection_has_errors_among_the_answers(
    system: ActorSystem, kind: Kind
) -> None:
    one, two, three_ = await three(system, kind)
    requests = RequestCollection()
    requests.add(one.send_request(Delayed(0.4)), "req1")
    requests.add(two.send_request(Stop(SHUTDOWN)), "req2")
    requests.add(three_.send_request(Delayed(0.2)), "req3")

    failed, label = await requests.receive(timeout=None)

    assert label == "req2"
    with pytest.raises(ActorExitedError) as caught:
        failed.check()
    assert caught.value.reason == SHUTDOWN
    assert [(await requests.receive(timeout=None))[1] for _ in range(2)] == ["req3", "req1"]
    assert trio.current_time() == 0.4


async def test_send_request_wait_reqid_collection_keeps_all_after_its_timeout(system: ActorSystem, kind: Kind) -> None:
    one, two, three_ = await three(system, kind)
    requests = RequestCollection()
    requests.add(one.send_request(Delayed(1.0)), "req1")
    requests.add(two.send_request(Delayed(0.01)), "req2")
    requests.add(three_.send_request(Delayed(0.5)), "req3")
    answers = [(await requests.wait(0.1))[1]]

    with pytest.raises(CallTimeoutError):
        await requests.wait(0.1)
    kept = len(requests)
    answers += [(await requests.wait(1.5))[1] for _ in range(2)]

    assert kept == 2
    assert answers == ["req2", "req3", "req1"]
    with pytest.raises(LookupError):
        await requests.wait(5)
    assert trio.current_time() == 1.0


async def test_send_request_wait_reqid_collection_that_is_cancelled_keeps_all(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    requests = RequestCollection()
    requests.add(till.send_request(Delayed(3)), "req1")

    with trio.move_on_after(1):
        await requests.wait(timeout=None)

    assert (await requests.wait(timeout=None))[1] == "req1"
    assert trio.current_time() == 3


async def test_send_request_check_reqid_collection_does_not_wait(system: ActorSystem, kind: Kind) -> None:
    one, two, three_ = await three(system, kind)
    requests = RequestCollection()
    requests.add(one.send_request(Delayed(0.4)), "req1")
    requests.add(two.send_request(Delayed(0.01)), "req2")
    requests.add(three_.send_request(Delayed(0.2)), "req3")
    with pytest.raises(trio.WouldBlock):
        requests.check()
    await trio.sleep(0.3)

    labels = [requests.check()[1], requests.check()[1]]

    assert labels == ["req2", "req3"]
    with pytest.raises(trio.WouldBlock):
        requests.check()
    await trio.sleep(0.3)
    assert requests.check()[1] == "req1"
    assert len(requests) == 0


async def test_a_collection_takes_a_request_that_is_answered_already(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request("started?")
    await request.wait(timeout=None)
    requests = RequestCollection()

    requests.add(request, "req1")

    assert requests.check() == (request, "req1")


async def test_a_request_in_a_collection_may_be_waited_for_on_its_own(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    request = till.send_request(Delayed(1))
    requests = RequestCollection()
    requests.add(request, "req1")

    assert await request.wait(timeout=None) == "delayed"
    assert requests.check() == (request, "req1")


async def test_a_collection_says_how_it_stands(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    requests = RequestCollection()
    requests.add(till.send_request("started?"), "req1")
    requests.add(till.send_request(Delayed(1)), "req2")

    await wait_all_tasks_blocked()

    assert repr(requests) == "<RequestCollection: 2 requests, 1 answered>"


async def test_many_requests_are_outstanding_at_once(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    requests = RequestCollection()
    for number in range(1_000):
        requests.add(till.send_request(Delayed((number * 7 % 1_000) / 1_000)), number)

    labels: list[Any] = []
    while requests:
        labels.append((await requests.wait(timeout=None))[1])

    assert labels == sorted(range(1_000), key=lambda number: number * 7 % 1_000)
    assert trio.current_time() == 0.999


@pytest.mark.parametrize("answered", [False, True])
async def test_send_request_receive_reqid_collection_refuses_a_request_twice(
    system: ActorSystem, kind: Kind, *, answered: bool
) -> None:
    till = await system.start(kind(Till))
    requests = RequestCollection()
    request = till.send_request("started?")
    requests.add(request, "req1")
    if answered:
        await wait_all_tasks_blocked()

    with pytest.raises(ValueError, match="'req1'"):
        requests.add(request, "req2")

    assert await requests.wait(timeout=None) == (request, "req1")
    assert len(requests) == 0


async def test_send_request_receive_reqid_collection_lists_what_is_not_collected_yet(
    system: ActorSystem, kind: Kind
) -> None:
    till = await system.start(kind(Till))
    requests = RequestCollection()
    first, second = till.send_request(Delayed(1)), till.send_request(Delayed(2))
    requests.add(first, "req1")
    requests.add(second, "req2")
    both = list(requests)

    await requests.wait(timeout=None)

    assert both == [(first, "req1"), (second, "req2")]
    assert list(requests) == [(second, "req2")]


async def test_a_request_is_in_one_collection_at_most(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    one, other = RequestCollection(), RequestCollection()
    request = till.send_request(Delayed(1))
    one.add(request, "req1")

    with pytest.raises(ValueError, match="'req1'"):
        other.add(request, "req2")

    assert await one.wait(timeout=None) == (request, "req1")
    assert len(other) == 0
