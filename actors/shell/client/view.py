"""What the shell knows of one actor: a row that a node sent, made readable.

Seconds are floats. What a node does not know is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.statistics import most_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from actors.snapshot import Timed

SAMPLED: Final = "times are of one message in 64"


@attrs.frozen
class Times:
    """How long something took, in seconds."""

    count: int
    """So many were timed."""
    mean: float
    p50: float
    p99: float
    max: float


@attrs.frozen
class Running:
    """The callback that an actor is in."""

    handler: str
    message: str | None
    """The class of the message it handles."""
    seconds: float | None
    """How long it has run; at most, unless *exact*."""
    exact: bool


@attrs.frozen
class ActorView:
    """What is known of one actor, or of a child that has no process."""

    id: int | None
    name: str | None
    kind: str
    """Its class."""
    parent: int | None
    child: str | None
    """What its supervisor calls it."""
    restarts: int | None
    """How often its supervisor has restarted that child; None if its parent is no supervisor."""
    state: str
    running: Running | None
    length: int
    """How many messages wait."""
    greatest_length: int
    received: int
    handled: int
    dropped: int
    received_seconds_ago: float | None
    handled_seconds_ago: float | None
    waiting: Times | None
    """How long messages waited, of one in 64; None until one was timed."""
    handling: Times | None
    """How long handlers took, of one message in 64."""

    @property
    def label(self) -> str:
        """How it is called in a table: by its name, its supervisor's word for it, or its class."""
        return self.name or self.child or self.kind


def view_of(row: Sequence[Any], now: int) -> ActorView:
    """Return what *row* says, which was read when the node's counter of nanoseconds showed *now*."""
    # One by one, as `FIELDS` say: by names it takes twice as long, and there may be ten thousand.
    number, name, kind, parent, child, restarts, state, handler, message, length, *counts, waiting, handling = row
    greatest_length, received, handled, dropped, last_received, last_handled = counts
    running, seconds = None, now / 1e9
    if handler is not None:
        running = _running(handler, message, seconds, (last_received, last_handled), exact=length == 0)
    return ActorView(
        number,
        name,
        kind,
        parent,
        child,
        restarts,
        state,
        running,
        length,
        greatest_length,
        received,
        handled,
        dropped,
        _ago(last_received, seconds),
        _ago(last_handled, seconds),
        times_of(waiting),
        times_of(handling),
    )


def _running(handler: str, message: str | None, now: float, last: tuple[float, float], *, exact: bool) -> Running:
    """Return what runs, and since when.

    No time is taken when a handler begins. If nothing waits behind its message, that was the last to come, and it began
    when that came or when the one before it was done; else all that is known is that the one before it was done.
    """
    received, handled = last
    began = max(received, handled) if exact else handled
    return Running(handler, message, _ago(began, now), exact and began > 0)


def _ago(time: float, now: float) -> float | None:
    return max(0.0, now - time) if time else None


def times_of(timed: Timed | None) -> Times | None:
    """Return what *timed* says, in seconds."""
    if timed is None:
        return None
    count, total, greatest, median, tail = timed
    p50, p99 = most_of(median), most_of(tail)
    return Times(
        count,
        total / count / 1e9,
        p50 if p50 < greatest else greatest,  # noqa: FURB136 -- `min` takes thrice as long, and this is done 20,000 times
        p99 if p99 < greatest else greatest,  # noqa: FURB136
        greatest,
    )


ORDERS: Final[dict[str, Callable[[ActorView], float]]] = {
    "age": lambda it: it.id or 0,
    "mailbox": lambda it: -it.length,
    "handled": lambda it: -it.handled,
    "wait": lambda it: -(it.waiting.p99 if it.waiting else 0.0),
    "restarts": lambda it: -(it.restarts or 0),
}
"""What actors can be sorted by: the oldest first, else the greatest."""


def in_order(actors: Iterable[ActorView], order: str) -> list[ActorView]:
    """Return *actors* sorted as `ORDERS` says; those of equal rank stay in the order they have."""
    return sorted(actors, key=ORDERS[order])
