"""Restart intensity: how many restarts a supervisor may make within a period before it gives up, also by name."""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

Preset: TypeAlias = Literal["lenient", "moderate", "strict", "never"]


@attrs.frozen
class Limit:
    """So many restarts within so many seconds."""

    restarts: int
    seconds: float


PRESETS: Final[Mapping[Preset, Limit]] = MappingProxyType(
    {
        "lenient": Limit(10, 120.0),
        "moderate": Limit(5, 60.0),
        "strict": Limit(3, 30.0),
        "never": Limit(0, 5.0),
    }
)
"""Limits by name. With ``never`` the first failure ends the supervisor, so its period does not matter."""


def preset(intensity: object) -> Limit | None:
    """Return the limit whose name *intensity* is.

    >>> preset("strict"), preset(3)
    (Limit(restarts=3, seconds=30.0), None)
    """
    return PRESETS.get(intensity) if isinstance(intensity, str) else None  # type: ignore[call-overload]


@attrs.define
class RestartWindow:
    """The restarts of the last *period* seconds, oldest first.

    OTP's `add_restart`, with times in fractions of a second where OTP counts whole ones. One entry is one decision
    to restart, whether that restarts one child or all of them, and whether or not they then start.
    """

    intensity: int
    """How many restarts are allowed within the period."""
    period: float
    """Seconds. A restart exactly this long ago still counts."""
    times: deque[float] = attrs.field(factory=deque)

    def allow(self, now: float) -> bool:
        """Count a restart at *now*, and tell whether it is still within the intensity.

        >>> window = RestartWindow(intensity=1, period=5.0)
        >>> [window.allow(now) for now in (0.0, 5.1, 10.1)]
        [True, True, False]
        """
        self.times.append(now)
        while self.times[0] < now - self.period:
            self.times.popleft()
        return len(self.times) <= self.intensity

    def recent(self, now: float) -> int:
        """Return how many restarts there were within the period before *now*.

        >>> RestartWindow(3, 5.0, deque([1.0, 4.0])).recent(7.0)
        1
        """
        return sum(time >= now - self.period for time in self.times)

    def __str__(self) -> str:
        number = len(self.times)
        return f"{number} restart{'' if number == 1 else 's'} in {self.period} s, allowed are {self.intensity}"
