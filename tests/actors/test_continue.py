"""handle_continue: what a callback goes on with before any message that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import (
    IGNORE,
    KILLED,
    NO_REPLY,
    NORMAL,
    Actor,
    ActorExitedError,
    ActorSystem,
    BadReturnError,
    Caller,
    Continue,
    Crash,
    ExitReason,
    Stop,
    UndefinedHandlerError,
    get_state,
    suspend,
)

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


@attrs.frozen
class Then:
    """Send yourself a message, and return this."""

    result: object


class Worker(Actor):
    """Continues as it is told, and keeps the order in which its callbacks ran."""

    def __init__(self, result: object = None) -> None:
        self.result = result
        self.seen: list[object] = []
        self.callers: list[Caller] = []

    def init(self) -> object:
        return self.act("init", self.result)

    def handle_call(self, message: Then, caller: Caller) -> object:
        self.callers.append(caller)
        return self.act("call", message.result)

    def handle_cast(self, message: Then) -> object:
        return self.act("cast", message.result)

    def handle_info(self, message: Any) -> object:
        return self.act("info", message.result if isinstance(message, Then) else None)

    def handle_continue(self, argument: Any) -> object:
        self.seen.append(f"continue {argument}")
        match argument:
            case "reply":
                self.callers.pop().reply("replied")
            case "boom":
                raise ValueError(argument)
            case ("return", result):
                return result
        return None

    def act(self, callback: str, result: object) -> object:
        self.seen.append(callback)
        if result is not None:
            self.ref.send("a message that waits")
        return result


async def seen_by(worker: Any) -> list[object]:
    """Wait until *worker* has nothing to do, and return what its callbacks were."""
    await wait_all_tasks_blocked()
    seen: list[object] = (await get_state(worker))["seen"]
    return seen


async def test_continue_from_init(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker), Continue("work"))

    assert await seen_by(worker) == ["init", "continue work", "info"]


async def test_continue_from_init_does_not_keep_the_starter_waiting(system: ActorSystem) -> None:
    class Slow(Worker):
        async def handle_continue(self, argument: object) -> None:
            await trio.sleep(10)

    slow = await system.start(Slow, Continue())

    assert trio.current_time() == 0
    assert await slow.call(Then(None), timeout=None) is None
    assert trio.current_time() == 10


async def test_continue_from_init_runs_before_messages_that_came_during_init(system: ActorSystem, kind: Kind) -> None:
    class Early(Worker):
        async def init(self) -> Continue:
            await trio.sleep(1)
            return Continue("work")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: system.start(kind(Early), name="early"))
        await trio.sleep(0.5)
        system.named("early").cast(Then(None))

    assert await seen_by(system.named("early")) == ["continue work", "cast"]


async def test_continue_with_a_reply(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    reply = await worker.call(Then(Continue("work", reply="accepted")), timeout=None)

    assert reply == "accepted"
    assert await seen_by(worker) == ["init", "call", "continue work", "info"]


async def test_continue_without_a_reply_may_reply_itself(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    reply = await worker.call(Then(Continue("reply")), timeout=None)

    assert reply == "replied"
    assert await seen_by(worker) == ["init", "call", "continue reply", "info"]


async def test_continue_from_a_cast(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    worker.cast(Then(Continue("work")))

    assert await seen_by(worker) == ["init", "cast", "continue work", "info"]


async def test_continue_from_info(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    worker.send(Then(Continue("work")))

    assert await seen_by(worker) == ["init", "info", "continue work", "info"]


async def test_continue_chains(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    worker.send(Then(Continue(("return", Continue("work")))))

    assert (await seen_by(worker))[-2:] == ["continue work", "info"]
    assert len(await seen_by(worker)) == 5


async def test_continue_runs_before_every_message_that_waits(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    for number in range(3):
        worker.cast(Then(Continue(number)))

    expected: list[object] = ["init"]
    for number in range(3):
        expected += ["cast", f"continue {number}"]
    assert await seen_by(worker) == [*expected, "info", "info", "info"]


@pytest.mark.parametrize("reason", [NORMAL, Crash("stopped")], ids=str)
async def test_continue_stops_the_actor(system: ActorSystem, kind: Kind, reason: ExitReason) -> None:
    worker = await system.start(kind(Worker))

    worker.send(Then(Continue(("return", Stop(reason)))))

    assert await worker.wait() == reason
    assert trio.current_time() == 0


async def test_continue_that_raises_ends_the_actor(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    worker.send(Then(Continue("boom")))

    reason = await worker.wait()
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, ValueError)
    assert trio.current_time() == 0


async def test_continue_that_raises_after_init_ends_an_actor_that_has_started(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker), Continue("boom"))

    reason = await worker.wait()

    assert str(reason) == "ValueError: boom"
    assert trio.current_time() == 0


async def test_continue_that_raises_fails_the_call_it_owes_an_answer(system: ActorSystem, kind: Kind) -> None:
    worker = await system.start(kind(Worker))

    with pytest.raises(ActorExitedError) as caught:
        await worker.call(Then(Continue("boom")), timeout=None)

    assert str(caught.value.reason) == "ValueError: boom"
    assert await worker.wait() == caught.value.reason
    assert trio.current_time() == 0


async def test_continue_is_cut_off_by_a_kill(system: ActorSystem) -> None:
    class Slow(Worker):
        async def handle_continue(self, argument: object) -> None:
            await trio.sleep(10)

    slow = await system.start(Slow, Continue("work"))
    await wait_all_tasks_blocked()

    slow.kill()

    assert await slow.wait() == KILLED
    assert trio.current_time() == 0


async def test_continue_does_not_run_in_an_actor_that_is_killed_first(system: ActorSystem, kind: Kind) -> None:
    ran: list[object] = []

    class Hasty(Worker):
        def handle_continue(self, argument: object) -> None:
            ran.append(argument)

    hasty = await system.start(kind(Hasty))
    await suspend(hasty)
    hasty.cast(Then(Continue("work")))

    hasty.kill()

    assert await hasty.wait() == KILLED
    assert ran == []
    assert trio.current_time() == 0


@pytest.mark.parametrize("result", ["ok", 0, False, NO_REPLY, IGNORE, Continue("x", reply=1), Stop(reply=1)], ids=repr)
async def test_continue_bad_return_names_it_and_what_is_allowed(
    system: ActorSystem, kind: Kind, result: object
) -> None:
    worker = await system.start(kind(Worker), name="worker")

    worker.send(Then(Continue(("return", result))))

    reason = await worker.wait()
    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, BadReturnError)
    allowed = "None, and Continue and Stop without a reply"
    assert str(reason.cause) == f"handle_continue of <worker #2> returned {result!r}; allowed are {allowed}"
    assert trio.current_time() == 0


async def test_undef_handle_continue_ends_the_actor(system: ActorSystem, kind: Kind) -> None:
    class Deaf(Actor):
        def init(self) -> Continue:
            return Continue("work")

    deaf = await system.start(kind(Deaf))

    reason = await deaf.wait()

    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, UndefinedHandlerError)
    assert str(reason.cause) == "<Deaf #2> was to continue with 'work', but its class defines no handle_continue"
    assert trio.current_time() == 0
