"""Timers: messages sent later, again and again, or when nothing else arrives."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import (
    NO_REPLY,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    CallTimeoutError,
    Continue,
    Exit,
    Timeout,
    dispatcher,
    get_state,
    get_statistics,
    get_status,
    replace_state,
    resume,
    suspend,
)
from actors.dispatcher import SLICE_MESSAGES
from actors.timer import AT_ONCE
from tests.actors.probe import Probe, received
from tests.actors.recorder import Recorder

if TYPE_CHECKING:
    from actors import Caller
    from tests.actors.kinds import Kind


@attrs.frozen
class Wait:
    """Ask for a timeout now, or in the continuation; a message of your own may wait meanwhile."""

    seconds: float
    later: bool = False
    after: str | None = None


class Idler(Actor):
    """Asks for an idle timeout from whichever callback it is told to, and keeps what comes and when."""

    def __init__(self, wait: Wait | None = None) -> None:
        self.wait = wait
        self.seen: list[object] = []

    def init(self) -> object:
        return self.act(self.wait)

    def handle_call(self, message: object, caller: Caller) -> object:
        if not isinstance(message, Wait):
            return message
        if message.later:
            return Continue(message, reply="ok")
        self.act(message)
        return "ok"

    def handle_cast(self, message: object) -> object:
        return self.act(message)

    def handle_info(self, message: object) -> object:
        if isinstance(message, Wait):
            return self.act(message)
        self.seen.append((message, trio.current_time()))
        return None

    def handle_continue(self, argument: Wait) -> None:
        self.act(attrs.evolve(argument, later=False))

    def act(self, message: object) -> object:
        if not isinstance(message, Wait):
            return None
        if message.later:
            return Continue(message)
        if message.after is not None:
            self.ref.send(message.after)
        self.timeout_after(message.seconds)
        return None


class Keeper(Actor):
    """Keeps what it is sent, and when."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def handle_info(self, message: object) -> None:
        self.seen.append((message, trio.current_time()))


SOURCES = ["init", "call", "cast", "info"]


async def wait_from(source: str, system: ActorSystem, kind: Kind, wait: Wait) -> ActorRef:
    """Start an idler and have it ask for its timeout in *source*."""
    idler = await system.start(kind(Idler), wait if source == "init" else None)
    match source:
        case "call":
            idler.send_request(wait)
        case "cast":
            idler.cast(wait)
        case "info":
            idler.send(wait)
    await wait_all_tasks_blocked()
    return idler


async def seen_by(ref: ActorRef) -> list[object]:
    """Return what came to *ref*."""
    await wait_all_tasks_blocked()
    seen: list[object] = (await get_state(ref))["seen"]
    return seen


@pytest.mark.parametrize("later", [False, True], ids=["at_once", "continue"])
@pytest.mark.parametrize("source", SOURCES)
async def test_start_event_timeout_and_handle_event_timeout_fire_when_nothing_arrives(
    system: ActorSystem, kind: Kind, source: str, *, later: bool
) -> None:
    idler = await wait_from(source, system, kind, Wait(0.5, later))

    await trio.sleep(2)

    assert await seen_by(idler) == [(Timeout(), 0.5)]


@pytest.mark.parametrize("interruption", ["call", "cast", "info"])
@pytest.mark.parametrize("later", [False, True], ids=["at_once", "continue"])
@pytest.mark.parametrize("source", SOURCES)
async def test_start_event_timeout_and_handle_event_timeout_are_interrupted_by_any_message(
    system: ActorSystem, kind: Kind, source: str, *, later: bool, interruption: str
) -> None:
    idler = await wait_from(source, system, kind, Wait(0.5, later))
    await trio.sleep(0.4)

    match interruption:
        case "call":
            assert await idler.call("ping") == "ping"
        case "cast":
            idler.cast("ping")
        case "info":
            idler.send(Wait(math.inf))
    await trio.sleep(2)

    assert await seen_by(idler) == []


