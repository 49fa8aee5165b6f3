"""The hand-over of the GIL: when the loop pauses for threads, and when it does not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from actors import Actor, ActorRef, open_system
from actors import handover as handover_module
from actors.handover import Handover, handover_here

if TYPE_CHECKING:
    from collections.abc import Iterator

MILLISECOND = 0.001


class Echo(Actor):
    """Two of them send each other one message for ever."""

    def handle_cast(self, other: ActorRef) -> None:
        """Send it back."""
        other.cast(self.ref)


class AsyncEcho(Actor):
    async def handle_cast(self, other: ActorRef) -> None:
        other.cast(self.ref)


class Clock:
    """A performance counter that is set by hand, and the pauses that were made by it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses = 0
        self.meetings = 0
        self.naps: list[float] = []
        self.held = 0.06 * MILLISECOND
        """How long others hold the lock at each pause, in seconds."""
        self.step = 0.0
        """How far it goes each time somebody looks."""

    def look(self) -> float:
        self.now += self.step
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.pauses += 1
        self.now += self.held

    def meet(self) -> None:
        self.meetings += 1
        self.pauses += 1
        self.now += self.held

    def turn_for(self, handover: Handover, milliseconds: int, *, timeout: float = 0.0) -> int:
        """Have the loop turn every 0.1 ms for so long; return how often it paused."""
        before, end = self.pauses, self.now + milliseconds * MILLISECOND
        while self.now < end:
            handover.before_io_wait(timeout)
            self.now += MILLISECOND / 10
        return self.pauses - before


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Give the hand-over a clock that is set by hand."""
    clock = Clock()
    for module in ("handover", "dispatcher", "task"):
        monkeypatch.setattr(f"actors.{module}.perf_counter", clock.look)
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", clock.sleep)
        patch.setattr(handover_module, "_meet_a_thread", clock.meet)
        yield clock


async def wait_in_a_thread(event: threading.Event) -> None:
    await trio.to_thread.run_sync(event.wait)


async def test_a_busy_loop_pauses_every_half_millisecond_while_threads_work(clock: Clock) -> None:
    with handover_here() as handover:
        pauses = clock.turn_for(handover, 100)

    assert 140 <= pauses <= 200


async def test_a_loop_that_waits_by_itself_does_not_pause(clock: Clock) -> None:
    with handover_here() as handover:
        assert clock.turn_for(handover, 100, timeout=0.001) == 0


async def test_the_loop_keeps_half_of_the_time(clock: Clock) -> None:
    clock.held = 5 * MILLISECOND

    with handover_here() as handover:
        pauses = clock.turn_for(handover, 1000)

    assert 90 <= pauses <= 101


async def test_the_loop_pauses_no_more_than_others_do_when_threads_have_been_quiet_for_a_second(clock: Clock) -> None:
    handover = handover_here()

    handover.hear()
    soon = clock.turn_for(handover, 990)
    clock.now += 20 * MILLISECOND
    handover.before_io_wait(0.0)

    assert soon > 1000
    assert repr(handover) == "<Handover: 0 outstanding>"


@pytest.mark.parametrize("echo", [Echo, AsyncEcho])
async def test_actors_at_work_pause_every_10_ms_for_threads_that_nobody_knows_of(
    clock: Clock, echo: type[Actor]
) -> None:
    async with open_system() as system:
        one, other = [await system.start(echo) for _ in range(2)]
        one.cast(other)
        clock.step = MILLISECOND / 100
        began = clock.now
        while clock.now < began + 400 * MILLISECOND:
            await trio.lowlevel.checkpoint()
        one.kill()

    assert 32 <= clock.pauses <= 42
    assert clock.meetings == 0
    assert clock.naps[:32] == [1e-6] * 31 + [0.000_5]


async def test_while_trio_has_threads_at_work_the_loop_waits_at_each_pause_until_a_thread_has_run(
    clock: Clock,
) -> None:
    handover = handover_here()
    done = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_in_a_thread, done)
        await trio.testing.wait_all_tasks_blocked()

        handover.pause(clock.now)
        soon = clock.turn_for(handover, 990)
        clock.now += 20 * MILLISECOND
        handover.before_io_wait(0.0)
        became_quiet = repr(handover)
        handover.pause(clock.now)
        done.set()

    assert soon > 1000
    assert became_quiet == repr(handover) == "<Handover: 0 outstanding>"
    assert clock.meetings == clock.pauses == soon + 2


async def test_a_thread_that_wakes_up_slowly_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    held_up = 0.005
    monkeypatch.setattr(handover_module, "_do_nothing", lambda: time.sleep(held_up))

    with handover_here() as handover:
        began = time.perf_counter()
        handover.pause(began)

    assert time.perf_counter() - began >= held_up


async def test_a_thread_that_does_not_run_at_all_is_not_waited_for_longer_than_10_ms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = threading.Event()
    monkeypatch.setattr(handover_module, "_do_nothing", never.wait)

    with handover_here() as handover:
        began = time.perf_counter()
        handover.pause(began)
        took = time.perf_counter() - began
    never.set()

    assert took >= 0.01


async def test_where_no_thread_can_be_made_the_loop_sleeps_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    naps: list[float] = []
    with handover_here() as handover, monkeypatch.context() as patch:
        patch.setattr(trio.lowlevel, "start_thread_soon", refuse)
        patch.setattr(time, "sleep", naps.append)
        handover.pause(time.perf_counter())

    assert naps == [0.000_5]


class Met:
    """A thread that is met itself."""

    def __init__(self, clock: Clock, *, needs_lock: bool) -> None:
        self.meetings = 0
        self._clock = clock
        self._needs_lock = needs_lock

    def meet(self) -> bool:
        self.meetings += 1
        if self._needs_lock:
            self._clock.now += self._clock.held
        return self._needs_lock


async def test_a_thread_that_is_met_itself_is_met_at_each_pause_and_no_other(clock: Clock) -> None:
    handover, thread = handover_here(), Met(clock, needs_lock=True)
    handover.join(thread)
    clock.turn_for(handover, 100)
    handover.leave(thread)
    meetings = thread.meetings
    clock.now += MILLISECOND
    handover.before_io_wait(0.0)

    assert 140 <= meetings == thread.meetings <= 200
    assert (clock.pauses, repr(handover)) == (0, "<Handover: 0 outstanding>")


async def test_for_one_that_does_without_the_lock_the_loop_sleeps_as_long_as_waking_up_took_lately(
    clock: Clock,
) -> None:
    handover, thread = handover_here(), Met(clock, needs_lock=False)
    handover.join(thread)
    clock.held = 0.25 * MILLISECOND
    for _ in range(65):
        handover.pause(clock.now)
    handover.leave(thread)

    assert (thread.meetings, clock.meetings) == (65, 2)
    assert clock.naps == pytest.approx([1e-6] * 31 + [0.000_25] * 32)


async def test_it_pauses_often_as_long_as_anybody_needs_it() -> None:
    handover = handover_here()
    seen = [repr(handover)]

    with handover:
        with handover:
            seen.append(repr(handover))
        await trio.lowlevel.checkpoint()
        seen.append(repr(handover))
    await trio.lowlevel.checkpoint()

    assert [*seen, repr(handover)] == [
        "<Handover: 0 outstanding>",
        "<Handover: 2 outstanding, active>",
        "<Handover: 1 outstanding, active>",
        "<Handover: 0 outstanding>",
    ]


async def test_all_systems_of_a_run_share_one() -> None:
    async with open_system() as one, open_system() as other:
        assert one.handover is other.handover
