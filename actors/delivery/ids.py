"""Ids: which messages that are sent exactly once are on their way, were handled, or may still be.

They are known for each receiver by its name, so by all its incarnations and instances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from actors.dedupe import DedupeWindow
from actors.delivery.record import ACKNOWLEDGED

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.delivery.lane import Target
    from actors.delivery.options import RouterConfig
    from actors.delivery.receipt import Attempt, Receipt

    Key: TypeAlias = tuple[object, str]


class Ids:
    """The ids of one router."""

    def __init__(self, config: RouterConfig, now: Callable[[], float]) -> None:
        self._now = now
        self.handled = DedupeWindow(seconds=config.dedupe_seconds, max_ids=config.dedupe_ids, clock=now)
        self._open: dict[Key, Receipt] = {}
        self._left: dict[Key, Attempt] = {}
        """Attempts of messages that were given up while their receivers had them."""

    def __repr__(self) -> str:
        return f"<Ids: {len(self._open)} on their way, {len(self.handled)} handled>"

    def configure(self, config: RouterConfig) -> None:
        """Remember for as long as *config* says from now on."""
        if (config.dedupe_seconds, config.dedupe_ids) != (self.handled.seconds, self.handled.max_ids):
            window = self.handled
            self.handled = DedupeWindow(seconds=config.dedupe_seconds, max_ids=config.dedupe_ids, clock=self._now)
            self.handled.take_over(window)

    def open_one(self, to: Target, id: str) -> Receipt | None:
        """Return the receipt of the message with this id that is on its way to the same receiver."""
        return self._open.get((receiver_of(to), id))

    def look_up(self, to: Target, id: str) -> tuple[Receipt | None, bool]:
        """As `open_one`, and tell whether the receiver has handled a message with this id, if that is remembered."""
        key = receiver_of(to), id
        return self._open.get(key), key in self.handled

    def note(self, receipt: Receipt) -> None:
        """Remember the id of *receipt*, now that somebody knows it: one that nobody knows cannot come twice."""
        if not receipt.terms.exactly_once:
            return
        receipt.key = key = _key_of(receipt)
        if receipt.final:
            if receipt.status is ACKNOWLEDGED:
                self.handled.add(key)
            return
        self._open[key] = receipt
        if self._left and (left := self._left.pop(key, None)) is not None:
            # The receiver still has the copy of one that was given up: it is the copy of this one too.
            receipt.attempt, left.receipt = left, receipt

    def close(self, receipt: Receipt) -> None:
        """Note that *receipt*, whose id is known and which is sent exactly once, is done with."""
        key = receipt.key or _key_of(receipt)
        if self._open.get(key) is receipt:
            del self._open[key]
        if receipt.status is ACKNOWLEDGED:
            self.handled.add(key)
        elif receipt.attempt is not None and not receipt.attempt.settled:
            self._left[key] = receipt.attempt

    def settled_late(self, receipt: Receipt, *, handled: bool) -> None:
        """Note that a receiver is done with the copy of *receipt*, which had been given up."""
        key = _key_of(receipt)
        self._left.pop(key, None)
        if handled:
            self.handled.add(key)


def receiver_of(to: Any) -> object:
    """Return what stands for a receiver in every incarnation: its name, or itself if it has none."""
    return to if isinstance(to, str) else to.name or to


def _key_of(receipt: Receipt) -> Key:
    return receiver_of(receipt.to), receipt.id
