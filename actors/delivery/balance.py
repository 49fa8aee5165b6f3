"""Balancing: which of the instances under one name gets the next message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Balance: TypeAlias = Literal["round_robin", "least_loaded"]
"""The next in turn, or the one with the fewest messages under way."""


def choose(balance: Balance, loads: Sequence[int | None], turn: int) -> int | None:
    """Return the place of the instance to choose, or None if there is none.

    *loads* tells how many messages each has under way, None for one that takes none now. *turn* is the place after the
    one that was chosen last: who is chosen comes as soon as possible from there on.

    >>> choose("round_robin", [3, None, 0], 1), choose("round_robin", [3, None, 0], 0)
    (2, 0)
    >>> choose("least_loaded", [3, None, 0, 0], 3), choose("least_loaded", [None], 0)
    (3, None)
    """
    count = len(loads)
    order = [place for place in ((turn + step) % count for step in range(count)) if loads[place] is not None]
    if not order:
        return None
    match balance:
        case "round_robin":
            return order[0]
        case "least_loaded":
            return min(order, key=lambda place: loads[place] or 0)
