"""Hold: what keeps a value in its store for one message, and who lets go of it.

Whoever sends by reference holds the value for the message, and nobody lets go of it before every receiver is done. A
task of the system does, not one of the sender, which may crash meanwhile. Where it cannot know that all are done it
does nothing: then the value expires, long after the message. So it may be there for too long, and never too short.
"""

from __future__ import annotations

import logging
import math
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import attrs
import trio

from actors.delivery import DeliveryError
from actors.store import ReferenceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors.delivery import Receipt
    from actors.store import Reference, StoreClient
    from actors.system import ActorSystem

logger: Final = logging.getLogger("actors")

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
class Hold:
    """What is to be let go of once, when a message is done with."""

    system: ActorSystem
    store: StoreClient
    reference: Reference

    def end_soon(self) -> None:
        """Let go: the message is with nobody."""
        self._start(self._end)

    def end_after(self, stored: Callable[[], Awaitable[object]]) -> None:
        """Let go when *stored* has returned: until then a message that is done with might come again."""
        self._start(self._end_after, stored)

    def end_with(self, receipt: Receipt, lifetime: float, keep: float) -> None:
        """Let go when the receivers of a message are done with it, which was thought to live for *lifetime*."""
        self._start(self._end_with, receipt, lifetime, keep)

    # -- tasks of the system

    def _start(self, task: Callable[..., Awaitable[None]], *arguments: object) -> None:
        if not self.system.stopped.is_set():
            self.system.context.run(self.system.start_soon, self._told, task, *arguments)

    async def _told(self, task: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Run *task*; what it raises is nobody's fault, and ends no system."""
        try:
            await task(*arguments)
        except ReferenceNotFoundError as error:
            logger.info("nothing had to be let go of: %s", error)
        except Exception as error:  # noqa: BLE001 -- it expires, whatever went wrong
            text = "%s is held for a message that is done with, until it expires: %s"
            logger.warning(text, self.reference, error)

    async def _end(self) -> None:
        await self.store.release(self.reference)

    async def _end_after(self, stored: Callable[[], Awaitable[object]]) -> None:
        await stored()
        await self._end()

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
            self._end_when_forgotten(receipt)
        elif receipt.terms.durable and (store := receipt.plan.ledger.store) is not None:
            await self._end_after(store.database.committed)
        else:
            await self._end()

    async def _outlast(self, ttl: float) -> None:
        """Have the value live longer: the later expiry counts."""
        await self.store.store(await self.store.resolve(self.reference), ttl=ttl)
        await self._end()

    def _end_when_forgotten(self, receipt: Receipt) -> None:
        """Let go when nobody has the message any more: no mailbox, no handler, no dead letter.

        That is known of one that is in memory only. A durable one may come again in another program.
        """
        if not receipt.terms.durable:
            token = trio.lowlevel.current_trio_token()
            weakref.finalize(receipt.message, _from_anywhere, token, self).atexit = False


def _from_anywhere(token: trio.lowlevel.TrioToken, hold: Hold) -> None:
    """End *hold*; garbage may be collected in any thread, and when the loop is gone."""
    with suppress(trio.RunFinishedError):
        token.run_sync_soon(hold.end_soon)


def _may_have_copies(receipt: Receipt) -> bool:
    """Tell whether a receiver may still have a copy of what was handled: of an attempt that was not told of in time.

    Where an attempt ended with its receiver, or was refused by a mailbox, the reason is no text.
    """
    return any(isinstance(fault.reason, str) for fault in receipt.faults)
