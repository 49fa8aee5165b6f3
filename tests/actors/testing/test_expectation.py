from functools import partial
from operator import gt

import pytest

from actors import KILLED, NORMAL, Crash, Killed
from actors.testing.expectation import described, ends_as, matches


@pytest.mark.parametrize(
    ("pattern", "message", "expected"),
    [
        (int, 5, True),
        (int, "5", False),
        (int | str, "5", True),
        (object, None, True),
        (5, 5, True),
        (5, 6, False),
        (lambda message: message > 5, 6, True),
        (partial(gt, 5), 6, False),
        ("tea".startswith, "t", True),
    ],
)
def test_a_pattern_is_a_class_a_function_or_a_value(pattern: object, message: object, expected: bool) -> None:  # noqa: FBT001
    assert matches(pattern, message) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [(ValueError, True), (KeyError, False), (Crash, True), (Killed, False), (KILLED, False), (object, True)],
)
def test_the_class_of_an_exception_stands_for_a_crash_by_one(pattern: object, expected: bool) -> None:  # noqa: FBT001
    assert ends_as(pattern, Crash(ValueError("7 is odd"))) is expected
    assert not ends_as(ValueError, NORMAL)


def test_a_pattern_reads_as_what_it_is() -> None:
    def is_odd(number: int) -> bool:
        return number % 2 == 1

    assert described(int | str) == "int | str"
    assert described(5) == "5"
    assert "is_odd (line " in described(is_odd)
