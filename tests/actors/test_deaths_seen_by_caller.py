"""Deaths, as whoever called sees them: at once, with the reason, however the actor died."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import ActorExitedError, ActorSystem, Crash, Exit, NoProcessError, Stop, resume, suspend
from tests.actors.deaths import BLOWS, BLOWS_WITHOUT_REPLY, VICTIMS, Blow, DefVictim, Victim, raising
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from actors import ActorRef, ExitReason


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


@pytest.fixture(params=BLOWS, ids=lambda blow: blow.__name__)
async def blow(request: pytest.FixtureRequest) -> Blow:
    made: Blow = await request.param()
    return made


@pytest.fixture(params=BLOWS_WITHOUT_REPLY, ids=lambda blow: blow.__name__)
async def blow_without_reply(request: pytest.FixtureRequest) -> Blow:
    made: Blow = await request.param()
    return made


async def reason_of_call(ref: ActorRef, message: object) -> ExitReason:
    """Return why *ref* died before it answered *message*."""
    with pytest.raises(ActorExitedError) as caught:
        await ref.call(message, timeout=None)
    return caught.value.reason


async def test_a_call_that_is_queued_fails_with_the_reason(
    system: ActorSystem, victim: type[Victim], blow: Blow
) -> None:
    ref = await system.start(victim)
    ref.cast(blow)

    reason = await reason_of_call(ref, "question")

    assert blow.explains(reason)
    assert ref.reason is reason
    assert trio.current_time() == 0.0


async def test_every_queued_call_fails_with_the_reason(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    reasons = []

    async def call(number: int) -> None:
        reasons.append(await reason_of_call(ref, number))

    async with trio.open_nursery() as nursery:
        await suspend(ref)
        ref.cast(blow)
        for number in range(10):
            nursery.start_soon(call, number)
        await wait_all_tasks_blocked()
        await resume(ref)

    assert [blow.explains(reason) for reason in reasons] == [True] * 10
    assert trio.current_time() == 0.0


async def test_the_call_that_is_fatal_fails_with_the_reason(
    system: ActorSystem, victim: type[Victim], blow_without_reply: Blow
) -> None:
    ref = await system.start(victim)

    reason = await reason_of_call(ref, blow_without_reply)

    assert blow_without_reply.explains(reason)
    assert not ref.alive
    assert trio.current_time() == 0.0


async def test_a_call_that_waits_for_a_later_reply_fails_with_the_reason(
    system: ActorSystem, victim: type[Victim], blow: Blow
) -> None:
    ref = await system.start(victim)
    reasons = []

    async def call() -> None:
        reasons.append(await reason_of_call(ref, "hold"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        await wait_all_tasks_blocked()
        ref.cast(blow)

    assert blow.explains(reasons[0])
    assert trio.current_time() == 0.0


async def test_a_request_fails_with_the_reason(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    before = ref.send_request("hold")
    ref.cast(blow)
    behind = ref.send_request("question")

    with pytest.raises(ActorExitedError) as first:
        await before.receive(timeout=None)
    with pytest.raises(ActorExitedError) as second:
        await behind.receive(timeout=None)

    assert blow.explains(first.value.reason)
    assert blow.explains(second.value.reason)
    assert trio.current_time() == 0.0


async def test_a_call_after_the_end_finds_no_process(system: ActorSystem, victim: type[Victim], blow: Blow) -> None:
    ref = await system.start(victim)
    ref.cast(blow)
    await ref.wait()

    with pytest.raises(NoProcessError):
        await ref.call("question", timeout=None)

    assert trio.current_time() == 0.0


async def test_a_call_in_the_cleanup_of_a_failed_call_finds_no_process(
    system: ActorSystem, victim: type[Victim], blow_without_reply: Blow
) -> None:
    ref = await system.start(victim)

    try:
        await ref.call(blow_without_reply, timeout=None)
    except ActorExitedError:
        with pytest.raises(NoProcessError):
            await ref.call("question", timeout=None)

    assert trio.current_time() == 0.0


async def test_an_actor_that_calls_sees_what_any_caller_sees(
    system: ActorSystem, victim: type[Victim], blow_without_reply: Blow
) -> None:
    ref = await system.start(victim)
    probe = await system.start(Probe)

    reason = await probe.call(lambda me: reason_of_call(ref, blow_without_reply), timeout=None)

    assert blow_without_reply.explains(reason)
    assert probe.alive
    assert trio.current_time() == 0.0


async def test_a_linked_caller_dies_of_the_link_before_it_sees_the_error(
    system: ActorSystem, victim: type[Victim]
) -> None:
    error = ValueError("boom")
    ran: list[object] = []

    async def call_and_go_on(me: Probe) -> None:
        ref.link()
        try:
            await ref.call(raising(error), timeout=None)
        except ActorExitedError:
            ran.append("after the except")
        ran.append("after the call")

    ref = await system.start(victim)
    probe = await system.start(Probe)

    reason = await reason_of_call(probe, call_and_go_on)

    assert reason == Crash(error)
    assert ran == []
    assert trio.current_time() == 0.0


async def test_a_linked_caller_dies_of_the_link_when_its_call_was_answered(
    system: ActorSystem, victim: type[Victim]
) -> None:
    ran: list[object] = []

    async def call_and_go_on(me: Probe) -> None:
        ref.link()
        ran.append(await ref.call(Blow(lambda victim: Stop(Crash("tired"), reply="reply"), Crash("tired"))))

    ref = await system.start(victim)
    probe = await system.start(Probe)

    reason = await reason_of_call(probe, call_and_go_on)

    assert reason == Crash("tired")
    assert ran == []
    assert trio.current_time() == 0.0


async def test_a_linked_caller_that_traps_exits_sees_the_error_and_then_the_exit(
    system: ActorSystem, victim: type[Victim]
) -> None:
    error = ValueError("boom")

    async def call(me: Probe) -> ExitReason:
        ref.link()
        return await reason_of_call(ref, raising(error))

    ref = await system.start(victim)
    probe = await system.start(Probe, trap_exit=True)

    reason = await probe.call(call, timeout=None)

    assert reason == Crash(error)
    assert await probe.call(received) == [Exit(ref, Crash(error))]
    assert trio.current_time() == 0.0


async def test_a_caller_of_its_own_child_dies_of_the_link_before_it_sees_the_error(
    system: ActorSystem, victim: type[Victim]
) -> None:
    error = ValueError("boom")
    ran: list[object] = []

    async def call_child(me: Probe) -> None:
        child = await me.start_link(victim)
        try:
            await child.call(raising(error), timeout=None)
        finally:
            await trio.lowlevel.checkpoint()
            ran.append("after the call")

    probe = await system.start(Probe)

    reason = await reason_of_call(probe, call_child)

    assert reason == Crash(error)
    assert ran == []
    assert trio.current_time() == 0.0


async def test_a_parent_dies_of_a_child_that_fails_to_start_before_it_sees_the_error(system: ActorSystem) -> None:
    error = ValueError("boom")
    ran: list[object] = []

    class Failing(DefVictim):
        def init(self) -> None:
            raise error

    async def start(me: Probe) -> None:
        try:
            await me.start_link(Failing)
        except ValueError:
            ran.append("after the except")
        ran.append("after the start")

    probe = await system.start(Probe)

    reason = await reason_of_call(probe, start)

    assert reason == Crash(error)
    assert ran == []
    assert trio.current_time() == 0.0


async def test_an_actor_that_is_killed_by_what_it_calls_makes_no_further_call(
    system: ActorSystem, victim: type[Victim]
) -> None:
    calls = []

    async def call_on(me: Probe) -> None:
        for number in range(5):
            calls.append(number)
            await ref.call(Blow(lambda victim: me.ref.kill(), me.ref.reason or Crash("none")))

    ref = await system.start(victim)
    probe = await system.start(Probe)

    probe.send_request(call_on)
    await probe.wait()
    await ref.call("question", timeout=None)

    assert calls == [0]
    assert trio.current_time() == 0.0


async def test_an_actor_that_is_signalled_by_what_it_calls_makes_no_further_call(
    system: ActorSystem, victim: type[Victim]
) -> None:
    calls = []

    async def call_on(me: Probe) -> None:
        for number in range(5):
            calls.append(number)
            await ref.call(Blow(lambda victim: me.ref.exit(Crash("enough")), Crash("none")))

    ref = await system.start(victim)
    probe = await system.start(Probe)

    reason = await reason_of_call(probe, call_on)

    assert reason == Crash("enough")
    assert calls == [0]
    assert trio.current_time() == 0.0


async def test_a_reply_that_was_made_before_the_end_is_delivered(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)

    reply = await ref.call(Blow(lambda victim: Stop(Crash("tired"), reply="reply"), Crash("tired")), timeout=None)

    assert reply == "reply"
    assert await ref.wait() == Crash("tired")
    assert trio.current_time() == 0.0


async def test_a_reply_of_a_stopping_actor_outlives_a_failing_terminate(
    system: ActorSystem, victim: type[Victim]
) -> None:
    error = ValueError("last words")

    def stop(victim: Victim) -> Stop:
        victim.last_words = error
        return Stop(reply="reply")

    ref = await system.start(victim)

    reply = await ref.call(Blow(stop, Crash(error)), timeout=None)

    assert reply == "reply"
    assert await ref.wait() == Crash(error)
    assert trio.current_time() == 0.0


async def test_a_dead_actors_reply_reaches_nobody(system: ActorSystem, victim: type[Victim]) -> None:
    instances: list[Victim] = []
    reasons = []

    def grab(victim: Victim) -> None:
        instances.append(victim)

    async def call() -> None:
        reasons.append(await reason_of_call(ref, "hold"))

    ref = await system.start(victim)
    await ref.call(Blow(grab, Crash("none")))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        await wait_all_tasks_blocked()
        ref.kill()
        instances[0].held[0].reply("too late")

    assert [str(reason) for reason in reasons] == ["killed"]
    assert trio.current_time() == 0.0
