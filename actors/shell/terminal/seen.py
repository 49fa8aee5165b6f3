"""Seen: an actor as `actors top` saw it last, and what actors are sorted by there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.shell.terminal.trend import BARS, Trend

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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


ORDERS: Final[Mapping[str, Callable[[Seen], Any]]] = {
    "throughput": lambda it: -it.trend.rate,
    "mailbox": lambda it: -it.actor.length,
    "handled": lambda it: -it.actor.handled,
    "wait": lambda it: -(it.wait or 0.0),
    "busy": lambda it: -(it.busy or 0.0),
    "age": lambda it: it.actor.id or 0,
    "name": lambda it: it.actor.label,
}
"""What the actors can be sorted by; each has its first letter as a key."""
