"""The first few of many are the same as if all had been sorted, and found in steps."""

from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.foremost import AT_ONCE, foremost


@given(st.lists(st.integers(0, 50), max_size=2000), st.integers(1, 20))
def test_the_first_are_those_of_a_whole_sort_also_among_equals(ranks: list[int], most: int) -> None:
    items = list(enumerate(ranks))

    assert result_of(items, most) == sorted(items, key=lambda item: item[1])[:most]


@pytest.mark.parametrize("step", [1, -1])
def test_the_first_are_found_in_whichever_order_they_come(step: int) -> None:
    items = list(enumerate(range(10_000)[::step]))

    assert [rank for _, rank in result_of(items, 100)] == list(range(100))


def test_a_step_looks_at_so_many() -> None:
    items = iter(range(10 * AT_ONCE))

    left = [operator.length_hint(items) for _ in foremost(items, 3, lambda item: item)]

    assert left == [number * AT_ONCE for number in reversed(range(10))]


def result_of(items: list[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Return what `foremost` returns of pairs that are ranked by their second."""
    steps = foremost(items, most, lambda item: item[1])
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: list[tuple[int, int]] = end.value
            return found
