"""Answers: who waits for the reply to a request that went through the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from actors.queue.errors import QueueClosedError
from actors.queue.message import KINDS, decode

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from actors.caller import Caller
    from actors.queue.behaviour import Row
    from actors.queue.lanes import Chunk, Entry
    from actors.queue.ledger import Ledger

REPLY = KINDS.index("reply")
REQUEST = KINDS.index("request")

SWEEP_ABOVE = 256
"""So many that may have given up are not worth a look."""


@attrs.frozen(eq=False)
class Awaiting:
    """Somebody who waits for one reply."""

    requester: str
    caller: Caller


@attrs.frozen(eq=False)
class Asked:
    """Who is told what became of the put of a request: only a failure matters, for success is answered by the reply."""

    caller: Caller
    answered = True
    """As if it had given up: that the request is stored is remembered, for it may be asked again."""

    def reply(self, value: object) -> None:
        """Say nothing yet."""

    def refuse(self, error: Exception) -> None:
        """Fail the request."""
        self.caller.refuse(error)


class Answers:
    """The replies that are waited for."""

    def __init__(self) -> None:
        self._awaiting: dict[str, Awaiting] = {}
        self._sweep_at = SWEEP_ABOVE

    def wait(self, correlation_id: str, requester: str, caller: Caller) -> None:
        """Have *caller* answered with the reply to *requester* that has *correlation_id*."""
        if len(self._awaiting) >= self._sweep_at:
            self._awaiting = {key: one for key, one in self._awaiting.items() if not one.caller.answered}
            self._sweep_at = max(SWEEP_ABOVE, 2 * len(self._awaiting))
        self._awaiting[correlation_id] = Awaiting(requester, caller)

    def deliver(self, requester: str, correlation_id: str | None, payload: bytes) -> bool:
        """Give a reply to who waits for it; False if nobody does, or does any longer."""
        awaiting = None if correlation_id is None else self._awaiting.get(correlation_id)
        if awaiting is None or awaiting.requester != requester or awaiting.caller.answered:
            return False
        assert correlation_id is not None
        del self._awaiting[correlation_id]
        awaiting.caller.reply(decode(payload))
        return True

    def deliver_row(self, row: Row) -> bool:
        """Give a reply that was stored before anybody waited for it to who waits by now; False if nobody does."""
        return row.kind == REPLY and self.deliver(row.recipient, row.correlation_id, row.payload)

    def close(self) -> None:
        """Send away those who wait."""
        for awaiting in self._awaiting.values():
            awaiting.caller.refuse(QueueClosedError("the queue was closed while a reply was waited for"))
        self._awaiting.clear()


def find_reply(
    ledger: Ledger, thaw: Callable[[Chunk], deque[Entry]], requester: str, correlation_id: str
) -> Entry | None:
    """Return the reply that came when nobody could wait for it, since the queue was being restarted."""
    box = ledger.boxes.get(requester)
    if box is None:
        return None
    for entry in box.waiting(thaw):
        if entry.row.kind == REPLY and entry.row.correlation_id == correlation_id:
            return entry
    return None
