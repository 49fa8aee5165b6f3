"""Custody: what keeps the value of a message in a store, for as long as anybody has the message."""

from __future__ import annotations

import logging
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import trio

from actors.errors import ActorError
from actors.store import ReferenceNotFoundError

if TYPE_CHECKING:
    from actors.bus.message import TopicMessage
    from actors.store import Reference, StoreClient
    from actors.system import ActorSystem

logger: Final = logging.getLogger("actors")

KEPT_SECONDS: Final = 86_400.0
"""How long a value is kept at most, in case that the program ends before it is let go of."""


class Custody:
    """The values that went by reference on one bus.

    A message is in the buffers and the hands of those who have not done with it, and nowhere else; when it is in none
    of them any more, Python says so, and a task of the system lets go of the value.
    """

    def __init__(self, system: ActorSystem, store: StoreClient) -> None:
        self.store = store
        self._system = system
        self._token = trio.lowlevel.current_trio_token()

    def __repr__(self) -> str:
        return f"<Custody of values in {self.store}>"

    def keep(self, message: TopicMessage, reference: Reference) -> None:
        """Let go of *reference*, which is held once for this, when nobody has *message* any more."""
        weakref.finalize(message, _from_anywhere, self._token, self, reference).atexit = False

    def let_go(self, reference: Reference) -> None:
        """Let go of *reference* soon."""
        if not self._system.stopped.is_set():
            self._system.context.run(self._system.start_soon, self._release, reference)

    async def _release(self, reference: Reference) -> None:
        try:
            await self.store.release(reference)
        except ReferenceNotFoundError as error:
            logger.info("nothing had to be let go of: %s", error)
        except ActorError as error:
            logger.warning("%s is held for a message that nobody has, until it expires: %s", reference, error)


def _from_anywhere(token: trio.lowlevel.TrioToken, custody: Custody, reference: Reference) -> None:
    """Let go of *reference*; garbage may be collected in any thread, and when the loop is gone."""
    with suppress(trio.RunFinishedError):
        token.run_sync_soon(custody.let_go, reference)
