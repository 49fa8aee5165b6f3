"""Phrases: what the shell says to people of times, names, states and nodes, in a few words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from actors.shell.client.connection import NodeFacts
    from actors.shell.client.view import ActorView

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400


def headline(node: NodeFacts) -> str:
    """Return the line about a node."""
    stopping = ", stopping" if node["stopping"] else ""
    zombies = f", {node['zombies']} zombies" if node["zombies"] else ""
    return (
        f"node {node['name']}: {node['actors']:,} actors{zombies}, up {duration(node['up_seconds'])}{stopping}, "
        f"{node['dead_letters']:,} dead letters of its own"
    )


def label(told: dict[str, Any]) -> str:
    """Return what an actor is called."""
    it: str = told["name"] or told["child"] or told["class"]
    return it


def state(actor: ActorView) -> str:
    """Return what *actor* does, and for how long it has."""
    running = actor.running
    if running is None:
        return actor.state
    message = f"({running.message})" if running.message else ""
    most = "" if running.exact else "at most "
    seconds = "" if running.seconds is None else f" for {most}{duration(running.seconds)}"
    return f"{actor.state} {running.handler}{message}{seconds}"


def duration(seconds: float | None) -> str:
    """Return *seconds* in the unit that suits them, with three digits at most.

    >>> [duration(seconds) for seconds in (None, 0.0000123, 0.45, 12.34, 600, 7300, 200000)]
    ['', '12 µs', '450 ms', '12.3 s', '10.0 min', '2.0 h', '2.3 d']
    """
    if seconds is None:
        return ""
    if seconds < 0.001:  # noqa: PLR2004 -- the units are the numbers
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    for unit, length, most in (("s", 1, MINUTE), ("min", MINUTE, HOUR), ("h", HOUR, DAY), ("d", DAY, float("inf"))):
        if seconds < most:
            return f"{seconds / length:.1f} {unit}"
    return "for ever"


def moment(time: float) -> str:
    """Return when that was, in seconds since the epoch: the day and the time here, such as ``11-21 14:57:36.610``."""
    when = datetime.fromtimestamp(time).astimezone()
    return f"{when:%m-%d %H:%M:%S}.{when.microsecond // 1000:03}"


def printable(text: str) -> str:
    r"""Return *text* with what would disturb a terminal escaped.

    >>> printable("new\nline")
    'new\\nline'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
