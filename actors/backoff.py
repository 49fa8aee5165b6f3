"""Backoff: how long to wait before something that failed is tried again, longer each time. Tenacity computes it."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from tenacity import RetryCallState, Retrying, wait_exponential

if TYPE_CHECKING:
    from collections.abc import Callable

    Check: TypeAlias = Callable[["Backoff", "attrs.Attribute[float]", float], None]


def _must(allowed: str, is_allowed: Callable[[float], bool]) -> Check:
    """Return a validator that refuses what is no number, and every number for which *is_allowed* is false."""

    def check(_backoff: Backoff, attribute: attrs.Attribute[float], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_allowed(value):
            raise ValueError(f"Backoff: {attribute.name} is {value!r}; allowed is {allowed}")

    return check


def _not_below_first(backoff: Backoff, _attribute: object, max_seconds: float) -> None:
    if max_seconds < backoff.first:
        raise ValueError(f"Backoff: max_seconds is {max_seconds!r}, less than first, which is {backoff.first!r}")


def _is_source(_backoff: Backoff, _attribute: object, randomness: object) -> None:
    if not callable(randomness):
        raise ValueError(f"Backoff: randomness is {randomness!r}; allowed is a callable")  # noqa: TRY004 -- as its kin


@attrs.frozen
class Backoff:
    """Delays that grow from one retry to the next, up to a greatest one.

    >>> [Backoff(0.5, max_seconds=5.0).seconds(retry) for retry in (1, 2, 3, 4, 5, 1000)]
    [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]

    It is a value and keeps no count: one can serve many who retry.
    """

    first: float = attrs.field(
        default=0.1, validator=_must("a finite number of seconds above 0", lambda value: 0 < value < math.inf)
    )
    """Seconds before the first retry."""
    multiplier: float = attrs.field(
        default=2.0, kw_only=True, validator=_must("a finite number of 1 or more", lambda value: 1 <= value < math.inf)
    )
    """How many times as long each delay is as the one before."""
    max_seconds: float = attrs.field(
        default=30.0,
        kw_only=True,
        validator=[_must("a finite number of seconds", lambda value: value < math.inf), _not_below_first],
    )
    """The greatest delay."""
    jitter: float = attrs.field(
        default=0.0, kw_only=True, validator=_must("a number from 0 to 1", lambda value: 0 <= value <= 1)
    )
    """The part of each delay that is left to chance: with 0.25, it is between three quarters of its length and all."""
    reset_after: float = attrs.field(
        default=60.0, kw_only=True, validator=_must("a number of seconds above 0", lambda value: value > 0)
    )
    """Seconds without a failure after which the delays begin anew; whoever retries keeps that time."""
    randomness: Callable[[], float] = attrs.field(
        default=random.random, kw_only=True, eq=False, repr=False, validator=_is_source
    )
    """Where chance comes from: returns a number from 0 to 1. ``Random(7).random`` repeats itself from run to run."""

    def seconds(self, retry: int) -> float:
        """Return how long to wait before this *retry*, the first of which is 1.

        Raises ``ValueError`` if *retry* is less.
        """
        if retry < 1:
            raise ValueError(f"{self}: retry is {retry!r}; the first is 1")
        longest = wait_exponential(multiplier=self.first, exp_base=self.multiplier, max=self.max_seconds)
        return longest(_state(retry)) * (1 - self.jitter * self.randomness() if self.jitter else 1)


def _state(retry: int) -> RetryCallState:
    """Return what tenacity's strategies are asked with: that this is the *retry*-th retry, of nothing in particular."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = retry
    return state
