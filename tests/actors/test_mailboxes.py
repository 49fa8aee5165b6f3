"""What holds for the mailbox of every kind, as long as it has room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    SHUTDOWN,
    ActorExitedError,
    ActorSystem,
    Continue,
    Down,
    Exit,
    Mailbox,
    NoProcessError,
    Priority,
    Timeout,
    get_statistics,
    suspend,
)
from tests.actors.probe import Probe
from tests.actors.recorder import KINDS_OF_MAILBOX, ROOM, Gated, Recorder, does, drained, open_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors import Statistics
    from tests.actors.kinds import Kind

LEVELS = (Priority.NORMAL, Priority.LOW, Priority.CRITICAL, Priority.HIGH, Priority.LOW, Priority.CRITICAL)


@pytest.fixture(params=KINDS_OF_MAILBOX)
def rules(request: pytest.FixtureRequest) -> Mailbox:
    """Run the test with a mailbox of each kind."""
    return KINDS_OF_MAILBOX[request.param]


def in_handling_order(rules: Mailbox, messages: Sequence[tuple[Priority, int]]) -> list[tuple[Priority, int]]:
    return sorted(messages, key=lambda message: -message[0]) if rules.priority else list(messages)


def counts(known: Statistics) -> tuple[int, int, int, int]:
    return known.received, known.handled, known.length, known.dropped


async def test_casts_infos_and_calls_are_handled_in_the_order_they_came(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)
    await suspend(recorder)

    recorder.cast(1)
    recorder.send(2)
    request = recorder.send_request(3)
    await recorder.cast_wait(4)
    recorder.cast(5)
    await drained(recorder)

    assert log == [1, 2, 3, 4, 5]
    assert await request.wait() is None


async def test_messages_of_one_level_keep_their_order(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)
    messages = [(level, number) for number, level in enumerate(LEVELS)]
    await suspend(recorder)

    for message in messages[:3]:
        recorder.cast(message, priority=message[0])
    recorder.send(messages[3], priority=messages[3][0])
    request = recorder.send_request(messages[4], priority=messages[4][0])
    await recorder.cast_wait(messages[5], priority=messages[5][0])
    await drained(recorder)

    assert log == in_handling_order(rules, messages)
    assert request.answered


async def test_an_actor_that_is_never_held_up_gets_everything_in_order(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)

    for number in range(100):
        recorder.cast(number)
        if number % (ROOM - 1) == 0:
            await recorder.call("so far", timeout=None)
            await drained(recorder)
    await drained(recorder)

    assert [message for message in log if message != "so far"] == list(range(100))


async def test_counts_are_exact_at_every_moment(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    seen: list[tuple[int, int, int, int]] = []
    recorder = await system.start(kind(Recorder), [], mailbox=rules)
    await suspend(recorder)

    for _ in range(3):
        recorder.cast(lambda me: seen.append(counts(get_statistics(me.ref))))
    recorder.send("info")
    waiting = counts(get_statistics(recorder))
    await drained(recorder)

    assert waiting == (4, 0, 4, 0)
    assert seen == [(4, 0, 3, 0), (4, 1, 2, 0), (4, 2, 1, 0)]
    assert counts(get_statistics(recorder)) == (4, 4, 0, 0)


async def test_one_message_in_64_is_timed_and_never_for_longer_than_it_took(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    recorder = await system.start(kind(Recorder), [], mailbox=rules)
    began = trio.current_time()

    for _ in range(256):
        recorder.cast("message")
        await drained(recorder)
    known = get_statistics(recorder)

    assert (known.waiting.count, known.handling.count) == (4, 4)
    assert known.handling.greatest < 30.0
    assert known.waiting.greatest < 30.0
    assert trio.current_time() == began


async def test_what_the_runtime_sends_finds_room_behind_what_came_before(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    log: list[Any] = []
    recorder = await system.start(kind(Recorder), log, trap_exit=True, mailbox=rules)
    other = await system.start(Probe)
    recorder.cast(lambda _me: other.link())
    recorder.cast(lambda _me: log.append(other.monitor()))
    await drained(recorder)
    log.clear()
    await suspend(recorder)

    for number in range(ROOM):
        recorder.cast(number)
    other.kill()
    await other.wait()
    await drained(recorder)

    assert log[:ROOM] == list(range(ROOM))
    assert {type(message) for message in log[ROOM:]} == {Down, Exit}
    assert len(log) == ROOM + 2


async def test_an_idle_timeout_comes_when_nothing_else_does(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)

    recorder.cast(lambda me: me.timeout_after(2))
    await trio.sleep(5)

    assert log == [Timeout()]


async def test_an_idle_timeout_of_zero_comes_before_what_waits(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)
    await suspend(recorder)

    recorder.cast(lambda me: me.timeout_after(0))
    for number in range(ROOM - 1):
        recorder.cast(number)
    await drained(recorder)

    assert log == [Timeout(), *range(ROOM - 1)]
    assert counts(get_statistics(recorder)) == (ROOM + 1, ROOM + 1, 0, 0)


async def test_what_is_put_back_cancels_an_idle_timeout_as_any_message_does(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    log: list[object] = []

    def time_and_open(me: Gated) -> None:
        me.timeout_after(1)
        open_up(me)

    gated = await system.start(kind(Gated), log, mailbox=rules)
    gated.cast("set aside")
    gated.cast(time_and_open)
    await trio.sleep(5)

    assert log == ["set aside"]


async def test_a_continuation_comes_before_what_waits(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)
    await suspend(recorder)

    recorder.cast(lambda _me: Continue("continued"))
    recorder.cast("critical", priority=Priority.NORMAL)
    await drained(recorder)

    assert log == ["continued", "critical"]
    assert counts(get_statistics(recorder)) == (2, 2, 0, 0)


async def test_an_order_to_stop_comes_after_what_was_sent_before_and_ahead_of_what_is_sent_later(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    log: list[Any] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)
    messages = [(level, number) for number, level in enumerate(LEVELS[: ROOM - 1])]

    recorder.cast(lambda me: me.ref.cast("late", priority=Priority.CRITICAL))
    for message in messages:
        recorder.cast(message, priority=message[0])
    await recorder.stop()

    assert log == in_handling_order(rules, messages)
    assert [(letter.message, letter.sender) for letter in system.dead_letters] == [("late", recorder)]


async def test_an_order_of_the_parent_keeps_its_place_too(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    log: list[Any] = []
    parent = await system.start(Probe, trap_exit=True)
    child = await does(parent, lambda me: me.start_link(kind(Recorder), log, trap_exit=True, mailbox=rules))
    messages = [(level, number) for number, level in enumerate(LEVELS)]

    def send_and_stop(_me: Probe) -> Any:
        for message in messages:
            child.cast(message, priority=message[0])
        return child.shut_down()

    assert await does(parent, send_and_stop) == SHUTDOWN
    assert log == in_handling_order(rules, messages)


async def test_an_actor_that_is_never_without_urgent_work_stops(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    def work(me: Recorder) -> None:
        me.ref.cast(work, priority=Priority.CRITICAL)

    recorder = await system.start(kind(Recorder), [], mailbox=rules)
    recorder.cast(work)

    await recorder.stop()

    assert not recorder.alive
    assert system.dead_letters.count == 1


async def test_stopping_without_draining_leaves_everything_unread(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)
    await suspend(recorder)
    for number in range(ROOM):
        recorder.cast(number)

    await recorder.stop(drain=False)

    assert log == []
    assert [letter.message for letter in system.dead_letters] == list(range(ROOM))


async def test_what_a_dead_actor_leaves_unread_is_a_dead_letter_of_its_sender(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    ada, joe = await system.start(Probe), await system.start(Probe)
    recorder = await system.start(kind(Recorder), [], mailbox=rules)
    await suspend(recorder)

    await does(ada, lambda _me: recorder.cast(1))
    await does(joe, lambda _me: recorder.send(2))
    recorder.cast(3)
    await does(joe, lambda _me: recorder.cast_wait(4))
    await does(ada, lambda _me: recorder.cast(5))
    recorder.kill()
    await recorder.wait()

    letters = [(letter.message, letter.kind, letter.sender) for letter in system.dead_letters]
    assert letters == [(1, "cast", ada), (2, "info", joe), (3, "cast", None), (4, "cast", joe), (5, "cast", ada)]
    assert {letter.reason for letter in system.dead_letters} == {recorder.reason}


async def test_calls_fail_at_once_with_the_actor(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    recorder = await system.start(kind(Recorder), [], mailbox=rules)
    await suspend(recorder)
    requests = [recorder.send_request(number) for number in range(3)]

    recorder.kill()
    await recorder.wait()

    assert trio.current_time() == 0.0
    for request in requests:
        with pytest.raises(ActorExitedError):
            request.check()
    with pytest.raises(NoProcessError):
        await recorder.call("late")
    assert system.dead_letters.count == 0


async def test_a_suspended_actor_keeps_what_is_sent_to_it(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    log: list[object] = []
    recorder = await system.start(kind(Recorder), log, mailbox=rules)
    await suspend(recorder)

    recorder.cast("cast")
    await trio.sleep(10)
    held = list(log)
    await drained(recorder)

    assert (held, log) == ([], ["cast"])


async def test_what_is_set_aside_comes_back_in_its_order_ahead_of_what_waits(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    log: list[object] = []
    gated = await system.start(kind(Gated), log, mailbox=rules)

    gated.cast(1)
    gated.send(2)
    request = gated.send_request(3)
    await drained(gated)
    await suspend(gated)
    gated.cast(open_up)
    gated.cast(4)
    set_aside = counts(get_statistics(gated))
    await drained(gated)

    assert set_aside == (5, 0, 5, 0)
    assert log == [1, 2, 3, 4]
    assert request.answered
    assert counts(get_statistics(gated)) == (5, 5, 0, 0)


async def test_what_is_set_aside_in_two_turns_keeps_its_order(system: ActorSystem, rules: Mailbox, kind: Kind) -> None:
    log: list[object] = []
    gated = await system.start(kind(Gated), log, mailbox=rules)

    gated.cast(1)
    gated.cast(2)
    gated.cast(lambda me: me.unstash() and None)
    gated.cast(3)
    await drained(gated)
    gated.cast(open_up)
    await drained(gated)

    assert log == [1, 2, 3]


async def test_a_message_that_is_put_back_by_its_own_handler_is_handled_once_more(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    times: list[int] = []

    def back_and_forth(me: Recorder) -> None:
        times.append(len(times))
        if len(times) < 3:
            me.stash()
            assert me.unstash() == 1

    recorder = await system.start(kind(Recorder), [], mailbox=rules)

    recorder.cast(back_and_forth)
    await drained(recorder)

    assert times == [0, 1, 2]
    assert counts(get_statistics(recorder)) == (1, 1, 0, 0)


async def test_what_was_set_aside_is_unread_when_its_actor_ends(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    ada = await system.start(Probe)
    gated = await system.start(kind(Gated), [], mailbox=rules)

    await does(ada, lambda _me: gated.cast(1))
    request = gated.send_request(2)
    gated.send(3)
    await drained(gated)
    gated.kill()
    await wait_all_tasks_blocked()

    assert [(letter.message, letter.sender) for letter in system.dead_letters] == [(1, ada), (3, None)]
    with pytest.raises(ActorExitedError):
        request.check()


async def test_a_handler_that_sets_aside_and_fails_leaves_its_message_unread(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    def fail(me: Recorder) -> None:
        me.stash()
        raise ValueError("after setting aside")

    recorder = await system.start(kind(Recorder), [], mailbox=rules)

    recorder.cast(fail)
    await recorder.wait()

    assert [letter.message for letter in system.dead_letters] == [fail]


async def test_a_priority_that_is_none_is_refused_and_harms_nobody(
    system: ActorSystem, rules: Mailbox, kind: Kind
) -> None:
    recorder = await system.start(kind(Recorder), [], mailbox=rules)
    await suspend(recorder)
    for _ in range(ROOM):
        recorder.cast("fill")

    for priority in (7, "HIGH", None):
        with pytest.raises(TypeError, match=f"the priority of a message to <Recorder #.*> is {priority!r}"):
            recorder.cast("message", priority=priority)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="allowed is Priority: LOW, NORMAL, HIGH, CRITICAL"):
            await recorder.cast_wait("message", priority=priority)  # type: ignore[arg-type]
    await drained(recorder)

    assert counts(get_statistics(recorder)) == (ROOM, ROOM, 0, 0)
