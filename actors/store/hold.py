"""Hold: what keeps a value in its store while somebody has the message that refers to it.

A task of the system lets go, not one of whoever sent the message, who may crash meanwhile. Where that goes wrong the
value expires; so it may be there for too long, and never too short.
"""

from __future__ import annotations

import logging
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import attrs
import trio

from actors.store.errors import ReferenceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors.store.client import StoreClient
    from actors.store.reference import Reference
    from actors.system import ActorSystem

logger: Final = logging.getLogger("actors")


@attrs.frozen
class Hold:
    """What is to be let go of once, when a message is done with."""

    system: ActorSystem
    store: StoreClient
    reference: Reference

    def end_soon(self) -> None:
        """Let go: the message is with nobody."""
        self.start(self.end)

    def end_when_forgotten(self, message: object) -> None:
        """Let go when nobody has *message* any more: no buffer, no mailbox, no handler, no dead letter.

        It is in memory only; when it is nowhere any more, Python says so.
        """
        token = trio.lowlevel.current_trio_token()
        weakref.finalize(message, _from_anywhere, token, self).atexit = False

    async def end(self) -> None:
        """Let go."""
        await self.store.release(self.reference)

    def start(self, task: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Run *task*, which lets go, as one of the system."""
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


def _from_anywhere(token: trio.lowlevel.TrioToken, hold: Hold) -> None:
    """End *hold*; garbage may be collected in any thread, and when the loop is gone."""
    with suppress(trio.RunFinishedError):
        token.run_sync_soon(hold.end_soon)
