"""The states of a message in a queue, and what leads from one to another."""

from __future__ import annotations

import enum
from typing import Final


class MessageStatus(enum.IntEnum):
    """Where a message is; the numbers are stored."""

    PENDING = 0
    """It waits to be leased, perhaps until a time that is to come."""
    IN_FLIGHT = 1
    """Somebody has leased it."""
    ACKED = 2
    """It was handled."""
    FAILED = 3
    """It was given back as often as it may be leased, or it was refused for good."""
    EXPIRED = 4
    """Its time was over before anybody was done with it."""
    CORRUPT = 5
    """It cannot be read back; it is set apart, and somebody may look at it."""


PENDING: Final = MessageStatus.PENDING
IN_FLIGHT: Final = MessageStatus.IN_FLIGHT
ACKED: Final = MessageStatus.ACKED
FAILED: Final = MessageStatus.FAILED
EXPIRED: Final = MessageStatus.EXPIRED
CORRUPT: Final = MessageStatus.CORRUPT

DEAD: Final = (FAILED, EXPIRED)
"""The states of dead letters."""

NEXT: Final[dict[MessageStatus, frozenset[MessageStatus]]] = {
    PENDING: frozenset({IN_FLIGHT, FAILED, EXPIRED, CORRUPT}),
    IN_FLIGHT: frozenset({PENDING, ACKED, FAILED, EXPIRED}),
    ACKED: frozenset(),
    FAILED: frozenset({PENDING}),
    EXPIRED: frozenset({PENDING}),
    CORRUPT: frozenset(),
}
"""What may follow what; only a replay takes a dead letter back."""


def may_become(status: MessageStatus, following: MessageStatus) -> bool:
    """Tell whether a message that is *status* can be *following* next.

    >>> may_become(PENDING, IN_FLIGHT), may_become(ACKED, PENDING)
    (True, False)
    """
    return following in NEXT[status]


def is_expired(expires_at: float, now: float) -> bool:
    """Tell whether the time of a message is over: at the very instant it is not.

    >>> is_expired(5.0, 5.0), is_expired(5.0, 5.1)
    (False, True)
    """
    return now > expires_at


def after_return(dequeue_count: int, max_retries: int, expires_at: float, now: float) -> MessageStatus:
    """Tell what a message is that was leased *dequeue_count* times and has come back unhandled.

    >>> after_return(1, 3, 60.0, 5.0), after_return(3, 3, 60.0, 5.0), after_return(1, 3, 60.0, 61.0)
    (<MessageStatus.PENDING: 0>, <MessageStatus.FAILED: 3>, <MessageStatus.EXPIRED: 4>)
    """
    if dequeue_count >= max_retries:
        return FAILED
    return EXPIRED if is_expired(expires_at, now) else PENDING
