"""Pool: the lane of a name that several instances share. What waits in it is for any of them.

Only waiting is its own: what is under way, and what the circuit breaker knows, is with the lanes of the instances, to
which messages come by other addresses too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.delivery.balance import choose
from actors.delivery.lane import ABSENT, BARRED, FREE, FULL, Lane

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.delivery.balance import Balance
    from actors.delivery.exchange import Exchange
    from actors.delivery.receipt import Attempt
    from actors.ref import ActorRef


class Pool(Lane):
    """What one incarnation of a router knows of a name with several instances."""

    __slots__ = ("_balance", "_members", "_takes_turns", "_turn")

    def __init__(self, exchange: Exchange, key: str, balance: Balance) -> None:
        super().__init__(exchange, key, None, 1)
        self._balance = balance
        self._takes_turns = balance == "round_robin"
        self._members: list[Lane] = []
        self._turn = 0

    @property
    def members(self) -> list[Lane]:
        """The lanes of the instances."""
        return self._members

    def serve(self, lanes: Iterable[Lane]) -> None:
        """Send through *lanes* from now on; none of them is let go of as long as that is so."""
        for member in self._members:
            member.pools = tuple(pool for pool in member.pools if pool is not self)
        self._members = []
        for lane in lanes:
            if self not in lane.pools:
                lane.pools += (self,)
                self._members.append(lane)

    def choose(self, copy: Attempt | None = None) -> Lane:
        """Return the lane of the instance whose turn it is, of those with the least in the way."""
        if copy is not None:
            return self.exchange.lane_of(copy.ref)
        members, now = self._members, self.exchange.timers.now()
        member = members[self._turn % len(members)]
        if self._takes_turns and member.grade(now) == FREE:
            self._turn = (self._turn + 1) % len(members)
            return member
        grades = [member.grade(now) for member in members]
        best = min(grades)
        if best == BARRED:
            barred = (member for member, grade in zip(members, grades, strict=True) if grade == BARRED)
            return min(barred, key=_retry_at)
        loads = [
            member.in_flight + member.asked if grade == best else None
            for member, grade in zip(members, grades, strict=True)
        ]
        place = choose(self._balance, loads, self._turn)
        assert place is not None
        if best != ABSENT:
            self._turn = place + 1
        return members[place]

    def find(self) -> ActorRef | None:
        """Return who gets a message that asks no breaker; None if nobody may."""
        member = self.choose()
        return member.find() if member.is_closed else None

    @property
    def has_room(self) -> bool:
        """Whether anything is to be done with one more: those that are not there, or left alone, have none."""
        now = self.exchange.timers.now()
        best = ABSENT
        for member in self._members:
            if (grade := member.grade(now)) == FREE:
                return True
            best = min(best, grade)
        return best != FULL

    @property
    def is_there(self) -> bool:
        """Whether any instance is there."""
        return any(member.is_there for member in self._members)

    @property
    def hopeless(self) -> bool:
        """Whether no instance can ever be there again."""
        return all(member.hopeless for member in self._members)


def _retry_at(lane: Lane) -> float:
    """Return when the breaker of *lane* is asked again: of one that is being put to the test nobody knows."""
    assert lane.breaker is not None
    return lane.breaker.known_until
