"""Seen: an actor as `actors top` saw it last, and how it went before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from actors.shell.terminal.trend import BARS, Trend

if TYPE_CHECKING:
    from actors.shell.client.view import ActorView


@attrs.frozen
class Seen:
    """One actor as it was seen last, and how it went before."""

    actor: ActorView
    trend: Trend
    bars: str = BARS
    """What trends are drawn with."""

    @property
    def wait(self) -> float | None:
        """How long nearly all of its messages wait at most."""
        return None if self.actor.waiting is None else self.actor.waiting.p99

    @property
    def busy(self) -> float | None:
        """How long nearly all of its handlers take at most."""
        return None if self.actor.handling is None else self.actor.handling.p99
