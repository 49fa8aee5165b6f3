"""A batch of units does what the units do one after another, each all or nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from actors.sqlite.batch import Unit, commit
from tests.actors.sqlite.conftest import NOTES
from tests.actors.sqlite.notes import INSERT, ids_in, insert

if TYPE_CHECKING:
    from collections.abc import Sequence

units = st.lists(st.lists(st.integers(0, 12), max_size=3), min_size=1, max_size=12)


@given(units=units)
def test_every_unit_is_stored_or_refused_as_if_it_were_alone(units: list[list[int]]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute(str(NOTES.steps[0]))

        errors = commit(connection, [unit_of(numbers) for numbers in units]) or [None] * len(units)

        expected = stored_by(units)
        assert [error is None for error in errors] == expected
        assert ids_in(connection) == sorted(
            number for numbers, stored in zip(units, expected, strict=True) if stored for number in numbers
        )


def unit_of(numbers: Sequence[int]) -> Unit:
    if len(numbers) == 1:
        return Unit(INSERT, (numbers[0], ""), None)
    return Unit(None, [insert(number) for number in numbers], None)


def stored_by(units: list[list[int]]) -> list[bool]:
    """Return which units a model stores: those that bring nothing twice."""
    model: set[int] = set()
    stored = []
    for numbers in units:
        stored.append(len(set(numbers)) == len(numbers) and model.isdisjoint(numbers))
        if stored[-1]:
            model.update(numbers)
    return stored
