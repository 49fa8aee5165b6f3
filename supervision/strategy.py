"""Restart strategies: which children go down and come up with the one that failed."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]


def affected(strategy: Strategy, children: Iterable[T], failed: T) -> list[T]:
    """Return the children to restart, in start order; *children* are all there are, in start order.

    They are stopped in the opposite order first. For one_for_one the cost does not depend on the number of children.

    >>> affected("one_for_one", ["db", "cache", "web"], "cache")
    ['cache']
    >>> affected("one_for_all", ["db", "cache", "web"], "cache")
    ['db', 'cache', 'web']
    >>> affected("rest_for_one", ["db", "cache", "web"], "cache")
    ['cache', 'web']
    """
    match strategy:
        case "one_for_one":
            return [failed]
        case "one_for_all":
            return list(children)
        case "rest_for_one":
            return list(dropwhile(lambda child: child != failed, children))
