"""Trends: how the numbers of actors went, from one look at a node to the next, and how that is drawn in one line."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actors.shell.client.view import ActorView

LOOKS: Final = 24
"""So many looks are remembered."""

BARS: Final = "▁▂▃▄▅▆▇█"
PLAIN_BARS: Final = "_.,-=+*#"
"""Where the terminal has no others."""


@attrs.define
class Trend:
    """What one actor did at the latest looks, the oldest first."""

    handled: int
    """How many messages it had handled at the last look."""
    rates: deque[float] = attrs.field(factory=lambda: deque(maxlen=LOOKS))
    """Messages per second, between two looks."""
    lengths: deque[int] = attrs.field(factory=lambda: deque(maxlen=LOOKS))
    """How many messages waited."""

    @property
    def rate(self) -> float:
        """How many messages per second it handled of late; 0 until there were two looks."""
        return self.rates[-1] if self.rates else 0.0


class Trends:
    """The trends of the actors of a node, by their numbers; those who have ended are forgotten."""

    def __init__(self) -> None:
        self.of: dict[int, Trend] = {}
        self.rates: deque[float] = deque(maxlen=LOOKS)
        """Of all together."""
        self.lengths: deque[int] = deque(maxlen=LOOKS)
        self._time: float | None = None

    def look(self, actors: Iterable[ActorView], time: float) -> None:
        """Take in what was seen at *time*, in seconds."""
        elapsed = None if self._time is None else max(1e-6, time - self._time)
        trends: dict[int, Trend] = {}
        rate, waiting = 0.0, 0
        for actor in actors:
            waiting += actor.length
            if actor.id is None:
                continue
            trend = self.of.get(actor.id)
            if trend is None:
                trend = Trend(actor.handled)
            elif elapsed is not None:
                trend.rates.append((actor.handled - trend.handled) / elapsed)
                rate += trend.rates[-1]
                trend.handled = actor.handled
            trend.lengths.append(actor.length)
            trends[actor.id] = trend
        if elapsed is not None:
            self.rates.append(rate)
        self.lengths.append(waiting)
        self.of, self._time = trends, time


def sparkline(numbers: Sequence[float], width: int, bars: str = BARS) -> str:
    """Return the last *numbers* as bars, the greatest of them as the highest; what is above 0 can be seen.

    >>> sparkline([0, 1, 50, 100], 6)
    '  ▁▂▅█'
    """
    shown = list(numbers)[-width:] if width > 0 else []
    greatest = max(shown, default=0)
    top = len(bars) - 1
    steps = [0 if number <= 0 else max(1, round(number / greatest * top)) for number in shown]
    return "".join(bars[step] for step in steps).rjust(max(0, width))


def short(number: float) -> str:
    """Return *number* with three digits, and a letter for thousands.

    >>> [short(number) for number in (0, 0.25, 7.0, 999.6, 12_345, 4_000_000)]
    ['0', '0.25', '7', '1.00k', '12.3k', '4.00M']
    """
    for limit, unit, letter in ((999.5, 1, ""), (999_500, 1e3, "k"), (999_500_000, 1e6, "M")):
        if number < limit:
            value = number / unit
            digits = 0 if value >= 99.95 or (unit == 1 and value == int(value)) else 1 if value >= 9.995 else 2  # noqa: PLR2004 -- three digits
            return f"{value:.{digits}f}{letter}"
    return f"{number / 1e9:.3g}G"
