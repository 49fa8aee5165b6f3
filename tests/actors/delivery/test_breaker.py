"""The circuit breaker as a decision: when it opens, what it lets through, and what closes it."""

import doctest

import pytest

from actors.delivery import BreakerOptions, BreakerState, CircuitBreaker, balance, breaker, log, options

OPTIONS = BreakerOptions(failure_threshold=3, reset_timeout=10.0, probes=2)


def opened() -> CircuitBreaker:
    found = CircuitBreaker(OPTIONS)
    for now in (0.0, 1.0, 2.0):
        found.failed(now)
    return found


def test_it_opens_at_the_threshold() -> None:
    found = CircuitBreaker(OPTIONS)

    assert [found.failed(0.0), found.failed(1.0), found.failed(2.0)] == [False, False, True]
    assert (found.state, found.retry_at) == (BreakerState.OPEN, 12.0)


def test_a_success_between_failures_begins_the_count_anew() -> None:
    found = CircuitBreaker(OPTIONS)
    found.failed(0.0)
    found.failed(0.0)

    found.succeeded()

    assert (found.failed(1.0), found.state) == (False, BreakerState.CLOSED)


def test_open_it_lets_nothing_through_until_its_time_is_over() -> None:
    found = opened()

    assert (found.allows(11.9), found.state) == (False, BreakerState.OPEN)
    assert (found.allows(12.0), found.state) == (True, BreakerState.HALF_OPEN)


def test_half_open_it_lets_so_many_probes_through() -> None:
    found = opened()
    found.allows(12.0)

    assert [found.began(), found.allows(12.0), found.began(), found.allows(12.0)] == [True, True, True, False]


def test_so_many_probes_that_succeed_close_it() -> None:
    found = opened()
    found.allows(12.0)
    found.began()
    found.began()

    assert [found.succeeded(probe=True), found.succeeded(probe=True)] == [False, True]
    assert found.calm


def test_a_probe_that_fails_opens_it_for_as_long_again() -> None:
    found = opened()
    found.allows(12.0)
    found.began()

    assert found.failed(13.0)
    assert (found.state, found.retry_at) == (BreakerState.OPEN, 23.0)


def test_a_probe_without_a_result_makes_room_for_another() -> None:
    found = opened()
    found.allows(12.0)
    found.began()
    found.began()

    found.withdrew()

    assert found.allows(12.0)


def test_what_succeeds_late_does_not_close_it() -> None:
    found = opened()

    assert not found.succeeded()
    assert found.state is BreakerState.OPEN


@pytest.mark.parametrize("module", [balance, breaker, log, options], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_hold(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]  # a module is an object to pytest's parametrize

    assert result.attempted > 0
    assert result.failed == 0
