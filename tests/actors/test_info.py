"""Messages for handle_info: whatever is neither a call nor a cast."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    NORMAL,
    SHUTDOWN,
    Actor,
    ActorRef,
    ActorSystem,
    BadReturnError,
    Crash,
    ExitReason,
    Stop,
    Timeout,
    get_state,
)
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from actors import Caller
    from tests.actors.kinds import Kind


@attrs.frozen
class Report:
    """Report to somebody, at once or in some time."""

    to: ActorRef
    seconds: float = 0


class Worker(Actor):
    """Does what it is sent."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.to: ActorRef | None = None

    def handle_info(self, message: object) -> Any:
        self.seen.append(message)
        match message:
            case Report(to, 0):
                to.send("handled")
            case Report(to, seconds):
                self.to = to
                self.timeout_after(seconds)
            case Timeout() if self.to is not None:
                self.to.send("delayed")
            case Stop():
                return message
            case ("return", result):
                return result
            case "undefined":
                return self.is_not_there()  # type: ignore[attr-defined]
        return None

    def handle_cast(self, message: object) -> None:
        self.seen.append(("cast", message))


class Quiet(Actor):
    """Defines no handle_info."""

    def handle_call(self, message: object, caller: Caller) -> object:
        return message


async def test_info_is_handled(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker), name="worker")
    probe = await system.start(Probe)

    system.named("worker").send(Report(probe))
    await wait_all_tasks_blocked()

    assert await probe.call(received) == ["handled"]
    assert worker.alive


async def test_info_is_handled_with_delay(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))
    probe = await system.start(Probe)

    worker.send(Report(probe, 2.0))
    await trio.sleep(1.9)
    before = await probe.call(received)
    await trio.sleep(0.2)

    assert before == []
    assert await probe.call(received) == ["delayed"]


@pytest.mark.parametrize("reason", [NORMAL, SHUTDOWN, Crash("stopped")], ids=str)
async def test_info_stops_the_actor(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    worker = await system.start(kind(Worker), name="worker")

    worker.send(Stop(reason))

    assert await worker.wait() == reason
    assert system.whereis("worker") is None
    assert trio.current_time() == 0


async def test_info_and_casts_of_one_sender_are_handled_in_their_order(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    for number in range(0, 100, 2):
        worker.send(number)
        worker.cast(number + 1)
    await wait_all_tasks_blocked()

    expected = [number if number % 2 == 0 else ("cast", number) for number in range(100)]
    assert (await get_state(worker))["seen"] == expected


@pytest.mark.parametrize("result", ["ok", 0, False, (), NORMAL, Stop(reply=1)], ids=repr)
async def test_info_bad_return_names_it_and_what_is_allowed(system: ActorSystem, kind: Kind, result: object) -> None:
    worker = await system.start(kind(Worker), name="worker")

    worker.send(("return", result))

    reason = await worker.wait()
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, BadReturnError)
    allowed = "None, and Continue and Stop without a reply"
    assert str(reason.cause) == f"handle_info of <worker #2> returned {result!r}; allowed are {allowed}"
    assert trio.current_time() == 0


async def test_undef_handle_info_logs_the_message_and_the_actor_lives(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = await system.start(kind(Quiet))

    quiet.send("hey")

    assert await quiet.call("hello", timeout=None) == "hello"
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.WARNING, "<Quiet #2> got 'hey', but its class defines no handle_info")
    ]


async def test_undef_in_handle_info_ends_the_actor(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    worker.send("undefined")

    reason = await worker.wait()
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, AttributeError)
    assert trio.current_time() == 0
