"""Delays: how long one child that keeps failing stays down before each restart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from actors import Backoff


@attrs.define
class Delays:
    """How often one child was restarted since it last stayed up, and the delays that follow from that.

    The caller says what time it is.
    """

    backoff: Backoff
    restarts: int = 0
    up_since: float = math.inf
    """When it came up; infinity while it is down."""

    def came_up(self, now: float) -> None:
        """Note that the child runs from *now* on."""
        self.up_since = now

    def went_down(self, now: float) -> None:
        """Note that the child runs no more; if it stayed up long enough, its next restart is a first one again."""
        if now - self.up_since >= self.backoff.reset_after:
            self.restarts = 0
        self.up_since = math.inf

    def failed_to_start(self) -> None:
        """Note that a start in the course of a restart failed; so the next restart is not the first."""
        self.restarts = max(self.restarts, 1)

    def next(self) -> float | None:
        """Count a restart, and return the seconds to wait before it; None before the first, which is at once.

        >>> from actors import Backoff
        >>> delays = Delays(Backoff(1.0))
        >>> [delays.next() for _ in range(4)]
        [None, 1.0, 2.0, 4.0]
        """
        self.restarts += 1
        return self.backoff.seconds(self.restarts - 1) if self.restarts > 1 else None