@pytest.mark.parametrize("later", [False, True], ids=["at_once", "continue"])
@pytest.mark.parametrize("source", SOURCES)
async def test_start_event_timeout_zero_and_handle_event_timeout_zero_come_before_messages_that_wait(
    system: ActorSystem, kind: Kind, source: str, *, later: bool
) -> None:
    idler = await wait_from(source, system, kind, Wait(0, later, "after"))

    assert await seen_by(idler) == [(Timeout(), 0.0), ("after", 0.0)]


@pytest.mark.parametrize("later", [False, True], ids=["at_once", "continue"])
@pytest.mark.parametrize("source", SOURCES)
async def test_handle_event_timeout_infinity_never_fires(
    system: ActorSystem, kind: Kind, source: str, *, later: bool
) -> None:
    idler = await wait_from(source, system, kind, Wait(math.inf, later))

    await trio.sleep(3600)

    assert await seen_by(idler) == []


async def test_handle_event_timeout_plain_is_not_interrupted_by_inspection(system: ActorSystem, kind: Kind) -> None:
    idler = await wait_from("cast", system, kind, Wait(1))

    await trio.sleep(0.5)
    await get_status(idler)
    await get_state(idler)
    await replace_state(idler, lambda state: state)
    await suspend(idler)
    await resume(idler)
    await trio.sleep(2)

    assert await seen_by(idler) == [(Timeout(), 1.0)]


async def test_handle_event_timeout_plain_is_interrupted_by_a_message(system: ActorSystem, kind: Kind) -> None:
    idler = await wait_from("cast", system, kind, Wait(1))

    assert await idler.call("ping") == "ping"
    await trio.sleep(2)

    assert await seen_by(idler) == []


async def test_handle_event_timeout_fires_once(system: ActorSystem, kind: Kind) -> None:
    idler = await wait_from("call", system, kind, Wait(1))

    await trio.sleep(100)

    assert await seen_by(idler) == [(Timeout(), 1.0)]


async def test_handle_event_timeout_waits_for_a_suspended_actor(system: ActorSystem, kind: Kind) -> None:
    idler = await wait_from("cast", system, kind, Wait(1))
    await suspend(idler)
    await trio.sleep(5)

    await resume(idler)

    assert await seen_by(idler) == [(Timeout(), 5.0)]


async def test_a_later_idle_timeout_replaces_an_earlier_one(system: ActorSystem, kind: Kind) -> None:
    class Twice(Keeper):
        def init(self) -> None:
            self.timeout_after(1)
            self.timeout_after(3)

    twice = await system.start(kind(Twice))
    await trio.sleep(10)

    assert await seen_by(twice) == [(Timeout(), 3.0)]


@pytest.mark.parametrize("seconds", [0, 1])
async def test_an_idle_timeout_of_infinity_takes_an_earlier_one_back(
    system: ActorSystem, kind: Kind, seconds: float
) -> None:
    class Undecided(Keeper):
        def init(self) -> None:
            self.timeout_after(seconds)
            self.timeout_after(math.inf)

    undecided = await system.start(kind(Undecided))
    await trio.sleep(10)

    assert await seen_by(undecided) == []


async def test_a_repeated_idle_timeout_of_zero_comes_once(system: ActorSystem, kind: Kind) -> None:
    class Hasty(Keeper):
        def init(self) -> None:
            self.timeout_after(0)
            self.timeout_after(0)

    hasty = await system.start(kind(Hasty))

    assert await seen_by(hasty) == [(Timeout(), 0.0)]


async def test_an_idle_timeout_does_not_outlive_its_actor(system: ActorSystem, kind: Kind) -> None:
    idler = await wait_from("cast", system, kind, Wait(1))

    await idler.stop()
    await trio.sleep(5)

    assert system.dead_letters.count == 0


