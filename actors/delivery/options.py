"""How messages are delivered: what a router does by default, and what one message may ask for instead."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Final, get_args

import attrs

from actors.backoff import Backoff
from actors.dedupe import DAY_SECONDS
from actors.delivery.balance import Balance
from actors.delivery.breaker import BreakerOptions
from actors.delivery.checks import (
    is_above_zero,
    is_factor,
    is_finite_above_zero,
    is_flag,
    is_not_negative,
    is_positive_count,
    is_share,
    must,
)
from actors.guarantee import Guarantee
from actors.message import Priority
from actors.options import LOCK_TIMEOUT, check_cache_size

if TYPE_CHECKING:
    from actors.wall_clock import WallClock

COUNT: Final = "an int of 1 or more"
SECONDS: Final = "a number of seconds above 0"
DELAY: Final = "a finite number of seconds above 0"

SUMMED_UP: Final = 100
"""So many delays are added up; the sum of more is calculated."""

DURABLE_SECONDS: Final = DAY_SECONDS
"""How long a durable message lives unless it says otherwise."""


def _is_guarantee(value: object) -> bool:
    return isinstance(value, Guarantee)


def _is_priority(value: object) -> bool:
    return isinstance(value, Priority)


def _path_of(path: str | os.PathLike[str] | None) -> str | None:
    return os.fspath(path) if isinstance(path, os.PathLike) else path


@attrs.frozen(kw_only=True, cache_hash=True)
class DeliveryOptions:
    """What one message asks for. What is None is as the router's `RouterConfig` says."""

    guarantee: Guarantee | None = attrs.field(default=None, validator=must("a Guarantee", _is_guarantee, optional=True))
    priority: Priority | None = attrs.field(default=None, validator=must("a Priority", _is_priority, optional=True))
    """How urgent it is, among the messages that wait in the router and in a mailbox with priorities."""
    timeout: float | None = attrs.field(default=None, validator=must(SECONDS, is_above_zero, optional=True))
    """Seconds in which an attempt has to be acknowledged."""
    expires_after: float | None = attrs.field(default=None, validator=must(SECONDS, is_above_zero, optional=True))
    """Seconds after which the message is given up, whatever its attempts. Strictly later: at that instant it lives."""
    max_retries: int | None = attrs.field(default=None, validator=must(COUNT, is_positive_count, optional=True))
    """How many attempts there are in total, the first one included."""
    retry_delay: float | None = attrs.field(default=None, validator=must(DELAY, is_finite_above_zero, optional=True))
    """Seconds between the first failed attempt and the second."""
    backoff: float | None = attrs.field(
        default=None, validator=must("a finite number of 1 or more", is_factor, optional=True)
    )
    """How many times as long each delay is as the one before."""
    max_retry_delay: float | None = attrs.field(
        default=None, validator=must(DELAY, is_finite_above_zero, optional=True)
    )
    """The greatest delay, in seconds."""
    jitter: float | None = attrs.field(default=None, validator=must("a number from 0 to 1", is_share, optional=True))
    """The part of each delay that is left to chance."""
    require_ack: bool | None = attrs.field(default=None, validator=must("True or False", is_flag, optional=True))
    """Whether a message that is sent at most once is done only when it was handled; the other guarantees require it."""
    durable: bool | None = attrs.field(default=None, validator=must("True or False", is_flag, optional=True))
    """Whether it is stored before `send` returns, and outlives the process. One that is sent at most once is not."""

    def __attrs_post_init__(self) -> None:
        if self.durable and self.guarantee is Guarantee.AT_MOST_ONCE:
            raise ValueError("DeliveryOptions: durable is True; what is sent at most once may not come again")


