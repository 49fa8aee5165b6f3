"""Lanes: the lanes of one incarnation of a router, by every address that leads to one.

One target has one lane, however it is addressed. A lane is let go of, with all its addresses, when nobody is there for
it and nothing would be lost: each one that is looked up anew has some of the others looked at.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from actors.delivery.lane import Lane
from actors.delivery.pool import Pool
from actors.ref import ActorRef

if TYPE_CHECKING:
    from actors.delivery.exchange import Exchange
    from actors.delivery.lane import Target

SWEEP_ABOVE: Final = 1024
"""So many addresses are not worth a look."""
LOOKS: Final = 2
"""So many lanes are looked at for each new address: there are at most about twice as many as are needed."""


class Lanes:
    """All the lanes of an exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ledger = exchange.ledger
        self.by_address: dict[Target, Lane] = {}
        self._looked_at: deque[Lane] = deque()
        """Those of actors, in the order in which they were looked at."""

    def __repr__(self) -> str:
        return f"<Lanes: {len(self._looked_at)} by {len(self.by_address)} addresses>"

    def find(self, to: Target) -> Lane:
        """Return the lane to *to*, perhaps a new one."""
        lane = self.by_address.get(to)
        if lane is not None:
            return lane
        key = self._ledger.routes.key_of(to)
        if len(self.by_address) > SWEEP_ABOVE:
            self._sweep()
        lane = self.by_address.get(key)
        if lane is None:
            lane = self.by_address[key] = self._new_pool(key) if isinstance(key, str) else self._new_lane(key)
        if to not in self.by_address:
            self.by_address[to] = lane
            lane.aliases.append(to)
        if isinstance(to, ActorRef) and lane.last is None:
            lane.last = to._process  # noqa: SLF001 -- the runtime's own
        return lane

    def _new_lane(self, key: Target) -> Lane:
        lane = Lane(self._exchange, key, self._ledger.breakers.breaker_of(key), self._cap)
        lane.held = self._exchange.returned is not None
        self._looked_at.append(lane)
        return lane

    def _new_pool(self, name: str) -> Pool:
        pool = Pool(self._exchange, name, self._ledger.config.balance)
        pool.held = self._exchange.returned is not None
        pool.serve(map(self.find, self._ledger.routes.instances_of(name)))
        return pool

    @property
    def _cap(self) -> int:
        return self._ledger.config.max_concurrent_per_target

    def reroute(self, name: str) -> tuple[Lane, Lane] | None:
        """Lead *name* to whom it is registered for now; return the lane that was its own, and the one that is."""
        old = self.by_address.pop(name, None)
        if old is None:
            return None
        routes = self._ledger.routes
        if isinstance(old, Pool):
            if routes.key_of(name) == name:
                self.by_address[name] = old
                old.serve(map(self.find, routes.instances_of(name)))
                return old, old
            old.serve(())
        else:
            old.aliases.remove(name)
        new = self.find(name)
        if new is not old:
            old.hand_over(name, new)
        return old, new

    def _sweep(self) -> None:
        """Look at the lanes whose turn it is, and let go of those that nobody needs."""
        for _ in range(min(LOOKS, len(self._looked_at))):
            lane = self._looked_at.popleft()
            if lane.busy:
                self._looked_at.append(lane)
                # References to earlier incarnations come up again only if somebody has kept them.
                needed = [to for to in lane.aliases if not isinstance(to, ActorRef) or to.alive]
            else:
                needed = []
                del self.by_address[lane.key]
            for to in set(lane.aliases).difference(needed):
                del self.by_address[to]
            lane.aliases = needed
