"""Plan: how a ledger delivers all messages of the same terms, and which of them are not done with.

All of one plan have the same time to live, and the same time for an acknowledgement. So their times end in the order
they began, and one deadline of the system serves them all: a message costs no timer unless it has to be tried again.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from actors.delivery.ledger import Ledger
    from actors.delivery.options import Terms
    from actors.delivery.receipt import Attempt, Receipt
    from actors.delivery.statistics import Tally


AT_ONCE: Final = 128
"""So many are given up, or attempts made, before others have their turn."""


class Plan:
    """The messages of the same terms."""

    __slots__ = ("expiry", "in_flight", "ledger", "open", "patience", "skipped", "tally", "terms")

    def __init__(self, ledger: Ledger, terms: Terms, tally: Tally) -> None:
        self.ledger = ledger
        self.skipped = 0.0 if ledger.skips is None or not terms.durable else ledger.skips.seconds
        """Seconds that have passed on the wall only, which count for durable messages."""
        self.terms = terms
        self.tally = tally
        # The first one of a dict is looked for among all that were deleted before it.
        self.open: OrderedDict[Receipt, None] = OrderedDict()
        """What is not done with, in the order it was accepted."""
        self.in_flight: dict[Attempt, None] = {}
        """Whose acknowledgement is waited for, in the order they began."""
        self.expiry: Expiry | None = None
        self.patience: Patience | None = None

    def __repr__(self) -> str:
        return f"<Plan of {self.terms.guarantee.value}: {len(self.open)} messages, {len(self.in_flight)} under way>"

    def next_expiry(self) -> float:
        """Return the instant after the first one expires; infinity if there is none."""
        first = next(iter(self.open), None)
        return math.inf if first is None else math.nextafter(first.expires_at, math.inf)

    def next_timeout(self) -> float:
        """Return when the first one under way has not been acknowledged in time; infinity if there is none."""
        first = next(iter(self.in_flight), None)
        return math.inf if first is None else first.began + self.terms.timeout


class Expiry:
    """The deadline of the message of a plan that expires first; it takes the place of the one there was."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        plan.expiry = self
        plan.ledger.system.timers.add(plan.next_expiry(), self)

    @property
    def live(self) -> bool:
        """Whether no other has taken its place."""
        return self._plan.expiry is self

    def expire(self) -> None:
        """Give up what has expired, and wait for the next."""
        plan = self._plan
        now = plan.ledger.now()
        for _ in range(AT_ONCE):
            if not plan.open or not (first := next(iter(plan.open))).expired(now):
                break
            plan.ledger.expire(first)
        plan.expiry = None
        if plan.open:
            Expiry(plan)


class Patience:
    """The deadline of the attempt of a plan whose acknowledgement is due first."""

    live = True

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        plan.patience = self
        plan.ledger.system.timers.add(plan.next_timeout(), self)

    def expire(self) -> None:
        """Give up what was not acknowledged in time, and wait for the next."""
        plan = self._plan
        now = plan.ledger.now()
        for _ in range(AT_ONCE):
            if not plan.in_flight or now < (first := next(iter(plan.in_flight))).began + plan.terms.timeout:
                break
            plan.ledger.timed_out(first)
        plan.patience = None
        if plan.in_flight:
            Patience(plan)
