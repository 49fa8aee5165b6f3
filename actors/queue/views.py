"""What a queue can be asked without changing anything."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from actors.queue.requests import PendingInfo, QueueStatistics

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from actors.queue.lanes import Chunk, Entry
    from actors.queue.ledger import Ledger


def depth(ledger: Ledger, recipient: str) -> int:
    """Return how many messages of *recipient* can be leased now."""
    box = ledger.boxes.get(recipient)
    return 0 if box is None else box.ready


def recipients(ledger: Ledger) -> tuple[str, ...]:
    """Return for whom messages can be leased now, in alphabetical order."""
    return tuple(sorted(box.recipient for box in ledger.boxes.values() if box.ready))


def pending(
    ledger: Ledger, thaw: Callable[[Chunk], deque[Entry]], recipient: str, most: int
) -> tuple[PendingInfo, ...]:
    """Return up to *most* of what can be leased now, in the order of leases."""
    box = ledger.boxes.get(recipient)
    if box is None:
        return ()
    rows = (entry.row for entry in islice(box.waiting(thaw), most))
    return tuple(PendingInfo(row.id, row.sender, row.type, row.enqueued_at, len(row.payload)) for row in rows)


def statistics(ledger: Ledger) -> QueueStatistics:
    """Return what is counted."""
    counters = ledger.counters
    ready = [box.ready for box in ledger.boxes.values() if box.ready]
    return QueueStatistics(
        enqueued=counters.enqueued,
        dequeued=counters.dequeued,
        acked=counters.acked,
        returned=counters.returned,
        failed=counters.failed,
        expired=counters.expired,
        corrupt=counters.corrupt,
        ready=sum(ready),
        in_flight=len(ledger.in_flight),
        recipients=len(ready),
    )
