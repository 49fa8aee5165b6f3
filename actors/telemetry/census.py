"""Census: what the live actors of a system are doing, counted by their classes, a slice at a time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.ref import ActorRef
    from actors.system import ActorSystem
    from actors.telemetry.labels import Labels

AT_ONCE: Final = 500
"""So many actors are looked at before others have their turn: half a millisecond."""


@attrs.define
class Count:
    """What the actors of one class come to."""

    alive: int = 0
    waiting: int = 0
    """How many messages wait in their mailboxes."""
    deepest: int = 0
    """How many wait in the fullest of them."""
    handled: int = 0
    """How many messages they have handled, the dead included."""


class Census:
    """The counts of one system; what the dead have handled counts from when this was made."""

    def __init__(self, system: ActorSystem, labels: Labels) -> None:
        self._system = system
        self._labels = labels
        self._by_dead: Counter[str] = Counter()
        self._handled: dict[str, int] = {}
        self.counts: Mapping[str, Count] = {}
        """By the names of classes, as they were found last."""

    def __repr__(self) -> str:
        return f"<Census of {self._system}: {len(self.counts)} classes>"

    @property
    def dead_letters(self) -> int:
        """How many messages nobody has handled."""
        return self._system.dead_letters.count

    def bury(self, ref: ActorRef) -> None:
        """Keep what an actor has handled that is dead."""
        process = ref._process  # noqa: SLF001 -- the runtime's own
        if process.system is self._system:
            self._by_dead[self._labels.of(process.kind)] += process.taken

    async def take(self) -> None:
        """Look at all actors, and let others work meanwhile."""
        # Whoever dies from here on is counted as alive or not at all, and never twice.
        counts = {name: Count(handled=handled) for name, handled in self._by_dead.items()}
        for number, process in enumerate(list(self._system.processes.values()), 1):
            if process.reason is None:
                self._add(counts.setdefault(self._labels.of(process.kind), Count()), process)
            if number % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
        for name, count in counts.items():
            # What was set aside and is handled again, or died meanwhile, must not let a total fall.
            self._handled[name] = count.handled = max(count.handled, self._handled.get(name, 0))
        self.counts = counts

    def _add(self, count: Count, process: Any) -> None:
        waiting = len(process.mailbox)
        count.alive += 1
        count.waiting += waiting
        count.deepest = max(count.deepest, waiting)
        count.handled += process.taken
