"""Series: numbers and histograms under labels, which are written down some at a time.

The library that knows the format writes whole families, and one of thousands of lines would hold the loop for as long
as that takes. So each family is given to it in parts, as families of their own.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

import attrs
import trio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Values: TypeAlias = tuple[str, ...]
"""One value for each label."""

BUCKETS: Final = (0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Seconds: the upper bounds of the classes of a histogram."""
BOUNDS: Final = tuple(str(bound) for bound in (*BUCKETS, "+Inf"))

LINES_AT_ONCE: Final = 150
"""So many are written before others have their turn: a millisecond or two."""


class Family(Protocol):
    """Series of one name, told apart by their labels."""

    at_once: int
    """So many of them are written before others have their turn."""

    def rows(self) -> Sequence[Any]:
        """Return what there is now, to be given to `metric` some at a time."""

    def metric(self, rows: Iterable[Any]) -> Any:
        """Return *rows* as the library writes them."""


class Numbers:
    """Numbers that are looked up: a gauge, or a counter of what others count."""

    at_once = LINES_AT_ONCE

    def __init__(
        self, kind: Any, name: str, about: str, labels: Values, look: Callable[[], Mapping[Values, float]]
    ) -> None:
        self._kind = kind
        self._told = (name, about)
        self._labels = labels
        self._look = look

    def __repr__(self) -> str:
        return f"<Numbers {self._told[0]}: {len(self._look())}>"

    def rows(self) -> Sequence[tuple[Values, float]]:
        """Return the numbers there are, with their labels."""
        return tuple(self._look().items())

    def metric(self, rows: Iterable[tuple[Values, float]]) -> Any:
        """Return these numbers as the library writes them."""
        metric = self._kind(*self._told, labels=self._labels)
        for labels, number in rows:
            metric.add_metric(labels, number)
        return metric


class Totals(Numbers):
    """Numbers that only grow; one without labels is there from the beginning."""

    def __init__(self, kind: Any, name: str, about: str, labels: Values = ()) -> None:
        self._numbers: dict[Values, float] = {} if labels else {(): 0.0}
        self._lock = Lock()
        super().__init__(kind, name, about, labels, self._copied)

    def add(self, *values: str, amount: float = 1.0) -> None:
        """Add *amount* to the number under *values*."""
        with self._lock:
            self._numbers[values] = self._numbers.get(values, 0.0) + amount

    def _copied(self) -> Mapping[Values, float]:
        with self._lock:
            return self._numbers.copy()


@attrs.define
class Histogram:
    """How many observations there were in each class, and their sum."""

    counts: list[int] = attrs.field(factory=lambda: [0] * len(BOUNDS))
    total: float = 0.0


class Timings:
    """Histograms of seconds; one without labels is there from the beginning."""

    at_once = LINES_AT_ONCE // (len(BOUNDS) + 2)

    def __init__(self, kind: Any, name: str, about: str, labels: Values = ()) -> None:
        self._kind = kind
        self._told = (name, about)
        self._labels = labels
        self._histograms: dict[Values, Histogram] = {} if labels else {(): Histogram()}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<Timings {self._told[0]}: {len(self._histograms)}>"

    def observe(self, *values: str, seconds: float) -> None:
        """Count one observation under *values*."""
        with self._lock:
            histogram = self._histograms.get(values)
            if histogram is None:
                histogram = self._histograms[values] = Histogram()
            histogram.counts[bisect_left(BUCKETS, seconds)] += 1
            histogram.total += seconds

    def rows(self) -> Sequence[Values]:
        """Return the labels of the histograms there are."""
        with self._lock:
            return tuple(self._histograms)

    def metric(self, rows: Iterable[Values]) -> Any:
        """Return the histograms under these labels, each as it is at one moment."""
        metric = self._kind(*self._told, labels=self._labels)
        for labels in rows:
            with self._lock:
                histogram = self._histograms[labels]
                counts, total = accumulate(histogram.counts), histogram.total
                buckets = list(zip(BOUNDS, counts, strict=True))
            metric.add_metric(labels, buckets, total)
        return metric


@attrs.frozen
class Part:
    """What the library takes for a registry, of one family."""

    metric: Any

    def collect(self) -> list[Any]:
        """Return what is written."""
        return [self.metric]


async def written(families: Iterable[Family], write: Callable[[Part], bytes]) -> bytes:
    """Return *families* as *write* writes them, and let others work meanwhile."""
    parts: list[bytes] = []
    for family in families:
        rows = family.rows()
        for start in range(0, max(len(rows), 1), family.at_once):
            part = write(Part(family.metric(rows[start : start + family.at_once])))
            parts.append(_without_heading(part) if start else part)
            await trio.lowlevel.checkpoint()
    return b"".join(parts)


def _without_heading(part: bytes) -> bytes:
    r"""Return *part* without what is said of the family, which is said once.

    >>> _without_heading(b"# HELP tills Tills.\n# TYPE tills gauge\ntills 1.0\n")
    b'tills 1.0\n'
    """
    lines = part.split(b"\n", 2)
    return lines[2]
