"""The first few of many, found in steps between which others may run."""

from __future__ import annotations

from heapq import nsmallest
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

T = TypeVar("T")

AT_ONCE: Final = 128
"""So many are looked at in one step."""

FEW: Final = 100
MOST: Final = 1000


def foremost(items: Iterable[T], most: int, rank: Callable[[T], Any]) -> Generator[None, None, list[T]]:
    """Return up to *most* of *items*, those of the smallest *rank* first; each step is a part of a millisecond.

    *items* must not change meanwhile: give a copy of what does. A rank may, and then counts as it was or as it is.

    >>> steps = foremost(["pear", "fig", "apple"], 2, len)
    >>> try: next(steps)
    ... except StopIteration as end: end.value
    ['fig', 'pear']
    """
    kept: list[T] = []
    bar: Any = None
    for place, item in enumerate(items, 1):
        if bar is None or rank(item) < bar:
            kept.append(item)
        if len(kept) >= 2 * most + AT_ONCE:
            kept = nsmallest(most, kept, key=rank)
            bar = rank(kept[-1])
        if place % AT_ONCE == 0:
            yield
    return nsmallest(most, kept, key=rank)


def most_of(arguments: Mapping[str, Any]) -> int:
    """Return how many are asked for. Raises ``ValueError`` if that is no count, or too many.

    >>> most_of({}), most_of({"most": 7})
    (100, 7)
    """
    most = arguments.get("most", FEW)
    if not isinstance(most, int) or isinstance(most, bool) or not 1 <= most <= MOST:
        raise ValueError(f"most is {most!r}; allowed is an int from 1 to {MOST}")
    return most


def order_of(arguments: Mapping[str, Any], orders: Mapping[str, Callable[[T], Any]]) -> Callable[[T], Any]:
    """Return the rank that is asked for by its name; the first of *orders* if none is.

    >>> order_of({"order": "size"}, {"size": len})("pear")
    4
    """
    name = arguments.get("order", next(iter(orders)))
    if not isinstance(name, str) or name not in orders:
        raise ValueError(f"the order is {name!r}; allowed is {' or '.join(orders)}")
    return orders[name]
