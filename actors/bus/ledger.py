"""Ledger: what a bus has that its incarnations share: the boxes of its subscribers, and counts.

It belongs to the system. Nothing here is an index: each box and each count stands for itself, so an incarnation that
fails half-way leaves nothing that contradicts something else.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import attrs
import trio

from actors.pace import Pace, batches

if TYPE_CHECKING:
    from actors.bus.box import Box
    from actors.ref import ActorRef
    from actors.system import ActorSystem


@attrs.define(eq=False)
class Topic:
    """The counts of one topic."""

    name: str
    created_at: float
    published: int = 0
    delivered: int = 0
    dropped: int = 0
    last_publish_at: float = 0.0


class Ledger:
    """What one bus keeps across its restarts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.bus: ActorRef | None = None
        """The latest incarnation that has started."""
        self.vigil: trio.CancelScope | None = None
        """What waits for its end, and longer."""
        self.boxes: dict[str, Box] = {}
        """By the ids of their subscriptions."""
        self.topics: OrderedDict[str, Topic] = OrderedDict()
        """Those that were looked for last come last. A plain dict finds its first slowly after many deletions."""
        self.published = 0
        self.delivered = 0
        self.dropped = 0
        self.closed = False
        self.ended = trio.Event()
        """Set when the bus was closed and no subscription is left."""

    def __repr__(self) -> str:
        return f"<Ledger of bus {self.name}: {len(self.boxes)} boxes, {len(self.topics)} topics>"

    def close(self) -> None:
        """Let nothing in any more."""
        self.closed = True
        self.end_vigil()

    async def end_boxes(self) -> None:
        """End all subscriptions, in slices."""
        pace = Pace()
        for some in batches(list(self.boxes)):
            for subscription_id in some:
                box = self.boxes.pop(subscription_id, None)
                if box is not None:
                    box.end()
            await pace.keep()
        self.ended.set()

    def end_vigil(self) -> None:
        """Have nobody told any more that there is no bus."""
        if self.vigil is not None:
            self.vigil.cancel()


def ledger_of(system: ActorSystem, name: str) -> Ledger:
    """Return the ledger of the bus that is, was or will be called *name*."""
    ledgers: dict[str, Ledger] = system.belongings.setdefault(Ledger, {})
    if name not in ledgers:
        ledgers[name] = Ledger(name)
        system.context.run(system.start_soon, _close_with_system, ledgers[name], system)
    return ledgers[name]


async def _close_with_system(ledger: Ledger, system: ActorSystem) -> None:
    """Close *ledger* when every actor is dead, so that nobody waits for messages in vain."""
    with trio.CancelScope(shield=True):
        await system.stopped.wait()
        ledger.close()
        await ledger.end_boxes()