@attrs.frozen(kw_only=True)
class RouterConfig:
    """What a router does with messages that do not ask for anything else, and its own bounds."""

    guarantee: Guarantee = attrs.field(default=Guarantee.AT_LEAST_ONCE, validator=must("a Guarantee", _is_guarantee))
    priority: Priority = attrs.field(default=Priority.NORMAL, validator=must("a Priority", _is_priority))
    timeout: float = attrs.field(default=30.0, validator=must(SECONDS, is_above_zero))
    expires_after: float | None = attrs.field(default=None, validator=must(SECONDS, is_above_zero, optional=True))
    """By default as long as all attempts may take with the delays after them, or 24 hours for a durable message."""
    max_retries: int = attrs.field(default=3, validator=must(COUNT, is_positive_count))
    retry_delay: float = attrs.field(default=0.1, validator=must(DELAY, is_finite_above_zero))
    backoff: float = attrs.field(default=2.0, validator=must("a finite number of 1 or more", is_factor))
    max_retry_delay: float = attrs.field(default=30.0, validator=must(DELAY, is_finite_above_zero))
    jitter: float = attrs.field(default=0.0, validator=must("a number from 0 to 1", is_share))
    require_ack: bool = attrs.field(default=False, validator=must("True or False", is_flag))
    durable: bool = attrs.field(default=False, validator=must("True or False", is_flag))
    max_concurrent_deliveries: int = attrs.field(default=100, validator=must(COUNT, is_positive_count))
    """At most so many attempts wait for their acknowledgement at once; other messages wait in the router."""
    max_concurrent_per_target: int = attrs.field(default=32, validator=must(COUNT, is_positive_count))
    """At most so many of them are for one target (for each of its instances), so that a stuck one holds up no other."""
    balance: Balance = attrs.field(
        default="round_robin",
        validator=must("'round_robin' or 'least_loaded'", lambda value: value in get_args(Balance)),
    )
    """Who of several instances under one name gets the next message."""
    breaker: BreakerOptions | None = attrs.field(
        factory=BreakerOptions,
        validator=must("a BreakerOptions", lambda value: isinstance(value, BreakerOptions), optional=True),
    )
    """When a target that fails is left alone for a while; None for never."""
    dedupe_seconds: float = attrs.field(default=DAY_SECONDS, validator=must(SECONDS, is_above_zero))
    """How long the id of a message that was handled exactly once is remembered."""
    dedupe_ids: int = attrs.field(default=100_000, validator=must(COUNT, is_positive_count))
    """How many such ids are remembered at most."""
    database: str | None = attrs.field(
        default=None,
        converter=_path_of,
        validator=must("a path", lambda value: isinstance(value, str) and value != "", optional=True),
    )
    """The file that durable messages are stored in; without one there are none."""
    lock_timeout: float = attrs.field(
        default=LOCK_TIMEOUT, validator=must("a number of seconds, 0 or more", is_not_negative)
    )
    """Seconds that the start of the router waits for another node to close that file."""
    cache_size: int | None = attrs.field(default=None, validator=lambda _, __, value: check_cache_size(value))
    """What SQLite keeps of that file in memory, in pages or, below 0, in KiB; by default -2000."""
    clock: WallClock | None = attrs.field(default=None, validator=must("a callable", callable, optional=True))
    """What tells the time of day to durable messages; by default `actors.wall_clock.wall_clock`."""
    max_dead_letters: int = attrs.field(default=10_000, validator=must(COUNT, is_positive_count))
    """So many messages that failed are kept, the latest; all are counted."""


@attrs.frozen(kw_only=True)
class Terms:
    """What holds for one message: what it asked for, and what its router says of the rest."""

    guarantee: Guarantee
    priority: Priority
    timeout: float
    lifetime: float
    """Seconds until it expires."""
    max_attempts: int
    backoff: Backoff
    durable: bool
    tracked: bool
    """Whether it is done only when it was handled."""
    exactly_once: bool = attrs.field(init=False)
    rank: int = attrs.field(init=False)
    """Its place among those that wait: the lowest comes first."""

    @exactly_once.default
    def _exactly_once(self) -> bool:
        return self.guarantee is Guarantee.EXACTLY_ONCE

    @rank.default
    def _rank(self) -> int:
        return -int(self.priority)


def terms_of(config: RouterConfig, options: DeliveryOptions | None = None) -> Terms:
    """Return what holds for a message with *options*, sent through a router with *config*.

    >>> terms = terms_of(RouterConfig(timeout=10.0, max_retries=3), DeliveryOptions(max_retries=2))
    >>> terms.timeout, terms.max_attempts, round(terms.lifetime, 3)
    (10.0, 2, 20.3)
    """

    def get(field: str) -> Any:
        asked = getattr(options, field, None)
        return getattr(config, field) if asked is None else asked

    once = get("guarantee") is Guarantee.AT_MOST_ONCE
    attempts = 1 if once else get("max_retries")
    backoff = Backoff(
        get("retry_delay"),
        multiplier=get("backoff"),
        max_seconds=max(get("retry_delay"), get("max_retry_delay")),
        jitter=get("jitter"),
    )
    lifetime = get("expires_after")
    durable = get("durable") and not once
    if lifetime is None:
        lifetime = DURABLE_SECONDS if durable else _longest(attempts, get("timeout"), backoff)
    return Terms(
        guarantee=get("guarantee"),
        priority=get("priority"),
        timeout=get("timeout"),
        lifetime=lifetime,
        max_attempts=attempts,
        backoff=backoff,
        durable=durable,
        tracked=get("require_ack") or not once,
    )


def _longest(attempts: int, timeout: float, backoff: Backoff) -> float:
    """Return how long all attempts may take, with the delay after each."""
    steady = attrs.evolve(backoff, jitter=0.0)
    first, factor = steady.seconds(1), backoff.multiplier
    # The delays grow so often, unless there are fewer, and are the greatest from then on.
    growing = 0
    if factor > 1:
        growing = min(attempts, math.ceil((math.log(backoff.max_seconds) - math.log(first)) / math.log(factor)))
    if growing <= SUMMED_UP:
        delays = sum(steady.seconds(retry) for retry in range(1, growing + 1))
    else:
        delays = (steady.seconds(growing) * factor - first) / (factor - 1)
    return attempts * timeout + delays + (attempts - growing) * steady.seconds(growing + 1)
