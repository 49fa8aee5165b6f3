"""Other threads reach an actor through `from_thread`: in order, without loss, and never for ever."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

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
    Caller,
    CallTimeoutError,
    FromThread,
    Mailbox,
    NoProcessError,
    Priority,
    SystemClosedError,
    WrongThreadError,
    get_statistics,
    open_system,
    resume,
    suspend,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.actors.kinds import Kind


class Till(Actor):
    """Remembers what it was sent."""

    def __init__(self) -> None:
        self.seen: list[object] = []
        self.callers: list[Caller] = []

    def handle_call(self, message: object, caller: Caller) -> object:
        if message == "refuse":
            caller.refuse(LookupError("no such thing"))
            return NO_REPLY
        if message == "later":
            self.callers.append(caller)
            return NO_REPLY
        if message == "crash":
            raise ValueError(message)
        return list(self.seen)

    def handle_cast(self, message: object) -> None:
        self.seen.append(message)

    def handle_info(self, message: object) -> None:
        self.seen.append(("info", message))


async def in_thread(function: Callable[[], Any]) -> Any:
    return await trio.to_thread.run_sync(function)


async def test_a_cast_from_a_foreign_thread_without_from_thread_raises_and_stalls_nothing(
    system: ActorSystem, kind: Kind
) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(WrongThreadError):
        await trio.to_thread.run_sync(till.cast, "lost")
    till.cast("kept")

    assert await till.call("seen") == ["kept"]


async def test_what_one_thread_casts_and_sends_arrives_in_order(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    foreign = FromThread(till, system)

    def send_all() -> Any:
        for number in range(3000):
            foreign.cast(number)
        foreign.send("last")
        return foreign.call("seen", timeout=None)

    assert await in_thread(send_all) == [*range(3000), ("info", "last")]


async def test_a_call_raises_what_the_handler_refused_with(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(LookupError, match="no such thing"):
        await in_thread(lambda: FromThread(till, system).call("refuse", timeout=None))


async def test_a_call_of_one_that_crashes_tells_why(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(ActorExitedError, match="ValueError: crash"):
        await in_thread(lambda: FromThread(till, system).call("crash", timeout=None))


async def test_a_call_of_the_dead_finds_no_process(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await till.stop()

    with pytest.raises(NoProcessError):
        await in_thread(lambda: FromThread(till, system).call("seen", timeout=None))


async def test_a_call_ends_when_its_time_is_over(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    with pytest.raises(CallTimeoutError, match=r"within 7\.0 s"):
        await in_thread(lambda: FromThread(till, system).call("later", timeout=7.0))

    assert trio.current_time() == 7.0


async def test_a_call_in_the_systems_own_thread_is_refused(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), name="till")

    with pytest.raises(WrongThreadError, match=r"<till #2> answers on this thread .* use 'await ref.call'"):
        FromThread(till, system).call("seen")


async def test_a_cast_in_the_systems_own_thread_arrives_soon(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    FromThread(till, system).cast("hello")
    await wait_all_tasks_blocked()

    assert await till.call("seen") == ["hello"]


@pytest.mark.parametrize("timeout", [-1.0, "5", float("nan")])
async def test_a_timeout_that_is_none_is_refused(system: ActorSystem, timeout: Any) -> None:
    till = await system.start(Till)

    with pytest.raises(ValueError, match="timeout is a number of seconds"):
        await in_thread(lambda: FromThread(till, system).call("seen", timeout=timeout))


async def test_what_a_thread_sends_has_its_priority(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), mailbox=Mailbox(priority=True))
    foreign = FromThread(till, system)
    await suspend(till)

    foreign.cast("low", priority=Priority.LOW)
    foreign.cast("normal")
    foreign.send("high", priority=Priority.HIGH)
    await wait_all_tasks_blocked()
    await resume(till)
    await wait_all_tasks_blocked()

    seen = await in_thread(lambda: foreign.call("seen", timeout=None, priority=Priority.CRITICAL))
    assert seen == [("info", "high"), "normal", "low"]


@pytest.mark.parametrize("way", [FromThread.cast, FromThread.send, FromThread.call], ids=["cast", "send", "call"])
async def test_a_priority_that_is_none_is_refused_in_the_thread(system: ActorSystem, way: Any) -> None:
    foreign = FromThread(await system.start(Till), system)

    with pytest.raises(TypeError, match="the priority of a message is a Priority; got 'high'"):
        await in_thread(lambda: way(foreign, "hello", priority="high"))


async def test_what_a_full_mailbox_rejects_is_a_dead_letter(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till), mailbox=Mailbox(max_messages=1, overflow="reject"))
    foreign = FromThread(till, system)
    await suspend(till)

    foreign.cast("fits")
    foreign.cast("too much")
    foreign.send("also too much")
    await wait_all_tasks_blocked()

    assert [letter.message for letter in system.dead_letters] == ["too much", "also too much"]


async def test_what_comes_for_the_dead_is_a_dead_letter(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await till.stop()

    await in_thread(lambda: FromThread(till, system).cast("unread"))
    await wait_all_tasks_blocked()

    assert [(letter.message, letter.target) for letter in system.dead_letters] == [("unread", till)]


async def test_a_name_is_looked_up_when_the_message_is_passed_on(system: ActorSystem, kind: Kind) -> None:
    name = system.named("till")
    first = await system.start(kind(Till), name="till")
    foreign = FromThread(name, system)

    foreign.cast("for the second")
    first.kill()
    second = await system.start(kind(Till), name="till")
    await wait_all_tasks_blocked()

    assert await second.call("seen") == ["for the second"]


async def test_what_comes_for_a_name_that_nobody_has_is_a_dead_letter(system: ActorSystem) -> None:
    name = system.named("nobody")

    FromThread(name, system).cast("unread")
    await wait_all_tasks_blocked()
    with pytest.raises(NoProcessError):
        await in_thread(lambda: FromThread(name, system).call("seen", timeout=None))

    assert [letter.message for letter in system.dead_letters] == ["unread"]


class Broken:
    """A registry that cannot be asked."""

    def register(self, name: str, ref: ActorRef) -> None:
        """Take anything."""

    def unregister(self, name: str, ref: ActorRef) -> None:
        """Give back anything."""

    def whereis(self, name: str) -> ActorRef | None:
        raise OSError("the registry is away")


async def test_what_cannot_be_sent_is_reported_and_harms_nobody(
    system: ActorSystem, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    till = await system.start(kind(Till))

    FromThread(system.named("till", via=Broken()), system).cast("lost")
    FromThread(till, system).cast("kept")
    await wait_all_tasks_blocked()

    assert await till.call("seen") == ["kept"]
    assert "'lost' of another thread could not be sent" in caplog.text


@pytest.mark.parametrize(
    "ask",
    [lambda till: till.cast("late"), lambda till: till.send("late"), lambda till: till.call("late")],
    ids=["cast", "send", "call"],
)
async def test_a_system_that_has_been_left_takes_nothing(kind: Kind, ask: Callable[[FromThread], object]) -> None:
    async with open_system() as system:
        foreign = FromThread(await system.start(kind(Till), name="till"), system)

    with pytest.raises(SystemClosedError, match="<till #2> can be sent nothing any more"):
        await in_thread(lambda: ask(foreign))


def test_a_system_whose_trio_has_ended_takes_nothing() -> None:
    async def main() -> FromThread:
        system = ActorSystem(kill_grace=1.0)
        return FromThread(system.named("till"), system)

    foreign = trio.run(main)

    with pytest.raises(SystemClosedError):
        foreign.cast("late")


async def test_a_call_ends_when_the_system_is_left(kind: Kind, autojump_clock: object) -> None:
    errors: list[BaseException] = []

    def call(foreign: FromThread) -> None:
        with pytest.raises(ActorExitedError) as raised:
            foreign.call("later", timeout=None)
        errors.append(raised.value)

    async with trio.open_nursery() as nursery, open_system() as system:
        till = await system.start(kind(Till))
        nursery.start_soon(trio.to_thread.run_sync, call, FromThread(till, system))
        while get_statistics(till).handled == 0:
            await trio.lowlevel.checkpoint()

    [error] = errors
    assert isinstance(error, ActorExitedError)
    assert error.reason == SHUTDOWN


async def test_a_call_that_was_not_passed_on_ends_when_the_system_is_left() -> None:
    outcomes: list[str] = []

    def call(foreign: FromThread) -> None:
        with pytest.raises(SystemClosedError) as raised:
            foreign.call("never heard", timeout=None)
        outcomes.append(str(raised.value))

    async with trio.open_nursery() as nursery:
        system = ActorSystem(kill_grace=1.0)
        foreign = FromThread(system.named("till"), system)
        nursery.start_soon(trio.to_thread.run_sync, call, foreign)
        while "0 waiting" in repr(system.entry):
            await trio.lowlevel.checkpoint()

        system.entry.close()

    assert outcomes == ["the system of <name till> was left before it answered 'never heard'"]


@pytest.mark.slow
def test_a_call_ends_when_trio_ends_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.from_thread.LOOK_AGAIN", 0.01)
    outcomes: list[BaseException] = []

    def call(foreign: FromThread) -> None:
        with pytest.raises(SystemClosedError) as raised:
            foreign.call("never heard", timeout=None)
        outcomes.append(raised.value)

    async def main() -> threading.Thread:
        system = ActorSystem(kill_grace=1.0)
        thread = threading.Thread(target=call, args=[FromThread(system.named("till"), system)], daemon=True)
        thread.start()
        while "0 waiting" in repr(system.entry):
            await trio.lowlevel.checkpoint()
        return thread

    trio.run(main).join(20.0)

    assert len(outcomes) == 1


@pytest.mark.slow
async def test_a_call_to_a_blocked_node_ends_and_is_not_handled_afterwards(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.from_thread.GRACE", 0.01)
    outcomes: list[str] = []
    over = threading.Event()

    def call(foreign: FromThread) -> None:
        with pytest.raises(CallTimeoutError) as raised:
            foreign.call("never heard", timeout=0.01)
        outcomes.append(str(raised.value))
        over.set()

    async with open_system() as system:
        till = await system.start(kind(Till), name="till")
        thread = threading.Thread(target=call, args=[FromThread(till, system)], daemon=True)
        thread.start()
        assert over.wait(20.0)
        await wait_all_tasks_blocked()
        assert get_statistics(till).received == 0

    assert outcomes == ["<till #2> did not answer 'never heard' within 0.01 s; its node is blocked"]


class Busy(Actor):
    """Casts to itself for ever."""

    def handle_cast(self, message: object) -> None:
        self.ref.cast(message)


@pytest.mark.slow
async def test_four_threads_that_cast_to_a_busy_node_lose_nothing(kind: Kind) -> None:
    threads, each = 4, 10_000
    async with open_system() as system:
        for _ in range(5):
            (await system.start(kind(Busy))).cast("go on")
        till = await system.start(kind(Till))
        foreign = FromThread(till, system)

        def cast_all(thread: int) -> None:
            for number in range(each):
                foreign.cast((thread, number))

        async with trio.open_nursery() as nursery:
            for thread in range(threads):
                nursery.start_soon(trio.to_thread.run_sync, cast_all, thread)
        seen: list[tuple[int, int]] = await in_thread(lambda: foreign.call("seen", timeout=None))

    assert len(seen) == threads * each
    for thread in range(threads):
        assert [number for sender, number in seen if sender == thread] == list(range(each))


@pytest.mark.slow
async def test_a_thread_that_casts_now_and_then_is_not_starved_by_a_busy_node(kind: Kind) -> None:
    async with open_system() as system:
        for _ in range(5):
            (await system.start(kind(Busy))).cast("go on")
        foreign = FromThread(await system.start(kind(Till)), system)
        foreign.cast("first")

        def cast_now_and_then() -> float:
            began = time.monotonic()
            for number in range(100):
                foreign.cast(number)
                time.sleep(0.0001)
            return time.monotonic() - began

        seconds = await in_thread(cast_now_and_then)

    assert seconds < 4.0
