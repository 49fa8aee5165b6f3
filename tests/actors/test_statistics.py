"""What is counted and timed of every actor."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors import Actor, ActorSystem, Caller, Continue, Durations, NoProcessError, get_statistics, resume, suspend
from actors.statistics import EXACT_BELOW, LOOKED_FOR_EVERY, most_of

if TYPE_CHECKING:
    from tests.actors.kinds import Kind


class Till(Actor):
    def handle_call(self, message: object, caller: Caller) -> object:
        return message

    def handle_cast(self, message: object) -> None:
        if message == "echo":
            for _ in range(10):
                self.ref.cast("echoed")

    def handle_info(self, message: object) -> None:
        """Take anything."""


async def test_counts_of_an_actor_that_got_nothing_are_zero(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    known = get_statistics(till)

    assert (known.received, known.handled, known.length, known.greatest_length, known.dropped) == (0, 0, 0, 0, 0)
    assert (known.last_received, known.last_handled) == (None, None)
    assert (known.waiting.count, known.handling.mean, known.handling.quantile(0.5)) == (0, 0.0, 0.0)


async def test_calls_casts_and_infos_are_counted(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    for _ in range(3):
        till.cast("cast")
        till.send("info")
    await till.call("call", timeout=None)

    known = get_statistics(till)

    assert (known.received, known.handled, known.length) == (7, 7, 0)


async def test_init_and_continue_are_no_messages(system: ActorSystem, kind: Kind) -> None:
    class Begun(Till):
        def init(self) -> Continue:
            return Continue("begin")

        def handle_continue(self, argument: object) -> None:
            """Begin."""

    begun = await system.start(kind(Begun))
    fresh = get_statistics(begun)
    await begun.call("call", timeout=None)

    known = get_statistics(begun)

    assert (fresh.received, fresh.handled, fresh.length) == (0, 0, 0)
    assert (known.received, known.handled) == (1, 1)


async def test_a_handler_that_still_runs_has_not_handled_its_message(system: ActorSystem) -> None:
    class Asking(Actor):
        async def handle_call(self, message: object, caller: Caller) -> tuple[int, int]:
            await trio.lowlevel.checkpoint()
            known = get_statistics(self.ref)
            return known.received, known.handled

    asking = await system.start(Asking)

    assert await asking.call("how many?", timeout=None) == (1, 0)


async def test_what_waits_is_counted_and_its_greatest_number_is_kept(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    await suspend(till)
    for _ in range(5):
        till.cast("cast")
    waiting = get_statistics(till)
    await resume(till)
    await till.call("call", timeout=None)

    known = get_statistics(till)

    assert (waiting.received, waiting.handled, waiting.length, waiting.greatest_length) == (5, 0, 5, 5)
    assert (known.received, known.handled, known.length) == (6, 6, 0)
    assert known.greatest_length >= 5


async def test_what_an_actor_sends_itself_counts_for_the_greatest_number(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))

    till.cast("echo")
    await till.call("call", timeout=None)
    await till.call("call", timeout=None)

    assert get_statistics(till).greatest_length >= 10


async def test_last_times_are_those_of_the_last_message(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    before = time.time()
    await till.call("call", timeout=None)

    known = get_statistics(till)

    assert known.last_received is not None
    assert known.last_handled is not None
    assert before - 0.001 <= known.last_received <= known.last_handled <= time.time() + 0.001


async def test_one_message_in_64_is_timed(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    for _ in range(320):
        till.cast("cast")
    await till.call("call", timeout=None)

    known = get_statistics(till)

    assert (known.waiting.count, known.handling.count) == (5, 5)
    assert 0 < known.handling.mean <= known.handling.greatest
    assert 0 < known.waiting.quantile(0.5) <= known.waiting.greatest


async def test_idle_timeouts_of_zero_do_not_end_the_timing(system: ActorSystem, kind: Kind) -> None:
    class Restless(Till):
        def handle_cast(self, message: object) -> None:
            self.timeout_after(0)

    restless = await system.start(kind(Restless))
    for _ in range(320):
        restless.cast("cast")
        await restless.call("call", timeout=None)

    assert get_statistics(restless).handling.count >= 10


async def test_calls_that_need_no_task_switch_are_timed_too(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    for _ in range(128):
        await till.call("call", timeout=None)

    assert get_statistics(till).handling.count == 2


async def test_waiting_and_handling_are_told_apart(system: ActorSystem) -> None:
    class Slow(Actor):
        def handle_cast(self, message: float) -> None:
            until = time.perf_counter() + message
            while time.perf_counter() < until:
                pass

    slow = await system.start(Slow)
    for number in range(1, 65):
        slow.cast(0.02 if number == 63 else 0.005 if number == 64 else 0.0)
    while get_statistics(slow).handled < 64:
        await trio.lowlevel.checkpoint()

    known = get_statistics(slow)

    assert known.waiting.greatest >= 0.02 > known.handling.greatest >= 0.005


async def test_the_dead_have_no_statistics(system: ActorSystem, kind: Kind) -> None:
    till = await system.start(kind(Till))
    till.kill()
    await till.wait()

    with pytest.raises(NoProcessError, match="cannot be inspected"):
        get_statistics(till)


def test_quantiles_are_within_nine_percent() -> None:
    durations = Durations()
    for microseconds in range(1, 1001):
        durations.add(microseconds * 1000)

    assert durations.count == 1000
    assert durations.greatest == 0.001
    assert abs(durations.mean - 0.0005005) < 1e-9
    for share in (0.1, 0.5, 0.9, 0.99):
        assert share * 0.001 <= durations.quantile(share) <= share * 0.001 * 1.1


@given(st.lists(st.integers(0, 10**12), min_size=1), st.floats(0, 1))
def test_a_quantile_is_told_to_9_percent_in_whatever_order_durations_come(times: list[int], share: float) -> None:
    durations = Durations()
    for nanoseconds in times:
        durations.add(nanoseconds)

    exact = sorted(times)[max(0, math.ceil(share * len(times)) - 1)] / 1e9
    assert exact <= durations.quantile(share) + 1e-9
    assert durations.quantile(share) <= (exact + 1e-9) * 2 ** (1 / 8)
    assert durations.quantile(1.0) == durations.greatest == max(times) / 1e9


@given(st.lists(st.integers(0, 10**12), min_size=1))
def test_the_median_and_the_tail_are_known_without_counting(times: list[int]) -> None:
    durations = Durations()
    for count, nanoseconds in enumerate(times, 1):
        durations.add(nanoseconds)
        if count < EXACT_BELOW or count % LOOKED_FOR_EVERY == 0:
            greatest = durations.greatest
            assert min(greatest, most_of(durations.median)) == durations.quantile(0.5)
            assert min(greatest, most_of(durations.tail)) == durations.quantile(0.99)


def test_the_median_follows_durations_that_become_longer_and_shorter_again() -> None:
    durations = Durations()
    for nanoseconds, median, tail in ((1000, 1000, 1000), (10**6, 1000, 10**6), (10, 1000, 10**6), (10, 10, 10**6)):
        for _ in range(800):
            durations.add(nanoseconds)
        assert median / 1e9 < most_of(durations.median) < median * 1.1 / 1e9 + 1e-9
        assert tail / 1e9 < most_of(durations.tail) < tail * 1.1 / 1e9


def test_many_durations_of_one_class_are_counted() -> None:
    durations = Durations()
    durations.add(1_000_000_000)

    for _ in range(70_000):
        durations.add(1000)

    assert durations.count == 70_001
    assert durations.quantile(0.9999) < 0.000_002
    assert durations.quantile(1.0) == 1.0
