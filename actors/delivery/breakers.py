"""Breakers: the circuit breakers of a router's targets, and who is told when they change.

Only those that have seen failures are kept from one incarnation of the router to the next.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from actors.delivery.breaker import BreakerChanged, BreakerOptions, BreakerState, CircuitBreaker
from actors.delivery.telling import tell_breaker
from actors.telemetry import ROUTER_BREAKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.delivery.lane import Lane, Target
    from actors.delivery.routes import Routes

logger: Final = logging.getLogger("actors")


class Breakers:
    """The breakers of one router that are not calm."""

    def __init__(self, name: str, routes: Routes, now: Callable[[], float]) -> None:
        self.name = name
        self._routes = routes
        self.now = now
        self.options: BreakerOptions | None = None
        self.troubled: dict[Target, CircuitBreaker] = {}
        self.listeners: list[Callable[[BreakerChanged], object]] = []

    def __repr__(self) -> str:
        return f"<Breakers of router {self.name}: {len(self.troubled)} not calm>"

    def configure(self, options: BreakerOptions | None) -> None:
        """Go by *options* from now on."""
        self.options = options
        for breaker in self.troubled.values():
            breaker.options = options or breaker.options

    def states(self) -> dict[str, BreakerState]:
        """Return those that are not closed, by their targets."""
        found = {str(self._routes.target_of(key)): breaker.state for key, breaker in self.troubled.items()}
        return {key: state for key, state in found.items() if state is not BreakerState.CLOSED}

    def breaker_of(self, key: Target) -> CircuitBreaker | None:
        """Return the breaker for *key*, as the last incarnation of the router left it."""
        if self.options is None:
            return None
        return self.troubled.get(key) or CircuitBreaker(self.options)

    def count_success(self, lane: Lane, *, probe: bool) -> None:
        """Tell the breaker of *lane* that an attempt, or a call, has succeeded."""
        lane = _present(lane)
        breaker = lane.breaker
        if breaker is None or breaker.calm:
            return
        before = breaker.state
        breaker.succeeded(probe=probe)
        self.tell_change(lane, before)
        if breaker.calm:
            lane.troubled = False
            self.troubled.pop(lane.key, None)
        if probe:
            lane.exchange.probed(lane)

    def count_failure(self, lane: Lane, *, probe: bool) -> None:
        """Tell the breaker of *lane* that an attempt, or a call, has failed."""
        lane = _present(lane)
        breaker = lane.breaker
        if breaker is None:
            return
        self.troubled[lane.key] = breaker
        lane.troubled = True
        before = breaker.state
        breaker.failed(self.now())
        self.tell_change(lane, before)
        if probe:
            lane.exchange.probed(lane)

    def count_nothing(self, lane: Lane, *, probe: bool) -> None:
        """Tell the breaker of *lane* that it learns nothing from an attempt, or a call."""
        lane = _present(lane)
        if probe and lane.breaker is not None:
            lane.breaker.withdrew()
            lane.exchange.probed(lane)

    def tell_change(self, lane: Lane, before: BreakerState) -> None:
        """Tell whoever listens that the breaker of *lane* is not in the state *before* any more, if so."""
        assert lane.breaker is not None
        if lane.breaker.state is before:
            return
        breaker = lane.breaker
        change = BreakerChanged(self.name, lane.target, before, breaker.state, breaker.failures, self.now())
        if ROUTER_BREAKER.listeners:
            tell_breaker(change)
        for listener in tuple(self.listeners):
            try:
                listener(change)
            except Exception:
                logger.exception("a listener of router %s failed with %s", self.name, change)


def _present(lane: Lane) -> Lane:
    """Return what the router's incarnation of now has in the place of *lane*, where something began before it."""
    exchange = lane.exchange.ledger.exchange
    return lane if exchange is None or exchange is lane.exchange else exchange.lane_of(lane.key)
