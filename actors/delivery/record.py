"""DeliveryRecord: what is known of one message on its way, and the states it goes through.

Pending, in transit, delivered, acknowledged; or failed, and in transit again while attempts are left; or expired.
A decision, without a clock: the caller says what time it is.
"""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import attrs

from actors.show import shown

if TYPE_CHECKING:
    from actors.guarantee import Guarantee
    from actors.telemetry import SpanContext


class Status(enum.Enum):
    """Where a message stands."""

    PENDING = "pending"
    """No attempt is under way, and none has failed."""
    IN_TRANSIT = "in_transit"
    """An attempt is being made."""
    DELIVERED = "delivered"
    """It is in the receiver's mailbox, or in its hands."""
    ACKNOWLEDGED = "acknowledged"
    """It was handled."""
    FAILED = "failed"
    """The last attempt failed; if there may be another, it will be made."""
    EXPIRED = "expired"
    """Its time was over before it was handled."""


# To look a member up in its enum takes longer than what is done with it here.
PENDING: Final = Status.PENDING
IN_TRANSIT: Final = Status.IN_TRANSIT
DELIVERED: Final = Status.DELIVERED
ACKNOWLEDGED: Final = Status.ACKNOWLEDGED
FAILED: Final = Status.FAILED
EXPIRED: Final = Status.EXPIRED

OPEN: Final = frozenset({IN_TRANSIT, DELIVERED})
"""An attempt is under way."""


@attrs.frozen
class Fault:
    """Why one attempt failed."""

    attempt: int
    reason: object
    """An exit reason, `MailboxFull`, or a text."""
    time: float

    def __str__(self) -> str:
        return f"attempt {self.attempt}: {self.reason}"


class DeliveryRecord:
    """One message on its way. Marks that come too late change nothing and return False."""

    to: Any
    message: Any
    guarantee: Guarantee
    max_attempts: int
    created: float
    _id: str | None = None
    status: Status = PENDING
    attempts: int = 0
    last_attempt: float | None = None
    delivered_at: float | None = None
    acknowledged_at: float | None = None
    faults: tuple[Fault, ...] = ()
    """Why attempts failed, in their order."""
    sender: Any = None
    given_up: bool = False
    """Whether it has failed for good although there are attempts left."""
    expires_at: float = math.inf
    span: SpanContext | None = None
    """What it was sent in, if somebody listened."""

    def __repr__(self) -> str:
        tried = f", attempt {self.attempts} of {self.max_attempts}" if self.attempts else ""
        return f"<{type(self).__name__} of {shown(self.message)} to {self.to}: {self.status.value}{tried}>"

    @property
    def id(self) -> str:
        """What it is known by everywhere; made when it is first asked for, unless it was given."""
        if self._id is None:
            self._id = str(uuid4())
        return self._id

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        status = self.status
        if status is FAILED:
            return self.given_up or self.attempts >= self.max_attempts
        return status is ACKNOWLEDGED or status is EXPIRED

    def expired(self, now: float) -> bool:
        """Tell whether its time is over: strictly later than it expires."""
        return now > self.expires_at

    def begin(self, now: float) -> bool:
        """Note that an attempt begins."""
        if self.final or self.status in OPEN:
            return False
        self.status = IN_TRANSIT
        self.attempts += 1
        self.last_attempt = now
        return True

    def deliver(self, now: float) -> bool:
        """Note that the receiver has it."""
        if self.status is not IN_TRANSIT:
            return False
        self.status = DELIVERED
        self.delivered_at = now
        return True

    def acknowledge(self, now: float) -> bool:
        """Note that it was handled; also when that is told after an attempt was taken for failed."""
        if self.final:
            return False
        self.status = ACKNOWLEDGED
        self.acknowledged_at = now
        return True

    def fail(self, reason: object, now: float) -> bool:
        """Note that the attempt that is under way has failed."""
        if self.status not in OPEN:
            return False
        self.status = FAILED
        self.faults = (*self.faults, Fault(self.attempts, reason, now))
        return True

    def take_back(self) -> bool:
        """Note that the attempt that is under way counts for nothing: the message was not looked at."""
        if self.status not in OPEN:
            return False
        self.attempts -= 1
        self.status = FAILED if self.faults else PENDING
        return True

    def give_up(self, reason: object, now: float) -> bool:
        """Note that it has failed for good, whatever attempts are left."""
        if self.final:
            return False
        self.status = FAILED
        self.faults = (*self.faults, Fault(self.attempts, reason, now))
        self.given_up = True
        return True

    def lapse(self) -> bool:
        """Note that its time is over."""
        if self.final:
            return False
        self.status = EXPIRED
        return True
