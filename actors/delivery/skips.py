"""Skips: the time that passes on the wall only, while a router runs: the machine sleeps, or the clock is set ahead.

For durable messages that time has passed. They are kept by trio's clock nevertheless, so that nothing waits or lives
longer because the clock on the wall is set back; what that has skipped is taken off what is left to them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from actors.delivery.plan import AT_ONCE, Expiry
from actors.wall_clock import LOOK_SECONDS, Ahead, can_be_set

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.delivery.ledger import Ledger
    from actors.delivery.receipt import Receipt
    from actors.wall_clock import WallClock


class Skips:
    """The deadline at which a ledger looks again whether the clock on the wall has skipped something."""

    def __init__(self, ledger: Ledger, clock: WallClock) -> None:
        self._ledger = ledger
        self._ahead = Ahead(clock, ledger.now)
        self.seconds = 0.0
        """What was skipped in all."""
        if can_be_set(clock):
            self._wait()

    def look(self) -> None:
        """Have durable messages expire and come due earlier by what was skipped since the last look."""
        ledger = self._ledger
        seconds = self._ahead.skipped()
        if seconds == 0:
            return
        self.seconds += seconds
        for plan in {*ledger.plans.values(), *ledger.used}:
            if plan.terms.durable:
                plan.skipped = self.seconds
                if plan.open:
                    Expiry(plan)
        Hurry(ledger, list(ledger.delayed), seconds).expire()

    @property
    def live(self) -> bool:
        """Whether the ledger has anything that goes by the clock."""
        return not self._ledger.closed

    def expire(self) -> None:
        """Look, and wait for the next time."""
        self.look()
        self._wait()

    def _wait(self) -> None:
        self._ledger.system.timers.add(self._ledger.now() + LOOK_SECONDS, self)


class Hurry:
    """The deadline, now, at which the next of many delayed messages come due earlier."""

    live = True

    def __init__(self, ledger: Ledger, receipts: list[Receipt], seconds: float) -> None:
        self._ledger = ledger
        self._left: Iterator[Receipt] = iter(receipts)
        self._seconds = seconds

    def expire(self) -> None:
        """See to a slice of them."""
        some = list(islice(self._left, AT_ONCE))
        for receipt in some:
            delayed = self._ledger.delayed.get(receipt)
            if delayed is not None:
                delayed.wait(delayed.at - self._seconds)
        if some:
            self._ledger.system.timers.add(self._ledger.now(), self)
