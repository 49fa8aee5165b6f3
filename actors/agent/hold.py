"""MessageHold: who lets go of a value that is held for a message of an agent, and when.

Whoever sends by reference holds the value for the message, and nobody lets go of it before every receiver is done.
Where it cannot be known that all are done nothing is done: then the value expires, long after the message.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import attrs

from actors.delivery import DeliveryError
from actors.store.hold import Hold

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors.delivery import Receipt

DAY: Final = 86_400.0

KEEP_SECONDS: Final = 8 * DAY
"""How long a value outlives the time of its message: a queue keeps dead letters for 7 days, and replays them for 1."""


def ttl_of(lifetime: float, keep: float) -> float:
    """Return for how long the value of a message is kept at most that may live so long.

    >>> ttl_of(60.0, 3600.0), ttl_of(math.inf, 3600.0)
    (3660.0, 0.0)
    """
    seconds = lifetime + keep
    return seconds if seconds < math.inf else 0.0


@attrs.frozen
class MessageHold(Hold):
    """What is to be let go of once, when a message of an agent is done with."""

    def end_after(self, stored: Callable[[], Awaitable[object]]) -> None:
        """Let go when *stored* has returned: until then a message that is done with might come again."""
        self.start(self._end_after, stored)

    def end_with(self, receipt: Receipt, lifetime: float, keep: float) -> None:
        """Let go when the receivers of a message are done with it, which was thought to live for *lifetime*."""
        self.start(self._end_with, receipt, lifetime, keep)

    async def _end_after(self, stored: Callable[[], Awaitable[object]]) -> None:
        await stored()
        await self.end()

    async def _end_with(self, receipt: Receipt, lifetime: float, keep: float) -> None:
        if receipt.terms.lifetime > lifetime:
            await self._outlast(ttl_of(receipt.terms.lifetime, keep))
        try:
            await receipt.acknowledged()
        except DeliveryError:
            known = False
        else:
            known = not _may_have_copies(receipt.original or receipt)
        if not known:
            # A durable one may come again in another program, so nobody can know that it is forgotten.
            if not receipt.terms.durable:
                self.end_when_forgotten(receipt.message)
        elif receipt.terms.durable and (store := receipt.plan.ledger.store) is not None:
            await self._end_after(store.database.committed)
        else:
            await self.end()

    async def _outlast(self, ttl: float) -> None:
        """Have the value live longer: the later expiry counts."""
        await self.store.store(await self.store.resolve(self.reference), ttl=ttl)
        await self.end()


def _may_have_copies(receipt: Receipt) -> bool:
    """Tell whether a receiver may still have a copy of what was handled: of an attempt that was not told of in time.

    Where an attempt ended with its receiver, or was refused by a mailbox, the reason is no text.
    """
    return any(isinstance(fault.reason, str) for fault in receipt.faults)
