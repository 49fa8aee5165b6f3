"""A blocking function runs in a thread, and is abandoned by whoever does not wait for it any more."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import KILLED, Actor, ActorSystem, Caller, abandoned_threads, open_system, run_blocking
from actors.handover import handover_here

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


class Gate:
    """A blocking function that a test lets go on."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.ended = threading.Event()

    def pass_through(self) -> str:
        self.begun.set()
        assert self.opened.wait(20.0)
        self.ended.set()
        if self.error is not None:
            raise self.error
        return "passed"

    async def wait_begun(self) -> None:
        while not self.begun.is_set():
            await trio.lowlevel.checkpoint()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
async def system() -> AsyncIterator[ActorSystem]:
    """Open a system, on the clock that threads live by."""
    async with open_system() as system:
        yield system


class Worker(Actor):
    """Runs the blocking functions that it is called or cast with."""

    def __init__(self) -> None:
        self.results: list[object] = []

    async def handle_call(self, function: Callable[[], object], caller: Caller) -> object:
        return await run_blocking(function)

    async def handle_cast(self, function: Callable[[], object]) -> None:
        self.results.append(await run_blocking(function))

    async def terminate(self, reason: object) -> None:
        self.results.append("terminated")


async def until_nobody_is_abandoned() -> None:
    while abandoned_threads():
        await trio.lowlevel.checkpoint()


async def test_an_actor_gets_what_the_function_returns(system: ActorSystem) -> None:
    worker = await system.start(Worker)

    assert await worker.call(lambda: 7) == 7


async def test_a_task_that_is_no_actor_gets_what_the_function_returns() -> None:
    assert await run_blocking(divmod, 7, 2) == (3, 1)


async def test_what_the_function_raises_is_raised_where_it_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ZeroDivisionError):
        await run_blocking(divmod, 7, 0)

    assert caplog.records == []


async def test_the_thread_is_named_after_the_function_and_the_actor(system: ActorSystem) -> None:
    worker = await system.start(Worker, name="worker")

    def name() -> str:
        return threading.current_thread().name

    assert (await worker.call(name)).endswith("name for <worker #2>")
    assert await run_blocking(functools.partial(name)) == "partial"


async def test_a_function_that_is_async_is_refused() -> None:
    async def waits() -> None:
        await trio.lowlevel.checkpoint()

    with pytest.raises(TypeError, match=r"waits.* is async def: await it instead"):
        await run_blocking(waits)  # type: ignore[unused-coroutine]


async def test_the_node_goes_on_meanwhile(system: ActorSystem, gate: Gate) -> None:
    worker, other = await system.start(Worker), await system.start(Worker)
    worker.cast(gate.pass_through)
    await gate.wait_begun()

    assert await other.call(lambda: "here") == "here"
    assert not gate.ended.is_set()


async def test_a_kill_abandons_the_thread(system: ActorSystem, gate: Gate) -> None:
    worker = await system.start(Worker, name="worker")
    worker.cast(gate.pass_through)
    await gate.wait_begun()

    worker.kill()

    assert await worker.wait() == KILLED
    [thread] = abandoned_threads()
    assert (thread.name, thread.ref) == ("Gate.pass_through for <worker #2>", worker)
    assert abs(thread.since - time.time()) < 5.0
    gate.opened.set()
    await until_nobody_is_abandoned()
    assert gate.ended.is_set()


async def test_stopping_the_system_abandons_the_thread(gate: Gate) -> None:
    async with open_system() as system:
        worker = await system.start(Worker)
        worker.cast(gate.pass_through)
        await gate.wait_begun()

    assert [thread.ref for thread in abandoned_threads()] == [worker]
    gate.opened.set()
    await until_nobody_is_abandoned()


async def test_a_cancelled_task_abandons_the_thread(gate: Gate) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_blocking, gate.pass_through)
        await gate.wait_begun()
        nursery.cancel_scope.cancel()

    assert [(thread.name, thread.ref) for thread in abandoned_threads()] == [("Gate.pass_through", None)]
    gate.opened.set()
    await until_nobody_is_abandoned()


async def test_what_an_abandoned_thread_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate(OSError("the disk is gone"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_blocking, gate.pass_through)
        await gate.wait_begun()
        nursery.cancel_scope.cancel()

    gate.opened.set()
    while not caplog.records:
        await trio.lowlevel.checkpoint()

    [record] = caplog.records
    assert record.getMessage() == "the abandoned thread Gate.pass_through raised"
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "the disk is gone"
    await until_nobody_is_abandoned()


async def test_what_had_not_begun_never_does(gate: Gate) -> None:
    limiter = trio.CapacityLimiter(1)
    second = Gate()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(run_blocking, gate.pass_through, limiter=limiter))
        await gate.wait_begun()
        async with trio.open_nursery() as inner:
            inner.start_soon(functools.partial(run_blocking, second.pass_through, limiter=limiter))
            await wait_all_tasks_blocked()
            inner.cancel_scope.cancel()
        assert abandoned_threads() == ()
        gate.opened.set()

    assert await run_blocking(lambda: "free", limiter=limiter) == "free"
    assert not second.begun.is_set()


async def test_an_abandoned_thread_keeps_its_place_until_it_ends(gate: Gate) -> None:
    limiter = trio.CapacityLimiter(1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(functools.partial(run_blocking, gate.pass_through, limiter=limiter))
        await gate.wait_begun()
        nursery.cancel_scope.cancel()

    assert limiter.available_tokens == 0
    gate.opened.set()
    assert await run_blocking(lambda: "free", limiter=limiter) == "free"


async def test_the_gil_is_handed_over_only_while_a_function_runs(gate: Gate) -> None:
    handover = handover_here()
    seen = [repr(handover)]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_blocking, gate.pass_through)
        await gate.wait_begun()
        seen.append(repr(handover))
        gate.opened.set()

    assert [*seen, repr(handover)] == [
        "<Handover: 0 outstanding>",
        "<Handover: 1 outstanding, active>",
        "<Handover: 0 outstanding>",
    ]


class Busy(Actor):
    """Casts to itself for ever."""

    def handle_cast(self, message: object) -> None:
        self.ref.cast(message)


@pytest.mark.slow
async def test_a_busy_node_does_not_starve_a_blocking_function(system: ActorSystem) -> None:
    for _ in range(5):
        (await system.start(Busy)).cast("go on")

    def wait_often() -> float:
        began = time.monotonic()
        for _ in range(500):
            time.sleep(0.0001)
        return time.monotonic() - began

    assert await run_blocking(wait_often) < 4.0
