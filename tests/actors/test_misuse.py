"""Misuse: what nobody should do, and what somebody will do, ends at once with a reason, and harms nobody else."""

from __future__ import annotations

import dataclasses
import logging
import weakref
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from actors import (
    KILLED,
    SHUTDOWN,
    Actor,
    ActorError,
    ActorExitedError,
    ActorRef,
    ActorSystem,
    BadReturnError,
    Caller,
    Crash,
    ExitReason,
    Status,
    get_state,
    open_system,
)
from tests.actors.deaths import VICTIMS, Blow, Victim
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(params=VICTIMS)
def victim(request: pytest.FixtureRequest) -> type[Victim]:
    return VICTIMS[request.param]


def acting(act: Callable[[Victim], Any]) -> Blow:
    """Return a message that has the victim do *act*."""
    return Blow(act, KILLED)


async def reason_of_call(ref: ActorRef, message: object) -> ExitReason:
    """Return why *ref* died before it answered *message*."""
    with pytest.raises(ActorExitedError) as caught:
        await ref.call(message, timeout=None)
    return caught.value.reason


async def other(value: object) -> object:
    """Return *value*; to be forgotten to be awaited."""
    return value


async def test_a_coroutine_that_a_handler_forgot_to_await_is_a_bad_return(system: ActorSystem) -> None:
    class Forgetful(Actor):
        async def handle_call(self, message: object, caller: Caller) -> Any:
            return other(message)

    ref = await system.start(Forgetful)

    reason = await reason_of_call(ref, "question")

    assert isinstance(reason, Crash)
    assert isinstance(reason.cause, BadReturnError)
    assert trio.current_time() == 0.0


async def test_a_coroutine_that_a_def_handler_returns_is_awaited(system: ActorSystem) -> None:
    class Deferring(Actor):
        def handle_call(self, message: object, caller: Caller) -> Any:
            return other(message)

    ref = await system.start(Deferring)

    assert await ref.call("question", timeout=None) == "question"


async def test_a_handler_that_is_a_generator_is_a_bad_return(system: ActorSystem) -> None:
    class Yielding(Actor):
        async def handle_cast(self, message: object) -> Any:
            yield message

        def handle_info(self, message: object) -> Iterator[object]:
            yield message

    one = await system.start(Yielding)
    another = await system.start(Yielding)

    one.cast("message")
    another.send("message")

    for ref in (one, another):
        reason = await ref.wait()
        assert isinstance(reason, Crash)
        assert isinstance(reason.cause, BadReturnError)


class Dead:
    """Something to hold a weak reference to."""


def dangling() -> Any:
    """Return an object that cannot even be asked for its class."""
    return weakref.proxy(Dead())


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class Unspeakable(Exception):  # noqa: N818 -- it is what it is
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize("make", [dangling, Unprintable], ids=["dangling", "unprintable"])
async def test_a_message_that_cannot_be_looked_at_does_no_more_than_end_its_actor(
    system: ActorSystem, victim: type[Victim], make: Callable[[], object]
) -> None:
    def crash(me: Victim) -> None:
        raise ValueError("boom")

    ref = await system.start(victim)
    ref.cast(make())
    ref.cast(acting(crash))
    ref.cast(make())

    assert isinstance(await ref.wait(), Crash)
    ref.cast(make())
    assert trio.current_time() == 0.0


async def test_a_call_with_a_message_that_cannot_be_shown_fails_as_any_other(
    system: ActorSystem, victim: type[Victim]
) -> None:
    ref = await system.start(victim)
    ref.cast(acting(lambda me: me.ref.kill()))

    assert await reason_of_call(ref, Unprintable()) == KILLED
    assert trio.current_time() == 0.0


async def test_an_exception_that_cannot_be_shown_is_a_reason_as_any_other(
    system: ActorSystem, victim: type[Victim]
) -> None:
    error = Unspeakable()

    def crash(me: Victim) -> None:
        raise error

    ref = await system.start(victim)

    reason = await reason_of_call(ref, acting(crash))

    assert isinstance(reason, Crash)
    assert reason.cause is error
    assert trio.current_time() == 0.0


