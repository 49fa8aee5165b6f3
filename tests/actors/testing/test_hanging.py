"""Tests in which everybody waits for ever, run as the plugin runs them."""

import signal
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from types import FrameType
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors import Actor, Caller, open_system, suspend
from actors.telemetry import attached
from actors.testing import hanging, start_probe
from actors.testing.async_fixtures import PendingFixture, run_test
from actors.testing.hanging import HangError


class Waiting(Actor):
    async def handle_call(self, message: str, caller: Caller) -> None:
        with trio.CancelScope(shield=message == "shielded"):
            await trio.sleep_forever()


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hanging, "GRACE", 0.05)
    monkeypatch.setattr(hanging, "GRACE_FOR_THREADS", 30.0)


def run(test: Callable[..., Awaitable[None]], **available: object) -> None:
    run_test(test, {"virtual_time": MockClock(autojump_threshold=0), **available})


def hang_of(test: Callable[..., Awaitable[None]], **available: object) -> str:
    with pytest.raises(HangError) as caught:
        run(test, **available)
    return str(caught.value)


def test_names_the_line_at_which_the_test_waits() -> None:
    async def test() -> None:
        await trio.sleep(12.0)
        await trio.Event().wait()

    with pytest.raises(HangError, match="everybody waits for ever: nothing is due any more at 12 s") as caught:
        run(test)

    line = test.__code__.co_firstlineno + 2
    assert f"the test waits at test_hanging.py:{line} in {test.__qualname__}" in str(caught.value)
    assert caught.traceback[-1].frame.code.raw is test.__code__


def test_names_who_was_called_and_what_that_is_doing() -> None:
    async def test() -> None:
        async with open_system() as system:
            bank = await system.start(Waiting, name="bank")
            await bank.call("tea", timeout=None)

    told = hang_of(test)

    assert "for <bank #2> to answer 'tea'" in told
    assert "<bank #2> handles 'tea', and 0 messages wait; it waits at test_hanging.py:" in told
    assert "in Waiting.handle_call" in told


def test_names_who_was_called_while_calls_are_told_of() -> None:
    async def test() -> None:
        async with open_system() as system:
            bank = await system.start(Waiting, name="bank")
            await bank.call("tea", timeout=None)

    with attached("actor.call.start", lambda *_: None):
        told = hang_of(test)

    assert "for <bank #2> to answer 'tea'" in told


def test_names_who_is_suspended_with_messages_waiting() -> None:
    async def test() -> None:
        async with open_system() as system:
            bank = await system.start(Waiting, name="bank")
            await suspend(bank)
            await bank.call("tea", timeout=None)

    assert "<bank #2>: 1 message waits; it is suspended" in hang_of(test)


def test_names_the_tasks_of_the_test() -> None:
    async def poll() -> None:
        await trio.Event().wait()

    async def test() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(poll)
            nursery.start_soon(trio.Event().wait)

    told = hang_of(test)

    assert f"in {poll.__qualname__}" in told
    assert "the task trio.Event.wait waits" in told


def test_a_fixture_that_waits_for_ever_is_named() -> None:
    @asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        yield
        await trio.Event().wait()

    async def test(fixture: None) -> None:
        """Need it."""

    assert f"in {test_a_fixture_that_waits_for_ever_is_named.__name__}" in hang_of(
        test, fixture=PendingFixture(opened, {})
    )


def test_what_is_shielded_is_ended_too() -> None:
    async def test() -> None:
        async with open_system() as system:
            bank = await system.start(Waiting, name="bank")
            await bank.call("shielded", timeout=None)

    assert "<bank #2> handles 'shielded'" in hang_of(test)


def test_a_test_that_swallows_its_cancellation_has_failed_nevertheless() -> None:
    async def test() -> None:
        try:
            await trio.Event().wait()
        except trio.Cancelled:
            return

    assert "everybody waits" in hang_of(test)


def test_who_waits_for_a_thread_is_left_to_wait() -> None:
    waited: list[float] = []

    async def test() -> None:
        await trio.to_thread.run_sync(time.sleep, 0.2)
        waited.append(0.2)

    run(test)

    assert waited == [0.2]


def test_a_thread_of_the_tests_own_may_still_wake_it() -> None:
    async def test() -> None:
        token = trio.lowlevel.current_trio_token()
        thread = threading.Timer(0.2, token.run_sync_soon, [woken.set])
        thread.start()
        await woken.wait()
        thread.join()

    woken = trio.Event()
    run(test)

    assert woken.is_set()


def test_who_looks_again_and_again_whether_all_wait_does_not_hang() -> None:
    async def test() -> None:
        while time.perf_counter() < end:
            await wait_all_tasks_blocked()

    end = time.perf_counter() + 0.2
    run(test)

    assert time.perf_counter() >= end


def test_a_test_that_fails_by_itself_fails_with_that() -> None:
    async def test() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        run(test)


def test_the_expectation_of_a_probe_ends_before_the_test_hangs() -> None:
    ended = []

    async def test() -> None:
        async with open_system() as system:
            await (await start_probe(system)).expect_none(3600.0)
            ended.append(trio.current_time())

    run(test)

    assert ended == [3600.0]


@pytest.fixture
def alarm() -> Iterator[None]:
    """Have what pytest-timeout has: a handler that fails the test where it is."""

    def fail(number: int, frame: FrameType | None) -> Any:
        pytest.fail("too long")

    before = signal.signal(signal.SIGALRM, fail)
    yield
    signal.signal(signal.SIGALRM, before)


def test_a_limit_in_real_time_ends_a_test_in_order_and_tells_who_waits(alarm: None) -> None:
    closed = []

    async def test() -> None:
        async with open_system() as system:
            try:
                bank = await system.start(Waiting, name="bank")
                signal.setitimer(signal.ITIMER_REAL, 0.05)
                await bank.call("tea", timeout=None)
            finally:
                closed.append(True)

    with pytest.raises(HangError, match=r"too long\n  the test waits at .*for <bank #2> to answer 'tea'"):
        run_test(test, {})

    assert closed == [True]
    run(trio.sleep, seconds=1.0)


def test_a_limit_in_real_time_is_heard_where_a_task_never_waits(alarm: None) -> None:
    async def test() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        while True:
            pass

    handler = signal.getsignal(signal.SIGALRM)

    with pytest.raises(pytest.fail.Exception, match=r"too long"):
        run(test)

    assert signal.getsignal(signal.SIGALRM) is handler
