"""CircuitBreaker: whether a target that fails is tried again now, left alone, or put to the test.

A decision, without a clock: the caller says what time it is.
"""

from __future__ import annotations

import enum
import math
from typing import Literal, TypeAlias

import attrs

from actors.delivery.checks import is_above_zero, is_positive_count, must

WhileOpen: TypeAlias = Literal["wait", "fail"]
"""What becomes of a message for a target that is left alone: it waits, or fails at once."""


class BreakerState(enum.Enum):
    """Where a breaker stands."""

    CLOSED = "closed"
    """The target is tried as usual."""
    OPEN = "open"
    """The target is left alone."""
    HALF_OPEN = "half_open"
    """Some attempts are let through, to see whether the target is well again."""


@attrs.frozen(kw_only=True)
class BreakerOptions:
    """When a target is left alone, for how long, and what shows that it is well again."""

    failure_threshold: int = attrs.field(default=5, validator=must("an int of 1 or more", is_positive_count))
    """So many failures without a success between them open the breaker."""
    reset_timeout: float = attrs.field(default=30.0, validator=must("a number of seconds above 0", is_above_zero))
    """Seconds that it stays open before the first probe."""
    probes: int = attrs.field(default=1, validator=must("an int of 1 or more", is_positive_count))
    """At most so many attempts at once are let through while it is half open, and so many successes close it."""
    while_open: WhileOpen = attrs.field(
        default="wait", validator=must("'wait' or 'fail'", lambda value: value in ("wait", "fail"))
    )
    """Whether messages wait for their turn, or fail at once."""


@attrs.frozen
class BreakerChanged:
    """An event: the breaker of a target has changed its state."""

    router: str
    """The name of the router whose breaker it is."""
    target: object
    """Its name in the system, or a reference."""
    before: BreakerState
    after: BreakerState
    failures: int
    """How many failures there were since the last success."""
    time: float
    """When, on trio's clock."""


@attrs.define(eq=False)
class CircuitBreaker:
    """The breaker of one target.

    >>> breaker = CircuitBreaker(BreakerOptions(failure_threshold=2, reset_timeout=30.0))
    >>> breaker.failed(0.0), breaker.failed(1.0), breaker.state.value, breaker.allows(30.9)
    (False, True, 'open', False)
    >>> breaker.allows(31.0), breaker.state.value
    (True, 'half_open')
    """

    options: BreakerOptions = attrs.field(factory=BreakerOptions)
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    """How many failures there were since the last success."""
    opened_at: float = 0.0
    probing: int = 0
    """How many attempts were let through while it is half open, and have no result."""
    passed: int = 0
    """How many of them succeeded."""

    @property
    def calm(self) -> bool:
        """Whether it is closed and has seen no failure since the last success."""
        return self.failures == 0 and self.state is BreakerState.CLOSED

    @property
    def retry_at(self) -> float:
        """When an open one lets the first probe through."""
        return self.opened_at + self.options.reset_timeout

    @property
    def known_until(self) -> float:
        """How long it lets nothing through, if that is known; infinity while it is put to the test."""
        return self.retry_at if self.state is BreakerState.OPEN else math.inf

    def allows(self, now: float) -> bool:
        """Tell whether an attempt may be made now; one that is open long enough becomes half open by that."""
        if self.state is BreakerState.OPEN and now >= self.retry_at:
            self.state, self.probing, self.passed = BreakerState.HALF_OPEN, 0, 0
        return self.would_allow(now)

    def would_allow(self, now: float) -> bool:
        """Tell what `allows` would, and change nothing."""
        match self.state:
            case BreakerState.CLOSED:
                return True
            case BreakerState.OPEN:
                return now >= self.retry_at
            case BreakerState.HALF_OPEN:
                return self.probing + self.passed < self.options.probes

    def began(self) -> bool:
        """Note that an attempt is made; return whether it is a probe, whose result is to be told as one."""
        if self.state is BreakerState.HALF_OPEN:
            self.probing += 1
            return True
        return False

    def succeeded(self, *, probe: bool = False) -> bool:
        """Note a success; return whether that changes the state. Only probes close it."""
        if self.state is BreakerState.CLOSED:
            self.failures = 0
        if not probe or self.state is not BreakerState.HALF_OPEN:
            return False
        self.probing = max(0, self.probing - 1)
        self.passed += 1
        if self.passed < self.options.probes:
            return False
        self.state, self.failures = BreakerState.CLOSED, 0
        return True

    def failed(self, now: float) -> bool:
        """Note a failure; return whether that changes the state. While it is open, nothing more is learned."""
        if self.state is BreakerState.OPEN:
            return False
        self.failures += 1
        if self.state is BreakerState.CLOSED and self.failures < self.options.failure_threshold:
            return False
        self.state, self.opened_at = BreakerState.OPEN, now
        return True

    def withdrew(self) -> None:
        """Note that a probe has no result: neither the target nor the message is to blame."""
        if self.state is BreakerState.HALF_OPEN:
            self.probing = max(0, self.probing - 1)
