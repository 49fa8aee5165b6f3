"""Restart intensity: how many restarts a supervisor may make within a period before it gives up."""

from __future__ import annotations

from collections import deque

import attrs


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

    def __str__(self) -> str:
        number = len(self.times)
        return f"{number} restart{'' if number == 1 else 's'} in {self.period} s, allowed are {self.intensity}"
