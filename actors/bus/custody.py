"""Custody: what keeps the value of a message in a store, for as long as anybody has the message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.store.hold import Hold

if TYPE_CHECKING:
    from actors.bus.message import TopicMessage
    from actors.store import Reference, StoreClient
    from actors.system import ActorSystem

KEPT_SECONDS: Final = 86_400.0
"""How long a value is kept at most, in case that the program ends before it is let go of."""


class Custody:
    """The values that went by reference on one bus."""

    def __init__(self, system: ActorSystem, store: StoreClient) -> None:
        self.store = store
        self._system = system

    def __repr__(self) -> str:
        return f"<Custody of values in {self.store}>"

    def keep(self, message: TopicMessage, reference: Reference) -> None:
        """Let go of *reference*, which is held once for this, when nobody has *message* any more.

        It is in the buffers and the hands of those who have not done with it, and nowhere else.
        """
        Hold(self._system, self.store, reference).end_when_forgotten(message)
