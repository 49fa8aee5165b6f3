"""What a client makes of a row."""

from __future__ import annotations

from typing import Any

import pytest

from actors.shell.client.view import ActorView, in_order, view_of
from actors.snapshot import FIELDS, timed
from actors.statistics import Samples

SECOND = 1_000_000_000
NOW = 100 * SECOND


def view(**told: Any) -> ActorView:
    """Return the view of a row that says *told*, and nothing of interest besides."""
    row: dict[str, Any] = dict.fromkeys(FIELDS)
    numbers = ("id", "length", "greatest_length", "received", "handled", "dropped", "last_received", "last_handled")
    row |= dict.fromkeys(numbers, 0) | {"kind": "Till", "state": "waiting"} | told
    return view_of(tuple(row[field] for field in FIELDS), NOW)


def counted(*milliseconds: int) -> tuple[Any, ...]:
    samples = Samples()
    for it in milliseconds:
        samples.waiting.add(it * 1_000_000)
    known, nothing = timed(samples)
    assert nothing is None
    assert known is not None
    return known


def test_times_are_told_as_seconds_ago() -> None:
    known = view(last_received=99.0, last_handled=0)

    assert (known.received_seconds_ago, known.handled_seconds_ago) == (1.0, None)


def test_the_quantiles_are_made_from_what_was_timed() -> None:
    waiting = view(waiting=counted(*range(1, 101))).waiting

    assert waiting is not None
    assert (waiting.count, waiting.max) == (100, 0.1)
    assert waiting.mean == pytest.approx(0.0505)
    assert 0.045 < waiting.p50 < 0.055
    assert 0.09 < waiting.p99 <= 0.1


@pytest.mark.parametrize(
    ("length", "received", "handled", "seconds", "exact"),
    [
        (0, 97, 0, 3.0, True),
        (0, 97, 98, 2.0, True),
        (5, 97, 90, 10.0, False),
        (5, 97, 0, None, False),
    ],
    ids=["the last to come", "after the one before", "others wait", "others wait for the first"],
)
def test_how_long_a_handler_has_run_is_exact_or_a_bound(
    length: int,
    received: int,
    handled: int,
    seconds: float | None,
    exact: bool,  # noqa: FBT001 -- a column of a table
) -> None:
    known = view(
        state="running",
        handler="handle_cast",
        message="Audit",
        length=length,
        last_received=received,
        last_handled=handled,
    ).running

    assert known is not None
    assert (known.handler, known.message) == ("handle_cast", "Audit")
    assert (known.seconds, known.exact) == (seconds, exact)


@pytest.mark.parametrize(
    ("order", "ids"),
    [("age", [1, 2, 3]), ("mailbox", [2, 3, 1]), ("handled", [3, 1, 2]), ("wait", [3, 2, 1]), ("restarts", [2, 3, 1])],
)
def test_actors_are_sorted_the_oldest_or_the_greatest_first(order: str, ids: list[int]) -> None:
    actors = [
        view(id=3, length=4, handled=7, waiting=counted(9), restarts=0),
        view(id=1, length=0, handled=5, restarts=None),
        view(id=2, length=8, handled=1, waiting=counted(2), restarts=3),
    ]

    assert [it.id for it in in_order(actors, order)] == ids
