"""Routing: what those who send through a router ask of it, so that another may take its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from actors.delivery.lane import Target
    from actors.delivery.options import DeliveryOptions
    from actors.delivery.receipt import Receipt
    from actors.delivery.statistics import RouterStatistics
    from actors.name_ref import NameRef
    from actors.ref import ActorRef


class Routing(Protocol):
    """Five operations; `RouterRef` tells what each promises."""

    async def send(
        self, to: Target, message: object, options: DeliveryOptions | None = None, *, id: str | None = None
    ) -> Receipt:
        """Take *message* over, and return its receipt."""

    def register(self, name: str, instance: ActorRef | NameRef) -> None:
        """Have messages for *name* go to *instance* too."""

    def unregister(self, name: str, instance: ActorRef | NameRef | None = None) -> None:
        """Send *instance*, or anybody, nothing more for *name*."""

    def statistics(self) -> RouterStatistics:
        """Return what was done so far."""

    def close(self) -> None:
        """Take nothing any more."""
