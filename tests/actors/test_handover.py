"""The hand-over of the GIL: when the loop pauses for threads, and when it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from trio.testing import wait_all_tasks_blocked

from actors import open_system
from actors.handover import Handover, handover_here

if TYPE_CHECKING:
    from collections.abc import Iterator

MILLISECOND = 1_000_000


class Clock:
    """A performance counter that is set by hand, and the pauses that were made by it."""

    def __init__(self) -> None:
        self.now = 10**12
        self.pauses = 0
        self.held = 60_000
        """How long others hold the lock at each pause, in nanoseconds."""

    def sleep(self, seconds: float) -> None:
        assert seconds == 1e-6
        self.pauses += 1
        self.now += self.held

    def turn_for(self, handover: Handover, milliseconds: int, *, timeout: float = 0.0) -> int:
        """Have the loop turn every 0.1 ms for so long; return how often it paused."""
        before, end = self.pauses, self.now + milliseconds * MILLISECOND
        while self.now < end:
            handover.before_io_wait(timeout)
            self.now += MILLISECOND // 10
        return self.pauses - before


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Give the hand-over a clock that is set by hand."""
    clock = Clock()
    monkeypatch.setattr("actors.handover.perf_counter_ns", lambda: clock.now)
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", clock.sleep)
        yield clock


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


async def test_a_busy_loop_pauses_every_10_ms_for_threads_that_the_system_does_not_know_of(clock: Clock) -> None:
    async with open_system() as system:
        await wait_all_tasks_blocked()
        pauses = clock.turn_for(system.handover, 1000)

    assert 90 <= pauses <= 101


async def test_the_loop_pauses_seldom_when_threads_have_been_quiet_for_a_second(clock: Clock) -> None:
    handover = handover_here()
    handover.expect()

    handover.hear()
    soon = clock.turn_for(handover, 1000)
    later = clock.turn_for(handover, 1000)
    handover.forget()

    assert soon > 1000
    assert 90 <= later <= 101


async def test_it_is_active_as_long_as_anybody_needs_it() -> None:
    handover = handover_here()
    seen = [repr(handover)]

    with handover:
        with handover:
            handover.expect()
        seen.append(repr(handover))
    seen.append(repr(handover))
    handover.forget()

    assert [*seen, repr(handover)] == [
        "<Handover: 0 outstanding>",
        "<Handover: 1 outstanding, active>",
        "<Handover: 0 outstanding, active>",
        "<Handover: 0 outstanding>",
    ]


async def test_all_systems_of_a_run_share_one_that_ends_with_the_last_of_them() -> None:
    async with open_system() as one:
        async with open_system() as other:
            assert one.handover is other.handover
            await wait_all_tasks_blocked()
        after_one = repr(one.handover)

    assert [after_one, repr(one.handover)] == ["<Handover: 0 outstanding, active>", "<Handover: 0 outstanding>"]