@pytest.mark.parametrize("seconds", [-1, math.nan, -math.inf], ids=repr)
async def test_a_bad_idle_timeout_is_refused(system: ActorSystem, kind: Kind, seconds: float) -> None:
    class Bad(Actor):
        def init(self) -> None:
            self.timeout_after(seconds)

    with pytest.raises(ValueError, match=r"idle timeout of <Bad #2> is .* seconds; allowed is") as caught:
        await system.start(kind(Bad))

    assert repr(seconds) in str(caught.value)


async def test_send_after_sends_when_its_time_has_come(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    keeper.send_after(2.5, "now")
    await trio.sleep(10)

    assert await seen_by(keeper) == [("now", 2.5)]


async def test_send_after_of_several_comes_in_the_order_of_their_times(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    for seconds in (3, 1, 2):
        keeper.send_after(seconds, seconds)
    await trio.sleep(10)

    assert await seen_by(keeper) == [(1, 1.0), (2, 2.0), (3, 3.0)]


async def test_send_after_of_one_time_comes_in_the_order_of_the_calls(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    for number in range(50):
        keeper.send_after(1, number)
    await trio.sleep(10)

    assert await seen_by(keeper) == [(number, 1.0) for number in range(50)]


async def test_many_timers_of_one_time_let_others_have_their_turn(system: ActorSystem) -> None:
    keeper = await system.start(Keeper)
    for number in range(4 * AT_ONCE):
        keeper.send_after(1.0, number)
    await trio.sleep(1.0)
    waiting: list[int] = []

    while len(waiting) < 20:
        await trio.lowlevel.checkpoint()
        waiting.append(get_statistics(keeper).received)
    await wait_all_tasks_blocked()

    assert max(later - earlier for earlier, later in pairwise([0, *waiting])) <= 2 * AT_ONCE
    assert await seen_by(keeper) == [(number, 1.0) for number in range(4 * AT_ONCE)]


async def test_send_after_zero_seconds_comes_soon(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    keeper.send_after(0, "now")
    await trio.sleep(0.1)

    assert await seen_by(keeper) == [("now", 0.0)]


async def test_send_after_infinity_never_comes(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    timer = keeper.send_after(math.inf, "never")
    await trio.sleep(3600)

    assert await seen_by(keeper) == []
    assert timer.cancel()


async def test_a_cancelled_timer_sends_nothing(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))
    timer = keeper.send_after(2, "now")
    await trio.sleep(1)

    cancelled = timer.cancel()
    await trio.sleep(10)

    assert cancelled
    assert await seen_by(keeper) == []


async def test_a_timer_tells_whether_there_was_something_to_cancel(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))
    fired, cancelled = keeper.send_after(1, "now"), keeper.send_after(1, "never")
    assert cancelled.cancel()
    await trio.sleep(2)

    assert not fired.cancel()
    assert not cancelled.cancel()


async def test_cancelling_a_timer_does_not_take_its_message_back(system: ActorSystem) -> None:
    probe = await system.start(Probe)

    async def late(me: Probe) -> bool:
        timer = me.ref.send_after(1, "sent")
        await trio.sleep(2)
        return timer.cancel()

    assert not await probe.call(late, timeout=None)
    assert await probe.call(received) == ["sent"]


async def test_a_timer_does_not_outlive_its_receiver(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))
    timers = [keeper.send_after(2, "now"), keeper.send_every(1, "again")]
    await keeper.stop()

    cancelled = [timer.cancel() for timer in timers]
    await trio.sleep(10)

    assert cancelled == [False, False]
    assert system.dead_letters.count == 0


async def test_a_timer_does_not_pass_to_the_next_incarnation(system: ActorSystem, kind: Kind) -> None:
    first = await system.start(kind(Keeper), name="keeper")
    system.named("keeper").send_after(2, "now")
    await first.stop()

    second = await system.start(kind(Keeper), name="keeper")
    await trio.sleep(10)

    assert await seen_by(second) == []


async def test_a_timer_outlives_the_actor_that_set_it(system: ActorSystem, kind: Kind) -> None:
    keeper, probe = await system.start(kind(Keeper)), await system.start(Probe)
    await probe.call(lambda me: keeper.send_after(2, "now"))

    await probe.stop()
    await trio.sleep(10)

    assert await seen_by(keeper) == [("now", 2.0)]


async def test_send_every_sends_again_and_again(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    keeper.send_every(1.5, "tick")
    await trio.sleep(5)

    assert await seen_by(keeper) == [("tick", 1.5), ("tick", 3.0), ("tick", 4.5)]


async def test_send_every_does_not_drift(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    keeper.send_every(0.1, "tick")
    await trio.sleep(100.05)

    times = [time for _, time in (await get_state(keeper))["seen"]]
    assert len(times) == 1_000
    assert times[-1] == pytest.approx(100)


async def test_send_every_is_cancelled(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))
    timer = keeper.send_every(1, "tick")
    await trio.sleep(2.5)

    assert timer.cancel()
    await trio.sleep(10)

    assert await seen_by(keeper) == [("tick", 1.0), ("tick", 2.0)]
    assert not timer.cancel()


async def test_send_every_does_not_make_up_for_what_it_missed(
    system: ActorSystem, kind: Kind, autojump_clock: MockClock
) -> None:
    keeper = await system.start(kind(Keeper))
    keeper.send_every(1, "tick")
    await trio.sleep(1.5)

    autojump_clock.jump(1_000)
    await trio.sleep(3)

    assert len(await seen_by(keeper)) <= 6


async def test_many_timers_that_are_cancelled_leave_the_others_alone(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))
    timers = [keeper.send_after(1 + number % 3, number) for number in range(6_000)]
    for number, timer in enumerate(timers):
        if number % 100:
            timer.cancel()

    await trio.sleep(10)

    expected = [number for remainder in range(3) for number in range(0, 6_000, 100) if number % 3 == remainder]
    assert [message for message, _ in (await get_state(keeper))["seen"]] == expected


@pytest.mark.parametrize("seconds", [-1, math.nan, "1", None, True, -math.inf], ids=repr)
async def test_a_bad_time_for_a_timer_is_refused(system: ActorSystem, kind: Kind, seconds: Any) -> None:
    keeper = await system.start(kind(Keeper))

    with pytest.raises(ValueError, match=r"a timer of <Keeper #2> waits .* seconds; allowed is") as after:
        keeper.send_after(seconds, "now")
    with pytest.raises(ValueError, match=r"a timer of <Keeper #2> waits .* seconds; allowed is") as every:
        keeper.send_every(seconds, "now")

    assert repr(seconds) in str(after.value)
    assert repr(seconds) in str(every.value)


async def test_send_every_zero_seconds_is_refused(system: ActorSystem, kind: Kind) -> None:
    keeper = await system.start(kind(Keeper))

    with pytest.raises(ValueError, match="a timer of <Keeper #2> waits 0 seconds"):
        keeper.send_every(0, "now")


async def test_a_timer_says_when_it_is_due(system: ActorSystem) -> None:
    keeper = await system.start(Keeper)
    timer = keeper.send_after(2, "now")
    before = repr(timer)

    timer.cancel()

    assert (before, repr(timer)) == ("<Timer of <Keeper #2>: due at 2.0>", "<Timer of <Keeper #2>: done>")


async def test_an_idle_timeout_is_interrupted_by_the_exit_of_a_child(system: ActorSystem, kind: Kind) -> None:
    probe = await system.start(Probe, trap_exit=True)
    child: ActorRef = await probe.call(lambda me: me.start_link(kind(Keeper)))
    await probe.call(lambda me: me.timeout_after(1))

    await child.stop(SHUTDOWN)
    await trio.sleep(5)

    assert await probe.call(received) == [Exit(child, SHUTDOWN)]
    assert child.reason != NORMAL


@pytest.mark.parametrize("seconds", ["1", None, [], True], ids=repr)
async def test_an_idle_timeout_that_is_no_number_is_refused(system: ActorSystem, kind: Kind, seconds: Any) -> None:
    class Bad(Actor):
        def init(self) -> None:
            self.timeout_after(seconds)

    with pytest.raises((ValueError, TypeError), match=r"idle timeout of <Bad #2>") as caught:
        await system.start(kind(Bad))

    assert repr(seconds) in str(caught.value)


class Mute(Actor):
    """Answers nobody, and forgets nobody."""

    def __init__(self) -> None:
        self.callers: list[Caller] = []

    def handle_call(self, message: object, caller: Caller) -> object:
        self.callers.append(caller)
        return NO_REPLY


class AsyncPrompt(Actor):
    async def handle_call(self, message: object, caller: Caller) -> object:
        return message


async def test_calls_with_unlike_timeouts_end_each_at_its_own(system: ActorSystem) -> None:
    ended: list[tuple[float, float]] = []
    mute = await system.start(Mute)

    async def ask(seconds: float) -> None:
        with pytest.raises(CallTimeoutError):
            await mute.call(seconds, timeout=seconds)
        ended.append((seconds, trio.current_time()))

    async with trio.open_nursery() as nursery:
        for seconds in (5.0, 2.0, 7.0, 5.0, 1.0):
            nursery.start_soon(ask, seconds)

    assert sorted(ended) == [(1.0, 1.0), (2.0, 2.0), (5.0, 5.0), (5.0, 5.0), (7.0, 7.0)]


async def test_a_call_without_an_end_does_not_keep_others_from_theirs(system: ActorSystem) -> None:
    mute = await system.start(Mute)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(mute.call, "ever", timeout=math.inf))
        await wait_all_tasks_blocked()
        with pytest.raises(CallTimeoutError):
            await mute.call("soon", timeout=3.0)
        nursery.cancel_scope.cancel()

    assert trio.current_time() == 3.0


async def test_long_timeouts_of_calls_that_were_answered_do_not_pile_up(
    system: ActorSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.timer.SWEEP_ABOVE", 10)
    system.timers._sweep_at = 10
    mute, prompt = await system.start(Mute), await system.start(AsyncPrompt)

    for _ in range(100):
        await prompt.call("soon", timeout=1e6)
        with pytest.raises(CallTimeoutError):
            await mute.call("never", timeout=0.001)

    assert len(system.timers._heap) <= 20


async def test_what_a_timer_sends_does_not_wait_for_the_mailboxes_of_others(system: ActorSystem) -> None:
    log: list[object] = []
    keeper, *busy = [await system.start(Recorder, log) for _ in range(6)]

    keeper.send_after(0, "timer")
    for ref in busy:
        for _ in range(SLICE_MESSAGES):
            ref.cast("cast")
    await wait_all_tasks_blocked()

    # It expires in the turn of the loop in which the others begin, or in the next.
    assert log.index("timer") <= 2 * SLICE_MESSAGES
    assert len(log) == 5 * SLICE_MESSAGES + 1


async def test_what_timers_send_at_one_instant_is_handled_in_the_order_they_were_set(system: ActorSystem) -> None:
    log: list[object] = []
    keepers = [await system.start(Recorder, log) for _ in range(5)]

    for number, keeper in enumerate(keepers):
        keeper.send_after(1, number)
    await trio.sleep(2)

    assert log == [0, 1, 2, 3, 4]


class Poller(Actor):
    """Looks for something again and again, each time as soon as its timer comes."""

    def init(self) -> None:
        self.ref.send_after(0, "look")

    def handle_info(self, message: object) -> None:
        self.ref.send_after(0, message)


async def test_actors_whose_timers_are_always_due_do_not_starve_the_others(
    system: ActorSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SLICE_SECONDS", -1.0)  # as if each look took a whole slice
    log: list[object] = []
    pollers = [await system.start(Poller) for _ in range(8)]
    recorder = await system.start(Recorder, log)

    for _ in range(20):
        await trio.lowlevel.checkpoint()
    recorder.cast("cast")
    for _ in range(20):
        await trio.lowlevel.checkpoint()
    for poller in pollers:
        poller.kill()

    assert log == ["cast"]
