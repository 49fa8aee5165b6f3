"""Casts: handled in order, never waited for, and dead letters when nobody handles them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    BadReturnError,
    Crash,
    DeadLetter,
    ExitReason,
    Stop,
    Timeout,
    UndefinedHandlerError,
    get_state,
)
from tests.actors.probe import Probe, busy, received

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


@attrs.frozen
class Report:
    """Report to somebody, at once or in some time."""

    to: ActorRef
    seconds: float = 0


class Worker(Actor):
    """Does what it is cast, and keeps it."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.to: ActorRef | None = None

    def handle_cast(self, message: object) -> Any:
        self.seen.append(message)
        match message:
            case Report(to, 0):
                to.send("handled")
            case Report(to, seconds):
                self.to = to
                self.timeout_after(seconds)
            case Stop():
                return message
            case ("return", result):
                return result
            case Exception():
                raise message
        return None

    def handle_info(self, message: object) -> None:
        if message == Timeout() and self.to is not None:
            self.to.send("delayed")


class Slow(Actor):
    """Takes a second over every message."""

    def __init__(self) -> None:
        self.done: list[object] = []

    async def handle_cast(self, message: object) -> None:
        await trio.sleep(1)
        self.done.append(message)


async def test_cast_is_handled(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker), name="worker")
    probe = await system.start(Probe)

    system.named("worker").cast(Report(probe))
    await wait_all_tasks_blocked()

    assert await probe.call(received) == ["handled"]
    assert worker.alive


async def test_cast_is_handled_with_delay(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    probe = await system.start(Probe)

    worker.cast(Report(probe, 2.0))
    await trio.sleep(1.9)
    before = await probe.call(received)
    await trio.sleep(0.2)

    assert before == []
    assert await probe.call(received) == ["delayed"]


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Crash("stopped")], ids=str)
async def test_cast_stops_the_actor(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    worker = await system.start(kind(Worker), name="worker")

    worker.cast(Stop(reason))

    assert await worker.wait() == reason
    assert system.whereis("worker") is None
    assert trio.current_time() == 0


async def test_cast_does_not_wait(system: ActorSystem) -> None:
    slow = await system.start(Slow)

    for number in range(100):
        slow.cast(number)

    assert (await get_state(slow))["done"] == []
    assert trio.current_time() == 0


async def test_cast_does_not_run_the_handler_before_it_returns(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    worker.cast("hello")

    assert (await get_state(worker))["seen"] == []


async def test_casts_are_handled_in_the_order_they_were_sent(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    for number in range(500):
        worker.cast(number)
    await wait_all_tasks_blocked()

    assert (await get_state(worker))["seen"] == list(range(500))


async def test_cast_may_send_any_object(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    messages: list[object] = [None, False, 0, "", NORMAL, Timeout(), worker, Worker]

    for message in messages:
        worker.cast(message)
    await wait_all_tasks_blocked()

    assert (await get_state(worker))["seen"] == messages


async def test_cast_that_makes_the_handler_raise_ends_the_actor(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    error = ValueError("boom")

    worker.cast(error)

    reason = await worker.wait()
    assert isinstance(reason, Crash)
    assert reason.cause is error
    assert trio.current_time() == 0


@pytest.mark.parametrize("result", ["ok", 0, False, (), NORMAL, Stop(reply=1), Timeout], ids=repr)
async def test_cast_bad_return_names_it_and_what_is_allowed(system: ActorSystem, kind: Kind, result: object) -> None:
    worker = await system.start(kind(Worker), name="worker")

    worker.cast(("return", result))

    reason = await worker.wait()
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, BadReturnError)
    allowed = "None, and Continue and Stop without a reply"
    assert str(reason.cause) == f"handle_cast of <worker #2> returned {result!r}; allowed are {allowed}"
    assert trio.current_time() == 0


async def test_undef_handle_cast_ends_the_actor(system: ActorSystem, kind: Kind) -> None:
    class Deaf(Actor):
        def handle_call(self, message: object, caller: object) -> None: ...

    deaf = await system.start(kind(Deaf))

    deaf.cast("hello")

    reason = await deaf.wait()
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, UndefinedHandlerError)
    assert str(reason.cause) == "<Deaf #2> was cast 'hello', but its class defines no handle_cast"
    assert trio.current_time() == 0


async def test_cast_to_a_dead_actor_is_a_dead_letter(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    await worker.stop(SHUTDOWN)
    await trio.sleep(3)

    worker.cast("hello")
    worker.send("hello again")

    assert system.dead_letters.count == 2
    assert list(system.dead_letters) == [
        DeadLetter("hello", "cast", None, worker, SHUTDOWN, 3.0),
        DeadLetter("hello again", "info", None, worker, SHUTDOWN, 3.0),
    ]


async def test_cast_to_a_name_that_nobody_has_is_a_dead_letter(system: ActorSystem) -> None:
    nobody = system.named("nobody")

    nobody.cast("hello")
    nobody.send("hello again")

    assert system.dead_letters.count == 2
    assert list(system.dead_letters) == [
        DeadLetter("hello", "cast", None, nobody, NOPROC, 0.0),
        DeadLetter("hello again", "info", None, nobody, NOPROC, 0.0),
    ]


async def test_what_an_actor_leaves_unread_is_a_dead_letter(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    worker.cast(Stop(Crash("broke")))
    worker.cast("unread")
    worker.send("unread as well")

    await worker.wait()

    assert [letter.message for letter in system.dead_letters] == ["unread", "unread as well"]
    assert {letter.reason for letter in system.dead_letters} == {Crash("broke")}


async def test_what_is_being_handled_when_the_actor_is_killed_is_no_dead_letter(system: ActorSystem) -> None:
    slow = await system.start(Slow)
    slow.cast("handled in part")
    slow.cast("unread")
    await wait_all_tasks_blocked()

    slow.kill()

    assert await slow.wait() == KILLED
    assert [letter.message for letter in system.dead_letters] == ["unread"]
    assert trio.current_time() == 0


async def test_the_messages_of_the_runtime_are_no_dead_letters(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    probe = await system.start(Probe, trap_exit=True)
    await probe.call(lambda me: worker.monitor())
    await probe.call(lambda me: worker.link())
    probe.send_request(busy)
    await wait_all_tasks_blocked()
    worker.kill()

    probe.kill()

    assert await probe.wait() == KILLED
    assert system.dead_letters.count == 0


async def test_all_dead_letters_are_counted_and_the_latest_are_kept(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    await worker.stop()

    for number in range(1_500):
        worker.cast(number)

    assert system.dead_letters.count == 1_500
    assert [letter.message for letter in system.dead_letters] == list(range(500, 1_500))
    assert str(system.dead_letters) == "<DeadLetters: 1500, 1000 kept>"
