"""Chronicle: the latest ends of the actors of a node, as far as there is room.

Failures have room of their own, so that any number of orderly ends pushes none of them out. What is kept is text: an
exception would keep alive all that its frames refer to.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from heapq import merge
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.actor import Actor
from actors.exit import KILLED, Crash, is_clean
from actors.show import told
from actors.snapshot import Snapshot, callback_of, printable
from actors.system import unnoticed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.ending import Ending
    from actors.process import Process
    from actors.shell.node import Node
    from actors.system import ActorSystem

logger: Final = logging.getLogger("actors.shell")

ROOM: Final = 1000
"""So many failures are kept, and so many other ends."""


@attrs.define
class End:
    """The end of one actor; not frozen, since that would double what making one takes."""

    number: int
    """Which one it was of all, from 1."""
    time: float
    """When, in seconds since 1970."""
    id: int
    name: str | None
    kind: str
    """Its class."""
    parent: int | None
    child: str | None
    """What its supervisor called it."""
    failed: bool
    """Whether it did not end in an orderly way."""
    reason: str
    handler: str | None
    """The callback that it ended in."""
    message: str | None
    """The class of the message that it handled then."""
    zombie: bool
    """Whether it was left behind, and still ran."""


class Chronicle:
    """The latest ends in one system, from when it is attached on."""

    def __init__(self, system: ActorSystem) -> None:
        self.count = 0
        self._system = system
        self._snapshot = Snapshot(system)
        self._failures: deque[End] = deque(maxlen=ROOM)
        self._others: deque[End] = deque(maxlen=ROOM)

    def attach(self) -> None:
        """Note ends from now on."""
        self._system.on_end = self.note

    def detach(self) -> None:
        """Note them no longer."""
        if self._system.on_end == self.note:
            self._system.on_end = unnoticed

    def note(self, process: Process, ending: Ending) -> None:
        """Note that *process*, which still has its actor and its message, ends so."""
        try:
            end = self._end_of(process, ending)
        except Exception:
            logger.exception("the end of %s could not be noted", process.ref)
            return
        (self._failures if end.failed else self._others).append(end)

    def ends(self) -> Iterator[End]:
        """Yield the ends that are kept, the oldest first."""
        yield from merge(tuple(self._failures), tuple(self._others), key=lambda end: end.number)

    def last_failures(self) -> Mapping[tuple[int | None, str | None], End]:
        """Return the last failure of each child, by the number of its supervisor and what that calls it."""
        return {(end.parent, end.child): end for end in self._failures}

    def _end_of(self, process: Process, ending: Ending) -> End:
        self.count += 1
        reason = ending.reason
        at_work = process.running or reason.interrupted or (ending.should_report and isinstance(reason, Crash))
        handler, message = callback_of(process) if at_work else (None, None)
        parent = process.parent
        child = None if parent is None else self._snapshot.child_of(parent, process)
        return End(  # by position, which takes less, too
            self.count,
            time.time(),
            process.id,
            process.name,
            process.kind,
            None if parent is None else parent.id,
            None if child is None else printable(child.id),
            not is_clean(reason),
            "killed" if reason is KILLED else printable(_why(process, ending)),
            handler,
            message,
            process in process.system.zombies,
        )


def _why(process: Process, ending: Ending) -> str:
    """Return the reason as the actor shows it: one that hides something of itself may hide that too."""
    if ending.status is not None:
        return "hidden" if ending.status.reason is None else str(ending.status.reason)
    hides = type(process.actor).format_status is not Actor.format_status
    if hides and isinstance(ending.reason, Crash):
        cause = ending.reason.cause
        return f"{type(cause).__name__} (hidden)"
    return told(str(ending.reason))


def log(node: Node, _: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the ends that are kept, the oldest first."""
    return (attrs.asdict(end) for end in node.chronicle.ends())