@pytest.mark.parametrize("result", [None, "text", SystemExit(3), ValueError("no")], ids=repr)
async def test_a_format_status_that_fails_hides_everything_and_keeps_nobody_waiting(
    system: ActorSystem, victim: type[Victim], result: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(victim):  # type: ignore[misc, valid-type] # each kind is a class of its own
        def format_status(self, status: Status) -> Any:
            if isinstance(result, BaseException):
                raise result
            return result

    def crash(me: Victim) -> None:
        raise ValueError("secret")

    ref = await system.start(Failing)

    assert isinstance(await reason_of_call(ref, acting(crash)), Crash)
    assert "secret" not in caplog.text
    assert trio.current_time() == 0.0


async def test_a_broken_logging_handler_keeps_nobody_from_dying(
    system: ActorSystem, victim: type[Victim], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(record: logging.LogRecord) -> bool:
        raise RuntimeError("no log")

    def crash(me: Victim) -> None:
        raise ValueError("boom")

    monkeypatch.setattr(logging.getLogger("actors"), "filters", [fail])
    ref = await system.start(victim)

    assert isinstance(await reason_of_call(ref, acting(crash)), Crash)
    assert trio.current_time() == 0.0


async def test_a_logging_handler_may_be_an_actor(system: ActorSystem, victim: type[Victim]) -> None:
    class Forwarding(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.send(record.levelname)

    def crash(me: Victim) -> None:
        raise ValueError("boom")

    log = await system.start(Probe)
    handler = Forwarding(logging.ERROR)
    logging.getLogger("actors").addHandler(handler)
    try:
        ref = await system.start(victim)
        await reason_of_call(ref, acting(crash))
    finally:
        logging.getLogger("actors").removeHandler(handler)

    assert await log.call(received) == ["ERROR"]


async def test_the_root_survives_what_it_does_not_know(system: ActorSystem, victim: type[Victim]) -> None:
    ref = await system.start(victim)

    system.root.cast("message")
    system.root.send("message")
    with pytest.raises(ActorError):
        await system.root.call("question", timeout=1.0)

    assert await ref.call("question", timeout=None) is None
    assert trio.current_time() == 0.0


@attrs.define
class Slotted(Actor):
    total: int = 0

    def init(self) -> None:
        self.trap_exit = True

    def handle_call(self, message: object, caller: Caller) -> int:
        return self.total


@dataclasses.dataclass(slots=True)
class SlottedDataclass(Actor):
    total: int = 0

    def handle_call(self, message: object, caller: Caller) -> int:
        return self.total


@attrs.define(eq=True)
class Unhashable(Actor):
    total: int = 0

    def handle_call(self, message: object, caller: Caller) -> int:
        return self.total


@pytest.mark.parametrize("actor", [Slotted, SlottedDataclass, Unhashable])
async def test_an_actor_may_be_any_sort_of_class(system: ActorSystem, actor: type[Actor]) -> None:
    ref = await system.start(actor, 3)

    assert await ref.call("total") == 3
    assert (await get_state(ref))["total"] == 3


async def test_a_slotted_actor_can_trap_exits(system: ActorSystem) -> None:
    ref = await system.start(Slotted)

    ref.exit(SHUTDOWN)

    assert await ref.call("total", timeout=None) == 0


@pytest.mark.parametrize(
    "cast",
    [lambda ref: ref.cast("message"), lambda ref: ref.send("message"), lambda ref: ref.kill()],
    ids=["cast", "send", "kill"],
)
async def test_another_thread_is_refused_before_anything_is_touched(
    victim: type[Victim], cast: Callable[[ActorRef], None]
) -> None:
    async with open_system() as system:
        ref = await system.start(victim)
        await ref.call("question")

        with pytest.raises((RuntimeError, ActorError)):
            await trio.to_thread.run_sync(cast, ref)

        assert await ref.call(acting(lambda me: "still here"), timeout=1.0) == "still here"
