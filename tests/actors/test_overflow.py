"""What a full mailbox does with one message more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    Actor,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    CallingSelfError,
    CallTimeoutError,
    Lost,
    Mailbox,
    MailboxFull,
    MailboxFullError,
    Overflow,
    Priority,
    Timeout,
    get_statistics,
    suspend,
)
from tests.actors.probe import Probe
from tests.actors.recorder import Gated, Recorder, does, drained, open_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import Outcome
    from tests.actors.kinds import Kind

EVERY_OVERFLOW = ("reject", "drop_newest", "drop_oldest", "wait")


async def start_full(system: ActorSystem, actor: type[Recorder], overflow: Overflow, **options: Any) -> Any:
    """Start a suspended recorder with 0 and 1 in its mailbox, which holds two; return it and its log."""
    log: list[Any] = []
    rules = Mailbox(max_messages=2, overflow=overflow, **options)
    recorder = await system.start(actor, log, mailbox=rules)
    await suspend(recorder)
    recorder.cast(0)
    recorder.cast(1)
    return recorder, log


def letters(system: ActorSystem) -> list[tuple[object, ActorRef | None]]:
    assert {letter.reason for letter in system.dead_letters} <= {MailboxFull(2)}
    return [(letter.message, letter.sender) for letter in system.dead_letters]


@pytest.mark.parametrize("overflow", ["reject", "wait"])
async def test_who_cannot_wait_is_refused_before_anything_is_touched(
    system: ActorSystem, kind: Kind, overflow: Overflow
) -> None:
    recorder, log = await start_full(system, kind(Recorder), overflow)
    settled: list[Outcome] = []
    before = get_statistics(recorder)

    attempts: list[Callable[[], object]] = [
        lambda: recorder.cast(2),
        lambda: recorder.cast(2, priority=Priority.CRITICAL),
        lambda: recorder.send(2),
        lambda: recorder.send_request(2),
        lambda: recorder.deliver(2, settled.append),
    ]
    for send in attempts:
        with pytest.raises(MailboxFullError, match=r"the mailbox of <Recorder #\d+> is full \(2 messages\)") as refused:
            send()
        assert (refused.value.ref, refused.value.reason) == (recorder, MailboxFull(2))

    after = get_statistics(recorder)
    assert (after.received, after.dropped) == (2, 0)
    assert before.last_received is not None
    assert after.last_received == pytest.approx(before.last_received)
    await drained(recorder)
    assert (log, settled, letters(system)) == ([0, 1], [], [])


async def test_a_mailbox_that_rejects_refuses_who_could_wait_too(system: ActorSystem, kind: Kind) -> None:
    recorder, log = await start_full(system, kind(Recorder), "reject")

    with pytest.raises(MailboxFullError):
        await recorder.call(2)
    with pytest.raises(MailboxFullError):
        await recorder.cast_wait(2)

    await drained(recorder)
    assert log == [0, 1]


async def test_there_is_room_again_when_a_message_is_taken(system: ActorSystem, kind: Kind) -> None:
    recorder, log = await start_full(system, kind(Recorder), "reject")

    await drained(recorder)
    recorder.cast(2)
    recorder.cast(3)
    await drained(recorder)

    assert log == [0, 1, 2, 3]


@pytest.mark.parametrize("overflow", EVERY_OVERFLOW)
async def test_what_is_set_aside_counts_for_the_bound(system: ActorSystem, kind: Kind, overflow: Overflow) -> None:
    log: list[Any] = []
    gated = await system.start(kind(Gated), log, mailbox=Mailbox(max_messages=2, overflow=overflow))
    gated.cast(0)
    gated.cast(1)
    await wait_all_tasks_blocked()

    with pytest.raises((MailboxFullError, CallTimeoutError)):
        await gated.call("refused, dropped or held up", timeout=1.0)

    assert get_statistics(gated).length == 2


async def test_an_actor_whose_stash_is_full_opens_up_with_what_finds_room(system: ActorSystem, kind: Kind) -> None:
    class Impatient(Gated):
        def init(self) -> None:
            self.timeout_after(5)

        def handle_cast(self, message: Any) -> Any:
            self.timeout_after(5)
            return super().handle_cast(message)

        def handle_info(self, message: Any) -> Any:
            if message == Timeout():
                return open_up(self)
            return super().handle_info(message)

    log: list[Any] = []
    impatient = await system.start(kind(Impatient), log, mailbox=Mailbox(max_messages=2, overflow="wait"))
    for number in range(4):
        await impatient.cast_wait(number)

    await wait_all_tasks_blocked()
    assert log == [0, 1, 2, 3]
    assert trio.current_time() == 5.0


async def test_the_newest_is_dropped_and_is_a_dead_letter_of_its_sender(system: ActorSystem, kind: Kind) -> None:
    ada = await system.start(Probe)
    recorder, log = await start_full(system, kind(Recorder), "drop_newest")

    await does(ada, lambda _me: recorder.cast(2))
    await does(ada, lambda _me: recorder.send(3))
    recorder.cast(4)
    known = get_statistics(recorder)
    await drained(recorder)

    assert log == [0, 1]
    assert letters(system) == [(2, ada), (3, ada), (4, None)]
    assert (known.received, known.length, known.dropped) == (5, 2, 3)


async def test_the_oldest_is_dropped_and_is_a_dead_letter_of_its_sender(system: ActorSystem, kind: Kind) -> None:
    ada = await system.start(Probe)
    recorder, log = await start_full(system, kind(Recorder), "drop_oldest")

    await does(ada, lambda _me: recorder.cast(2))
    await does(ada, lambda _me: recorder.send(3))
    recorder.cast(4)
    known = get_statistics(recorder)
    await drained(recorder)

    assert log == [3, 4]
    assert letters(system) == [(0, None), (1, None), (2, ada)]
    assert (known.received, known.length, known.dropped) == (5, 2, 3)


async def test_of_several_priorities_the_oldest_of_the_least_urgent_is_dropped(system: ActorSystem, kind: Kind) -> None:
    recorder, log = await start_full(system, kind(Recorder), "drop_oldest", priority=True)

    recorder.cast("low", priority=Priority.LOW)
    recorder.cast("high", priority=Priority.HIGH)
    recorder.cast("critical", priority=Priority.CRITICAL)
    recorder.cast("normal")
    await drained(recorder)

    assert log == ["critical", "high"]
    assert [message for message, _ in letters(system)] == ["low", 0, 1, "normal"]


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
async def test_a_call_that_is_dropped_fails_at_once(system: ActorSystem, kind: Kind, overflow: Overflow) -> None:
    recorder, log = await start_full(system, kind(Recorder), overflow)

    requests = [recorder.send_request(number) for number in (2, 3, 4)]
    dropped = requests[1] if overflow == "drop_newest" else requests[0]
    with pytest.raises(MailboxFullError, match=r"the mailbox of <Recorder #\d+> is full \(2 messages\)"):
        dropped.check()
    await drained(recorder)

    assert log == ([0, 1] if overflow == "drop_newest" else [3, 4])
    assert all(message in (0, 1) for message, _ in letters(system))
    assert trio.current_time() == 0.0


async def test_a_call_that_is_the_newest_raises_in_its_caller(system: ActorSystem, kind: Kind) -> None:
    recorder, _log = await start_full(system, kind(Recorder), "drop_newest")

    with pytest.raises(MailboxFullError):
        await recorder.call(2, timeout=None)


@pytest.mark.parametrize("overflow", ["drop_newest", "drop_oldest"])
async def test_a_delivery_that_is_dropped_is_lost(system: ActorSystem, kind: Kind, overflow: Overflow) -> None:
    recorder, _log = await start_full(system, kind(Recorder), overflow)
    settled: list[Outcome] = []

    for number in (2, 3, 4):
        recorder.deliver(number, settled.append)

    assert settled == [Lost(MailboxFull(2))] * (3 if overflow == "drop_newest" else 1)


async def test_what_was_set_aside_once_is_not_dropped_for_something_newer(system: ActorSystem, kind: Kind) -> None:
    log: list[Any] = []
    gated = await system.start(kind(Gated), log, mailbox=Mailbox(max_messages=2, overflow="drop_oldest"))
    gated.cast(0)
    gated.cast(1)
    await wait_all_tasks_blocked()

    gated.cast(2)
    gated.send_after(1, 3)
    await trio.sleep(2)

    assert [message for message, _ in letters(system)] == [2, 3]
    assert get_statistics(gated).length == 2


async def test_after_an_order_to_stop_nothing_is_dropped_for_what_comes_too_late(
    system: ActorSystem, kind: Kind
) -> None:
    log: list[Any] = []
    recorder = await system.start(kind(Recorder), log, mailbox=Mailbox(max_messages=2, overflow="drop_oldest"))

    def send_too_late(me: Recorder) -> None:
        for number in (2, 3):
            me.ref.cast(number)

    recorder.cast(send_too_late)
    recorder.cast(1)
    await recorder.stop()

    assert log == [1]
    assert [letter.message for letter in system.dead_letters] == [3, 2]


async def test_a_call_waits_for_room(system: ActorSystem, kind: Kind) -> None:
    recorder, log = await start_full(system, kind(Recorder), "wait")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder.call, 2)
        await wait_all_tasks_blocked()
        held_up = get_statistics(recorder)
        await drained(recorder)

    assert (held_up.received, held_up.length) == (2, 2)
    assert log == [0, 1, 2]
    assert get_statistics(recorder).received == 3


async def test_the_wait_for_room_is_part_of_a_calls_time_and_then_it_is_never_handled(
    system: ActorSystem, kind: Kind
) -> None:
    recorder, log = await start_full(system, kind(Recorder), "wait")

    with pytest.raises(CallTimeoutError, match="did not answer 2 within 3 s"):
        await recorder.call(2, timeout=3)
    with trio.move_on_after(1):
        await recorder.call(3, timeout=None)
    await drained(recorder)

    assert trio.current_time() == 4.0
    assert (log, letters(system)) == ([0, 1], [])
    assert get_statistics(recorder).received == 2


async def test_those_who_wait_get_room_in_the_order_they_came(system: ActorSystem, kind: Kind) -> None:
    recorder, log = await start_full(system, kind(Recorder), "wait")
    went_on: list[int] = []

    async def cast(number: int) -> None:
        await recorder.cast_wait(number)
        went_on.append(number)

    async with trio.open_nursery() as nursery:
        for number in (2, 3, 4, 5):
            nursery.start_soon(cast, number)
            await wait_all_tasks_blocked()
        await drained(recorder)

    assert (log, sorted(went_on)) == ([0, 1, 2, 3, 4, 5], [2, 3, 4, 5])


async def test_what_waited_for_room_is_handled_by_its_priority(system: ActorSystem, kind: Kind) -> None:
    recorder, log = await start_full(system, kind(Recorder), "wait", priority=True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: recorder.cast_wait("high", priority=Priority.HIGH))
        await wait_all_tasks_blocked()
        await drained(recorder)

    assert log == [0, "high", 1]


async def test_a_cancelled_wait_for_room_sends_nothing(system: ActorSystem, kind: Kind) -> None:
    recorder, log = await start_full(system, kind(Recorder), "wait")

    with trio.move_on_after(1) as scope:
        await recorder.cast_wait(2)
    await drained(recorder)

    assert scope.cancelled_caught
    assert (log, letters(system)) == ([0, 1], [])


async def test_waits_that_were_cancelled_do_no_harm_when_the_actor_dies(system: ActorSystem, kind: Kind) -> None:
    recorder, _log = await start_full(system, kind(Recorder), "wait")

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(1):
            await recorder.cast_wait("cancelled")
        nursery.start_soon(recorder.cast_wait, "waiting")
        await wait_all_tasks_blocked()
        recorder.kill()

    assert [letter.message for letter in system.dead_letters] == [0, 1, "waiting"]


async def test_waits_that_were_given_up_do_not_pile_up(system: ActorSystem) -> None:
    recorder, _log = await start_full(system, Recorder, "wait")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder.cast_wait, "patient")
        await wait_all_tasks_blocked()
        for _ in range(1000):
            with pytest.raises(CallTimeoutError):
                await recorder.call("impatient", timeout=0.001)
        kept = len(recorder._process.mailbox._held)
        await drained(recorder)

    assert kept <= 65


async def test_the_death_of_the_actor_lets_those_who_wait_go(system: ActorSystem, kind: Kind) -> None:
    ada = await system.start(Probe)
    recorder, _log = await start_full(system, kind(Recorder), "wait")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(does, ada, lambda _me: recorder.cast_wait(2))
        await wait_all_tasks_blocked()
        recorder.kill()

    assert [(letter.message, letter.sender) for letter in system.dead_letters] == [(0, None), (1, None), (2, ada)]
    assert {letter.reason for letter in system.dead_letters} == {recorder.reason}


async def test_the_death_of_the_actor_fails_the_calls_that_wait(system: ActorSystem, kind: Kind) -> None:
    recorder, _log = await start_full(system, kind(Recorder), "wait")

    async def call() -> None:
        with pytest.raises(ActorExitedError):
            await recorder.call(2, timeout=None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(call)
        await wait_all_tasks_blocked()
        recorder.kill()

    assert trio.current_time() == 0.0


async def test_who_waits_and_dies_of_the_actor_does_not_go_on(system: ActorSystem, kind: Kind) -> None:
    recorder, _log = await start_full(system, kind(Recorder), "wait")
    went_on: list[str] = []

    class Linked(Actor):
        async def handle_cast(self, message: object) -> None:
            recorder.link()
            await recorder.cast_wait(message)
            went_on.append("went on")

    linked = await system.start(Linked)
    linked.cast(2)
    await wait_all_tasks_blocked()
    recorder.kill()
    await linked.wait()

    assert went_on == []


async def test_an_actor_does_not_wait_for_room_in_its_own_mailbox(system: ActorSystem) -> None:
    class Eager(Actor):
        async def handle_cast(self, message: object) -> None:
            self.ref.cast("more")
            with pytest.raises(CallingSelfError, match=r"<Eager #\d+> calls itself with 'still more'"):
                await self.ref.cast_wait("still more")
            raise ZeroDivisionError

    eager = await system.start(Eager, mailbox=Mailbox(max_messages=1, overflow="wait"))
    eager.cast("begin")
    reason = await eager.wait()

    assert isinstance(getattr(reason, "cause", None), ZeroDivisionError)


@pytest.mark.parametrize("overflow", EVERY_OVERFLOW)
async def test_timers_raise_nowhere(system: ActorSystem, kind: Kind, overflow: Overflow) -> None:
    recorder, log = await start_full(system, kind(Recorder), overflow)
    timer = recorder.send_every(1, "tick")

    await trio.sleep(3.5)
    timer.cancel()
    known = get_statistics(recorder)
    await drained(recorder)

    assert log == (["tick", "tick"] if overflow == "drop_oldest" else [0, 1])
    assert (known.received, known.length, known.dropped) == (5, 2, 3)
    assert {letter.kind for letter in system.dead_letters if letter.message == "tick"} == {"info"}
    assert system.dead_letters.count == 3


@pytest.mark.parametrize("overflow", ["reject", "wait"])
async def test_what_a_thread_sends_to_a_full_mailbox_is_a_dead_letter(
    system: ActorSystem, kind: Kind, overflow: Overflow
) -> None:
    recorder, log = await start_full(system, kind(Recorder), overflow)

    def send() -> None:
        recorder.from_thread.cast(2)
        recorder.from_thread.send(3)

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()
    await wait_all_tasks_blocked()
    await drained(recorder)

    assert log == [0, 1]
    assert letters(system) == [(2, None), (3, None)]
    assert [letter.kind for letter in system.dead_letters] == ["cast", "info"]
