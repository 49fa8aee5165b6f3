"""What actors are sorted by in `actors top`, whose options name it: so it is known without what draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.shell.terminal.seen import Seen

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
