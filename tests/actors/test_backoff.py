"""The delays of a backoff."""

import math
import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import Backoff

PARTS = st.floats(0, 1)


def test_each_delay_is_a_multiple_of_the_one_before_up_to_the_greatest() -> None:
    backoff = Backoff(0.1, multiplier=3.0, max_seconds=2.0)

    assert [backoff.seconds(retry) for retry in range(1, 6)] == pytest.approx([0.1, 0.3, 0.9, 2.0, 2.0])


def test_the_defaults_are_100_ms_doubled_up_to_30_s() -> None:
    delays = [Backoff().seconds(retry) for retry in range(1, 11)]

    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0])


def test_a_multiplier_of_1_repeats_the_first_delay() -> None:
    backoff = Backoff(2.5, multiplier=1)

    assert {backoff.seconds(retry) for retry in (1, 2, 1_000)} == {2.5}


@pytest.mark.parametrize("multiplier", [1.0001, 2, 2.0, 1e300])
def test_no_number_of_retries_is_too_great(multiplier: float) -> None:
    assert Backoff(multiplier=multiplier).seconds(10**9) == 30.0


@given(
    first=st.floats(1e-9, 1e9), multiplier=st.floats(1, 1e6), jitter=PARTS, retry=st.integers(1, 10**6), chance=PARTS
)
def test_a_delay_is_between_the_part_without_chance_and_the_whole(
    first: float, multiplier: float, jitter: float, retry: int, chance: float
) -> None:
    whole = Backoff(first, multiplier=multiplier, max_seconds=1e9).seconds(retry)
    backoff = Backoff(first, multiplier=multiplier, max_seconds=1e9, jitter=jitter, randomness=lambda: chance)

    delay = backoff.seconds(retry)

    assert 0 <= whole * (1 - jitter) <= delay <= whole <= 1e9


def test_a_seeded_source_repeats_the_delays() -> None:
    first, second = (Backoff(1.0, jitter=0.5, randomness=Random(7).random) for _ in "ab")  # noqa: S311 -- it is to be guessed

    delays = [first.seconds(retry) for retry in range(1, 20)]

    assert [second.seconds(retry) for retry in range(1, 20)] == delays
    assert len(set(delays)) == len(delays)


def test_without_jitter_nothing_is_left_to_chance() -> None:
    def refuse() -> float:
        raise AssertionError("asked for chance")

    assert Backoff(1.0, randomness=refuse).seconds(1) == 1.0


def test_backoffs_of_the_same_numbers_are_equal_wherever_chance_comes_from() -> None:
    assert Backoff(1.0, jitter=0.5, randomness=lambda: 0.0) == Backoff(1.0, jitter=0.5)
    assert hash(Backoff(1)) == hash(Backoff(1.0))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"first": 0}, "first is 0; allowed is a finite number of seconds above 0"),
        ({"first": math.nan}, "first is nan; allowed"),
        ({"first": True}, "first is True; allowed"),
        ({"first": "1"}, "first is '1'; allowed"),
        ({"multiplier": 0.5}, "multiplier is 0.5; allowed is a finite number of 1 or more"),
        ({"max_seconds": math.inf}, "max_seconds is inf; allowed is a finite number of seconds"),
        ({"max_seconds": math.nan}, "max_seconds is nan; allowed"),
        ({"first": 5, "max_seconds": 4}, "max_seconds is 4, less than first, which is 5"),
        ({"jitter": 1.5}, "jitter is 1.5; allowed is a number from 0 to 1"),
        ({"jitter": -0.5}, "jitter is -0.5; allowed"),
        ({"reset_after": 0}, "reset_after is 0; allowed is a number of seconds above 0"),
        ({"reset_after": math.nan}, "reset_after is nan; allowed"),
        ({"randomness": 0.5}, "randomness is 0.5; allowed is a callable"),
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^Backoff: {re.escape(message)}"):
        Backoff(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("retry", [0, -1])
def test_there_is_no_retry_before_the_first(retry: int) -> None:
    with pytest.raises(ValueError, match=f"retry is {retry}; the first is 1"):
        Backoff().seconds(retry)
