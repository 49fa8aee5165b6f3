"""Recovery: how a router takes over what an earlier process has left in its database, a slice at a time."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

import trio

from actors.delivery.durable import begin, follow, original_of
from actors.delivery.receipt import receipt_of
from actors.delivery.skips import Skips

if TYPE_CHECKING:
    from actors.delivery.ledger import Ledger
    from actors.delivery.message_store import MessageStore, Stored, StoredMessage

AT_ONCE: Final = 64
"""So many messages are taken over before others have their turn: about a millisecond."""


class Recovery:
    """What was found, as far as the ledger has not taken it over: a router that is killed leaves the rest to the next.

    Nothing durable is accepted meanwhile, for it may be known.
    """

    def __init__(self, ledger: Ledger, store: MessageStore, found: Stored) -> None:
        self._ledger = ledger
        self._store = store
        self._handled = found.handled
        self._messages = found.messages
        ledger.recovery = self
        ledger.store = store
        ledger.skips = Skips(ledger, store.clock)
        ledger.numbers = count(max(found.next_number, next(ledger.numbers)))

    def __repr__(self) -> str:
        return f"<Recovery of router {self._ledger.name}: {len(self._messages)} messages left>"

    async def run(self) -> None:
        """Take over all that is left; of a router that is closed, it stays where it is."""
        ledger = self._ledger
        while (self._handled or self._messages) and not ledger.closed:
            self._take_over_some()
            await trio.lowlevel.checkpoint()
        ledger.letters.on_discard = self._store.discard
        ledger.recovery = None

    def _take_over_some(self) -> None:
        for _ in range(min(AT_ONCE, len(self._handled))):
            self._ledger.ids.handled.add(self._handled.popleft())
        if self._handled:
            return
        now, wall = self._ledger.now(), self._store.clock()
        for _ in range(min(AT_ONCE, len(self._messages))):
            found = self._messages.popleft()
            if found.failed is None:
                _resume(self._ledger, found, now, wall)
            else:
                self._ledger.letters.add(found.letter(now, wall))


def _resume(ledger: Ledger, found: StoredMessage, now: float, wall: float) -> None:
    plan = ledger.plans.get(found.options) or ledger.plan_of(found.options)
    receipt = receipt_of(plan, found.receiver, found.message, found.number)
    receipt.options = found.options
    receipt.span = found.span
    receipt._id = found.id  # noqa: SLF001 -- a record of one's own
    receipt.stored = receipt.recovered = True
    receipt.attempts = min(found.attempts, plan.terms.max_attempts - 1)
    if (first := original_of(ledger, receipt)) is not None:
        follow(ledger, receipt, first)
        return
    ledger.ids.note(receipt)
    # The clock may have been set back meanwhile: nothing waits longer than it was to wait.
    delay = min(found.due - wall, found.due - found.created)
    if delay > 0:
        begin(ledger, receipt, delay)
        return
    # What has expired meanwhile is given up as soon as the clock moves.
    receipt.created = now - max(0.0, wall - max(found.created, found.due))
    receipt.skipped = plan.skipped
    ledger.admit(receipt)
