"""QueueOptions: what a queue is told when it is made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from actors.backoff import Backoff
from actors.options import is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    Check: TypeAlias = Callable[["QueueOptions", "attrs.Attribute[Any]", Any], None]

DAY: Final = 86_400.0


def _must(allowed: str, is_allowed: Callable[[Any], bool]) -> Check:
    """Return a validator that refuses every value for which *is_allowed* is false."""

    def check(_options: QueueOptions, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not is_allowed(value):
            raise ValueError(f"QueueOptions: {attribute.name} is {value!r}; allowed is {allowed}")

    return check


def _is_time(value: Any) -> bool:
    return is_number(value) and value >= 0


def _is_finite(value: Any) -> bool:
    return _is_time(value) and 0 < value < math.inf


@attrs.frozen(kw_only=True)
class QueueOptions:
    """How long a queue keeps what, and how often it tries. Times are in seconds."""

    lease_seconds: float = attrs.field(default=30.0, validator=_must("a finite number of seconds above 0", _is_finite))
    """How long a lease is, unless who leases says otherwise."""
    expires_after: float = attrs.field(default=DAY, validator=_must("a finite number of seconds above 0", _is_finite))
    """How long a message may wait, unless who puts it says otherwise."""
    max_retries: int = attrs.field(
        default=3,
        validator=_must(
            "an int of 1 or more", lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1
        ),
    )
    """How often a message may be leased in total, unless who puts it says otherwise."""
    backoff: Backoff = attrs.field(
        factory=Backoff, validator=_must("a Backoff", lambda value: isinstance(value, Backoff))
    )
    """How long a message waits after a nack: 0.1 s, and twice as long each time, up to 30 s."""
    keep_acked: float = attrs.field(default=0.0, validator=_must("a number of seconds, 0 or more", _is_time))
    """How long the row of an acknowledged message is kept. At 0 it is deleted."""
    keep_dead: float = attrs.field(default=7 * DAY, validator=_must("a number of seconds, 0 or more", _is_time))
    """How long a dead letter is kept."""
    ride_seconds: float = attrs.field(default=0.02, validator=_must("a finite number of seconds above 0", _is_finite))
    """How long a lease or an acknowledgement waits for a put to be stored with, before it is stored alone."""
    known: Callable[[str], bool] | None = attrs.field(
        default=None, validator=_must("a function, or None", lambda value: value is None or callable(value))
    )
    """What tells whether there is such a recipient; asked by `send` and `send_and_receive`, not by `put`."""
