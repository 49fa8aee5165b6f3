"""Lane: the messages for one target, which is one actor in all its incarnations, and how many are under way."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import chain
from typing import TYPE_CHECKING, Final

from actors.delivery.breaker import BreakerState
from actors.delivery.plan import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from actors.delivery.breaker import CircuitBreaker
    from actors.delivery.exchange import Exchange
    from actors.delivery.pool import Pool
    from actors.delivery.receipt import Attempt, Receipt
    from actors.name_ref import NameRef
    from actors.process import Process
    from actors.ref import ActorRef

    Target: TypeAlias = "str | ActorRef | NameRef"
    """Whom a message is for: a name that is registered with the router or in the system, or a reference."""

FREE: Final = 0
FULL: Final = 1
BARRED: Final = 2
ABSENT: Final = 3
"""Whether one more can be sent now, or what is in the way of it: the best first."""

PURGE_ABOVE: Final = 1024
"""So many that wait are not looked through for those that are done with."""


class Lane:
    """What one incarnation of a router knows of one target."""

    __slots__ = (
        "absent_until",
        "aliases",
        "asked",
        "awaited",
        "breaker",
        "cap",
        "exchange",
        "held",
        "in_flight",
        "key",
        "last",
        "level",
        "patience",
        "pools",
        "ref",
        "troubled",
        "unpurged",
        "waiting",
        "wake",
    )

    def __init__(self, exchange: Exchange, key: Target, breaker: CircuitBreaker | None, cap: int) -> None:
        self.exchange = exchange
        self.key = key
        """What all addresses of the target have in common."""
        self.aliases: list[Target] = []
        """What else it was addressed by."""
        self.breaker = breaker
        self.troubled = breaker is not None and not breaker.calm
        """Whether its breaker has seen failures that no success has made up for."""
        self.ref: ActorRef | None = None
        """Who was found last."""
        self.last: Process | None = None
        """Who was there last, dead or alive."""
        self.waiting: list[tuple[int, int, Receipt]] = []
        self.unpurged: list[tuple[int, int, Receipt]] = []
        """Heaps: the most urgent first, and of those the one that was sent first. First of all is that of `waiting`."""
        self.cap = cap
        self.in_flight = self.asked = 0
        """How many messages are under way, at most `cap`, and how many calls, which take no room."""
        self.pools: tuple[Pool, ...] = ()
        """Those that send to the target, too."""
        self.held = False
        """Whether its messages wait for the target to come back, or for its breaker."""
        self.level: int | None = None
        """By which urgency it is listed among those that have something to send."""
        self.wake: Wake | None = None
        self.awaited: set[str] = set()
        """The names of which the registry will tell when somebody has them again."""
        self.patience = self.absent_until = 0.0
        """Seconds until it is looked for again, and until when it is taken for gone without another look."""

    def __repr__(self) -> str:
        state = ", held" if self.held else ""
        waiting = len(self.waiting) + len(self.unpurged)
        return f"<{type(self).__name__} to {self.target}: {self.in_flight} under way, {waiting} waiting{state}>"

    @property
    def target(self) -> Target:
        """What the target is called where people read it: its name, if it has one in the system."""
        return self.exchange.ledger.routes.target_of(self.key)

    @property
    def members(self) -> Sequence[Lane]:
        """Itself, or those that it sends through."""
        return (self,)

    def choose(self, copy: Attempt | None = None) -> Lane:
        """Return the lane of who gets the next message, itself; *copy* is an attempt whose receiver still has it."""
        return self

    def find(self) -> ActorRef | None:
        """Return who gets the next message; None if nobody is there."""
        ref = self.ref
        if ref is not None and ref._process.reason is None:  # noqa: SLF001 -- `alive`, for each message
            return ref
        self.ref = ref = present(self.key)
        if ref is not None:
            self.last = ref._process  # noqa: SLF001 -- the runtime's own
            self.absent_until = 0.0
        return ref

    def grade(self, now: float) -> int:
        """Tell what is in the way of one more."""
        if self.find() is None:
            return ABSENT
        if self.troubled and self.breaker is not None and not self.breaker.would_allow(now):
            return BARRED
        return FREE if self.in_flight < self.cap else FULL

    @property
    def has_room(self) -> bool:
        """Whether one more may be under way."""
        return self.in_flight < self.cap

    @property
    def is_there(self) -> bool:
        """Whether anybody is there."""
        return self.find() is not None

    @property
    def busy(self) -> bool:
        """Whether anything would be lost with it, or somebody is there for it."""
        needed = bool(self.waiting or self.in_flight or self.asked or self.held or self.troubled or self.pools)
        return needed or present(self.key) is not None

    @property
    def clear(self) -> bool:
        """Whether a message that is not waited for can go ahead of nobody."""
        return not (self.waiting or self.held) and (not self.troubled or self.is_closed)

    @property
    def simple(self) -> bool:
        """Whether there is nobody to choose from and no breaker to ask."""
        return self.ref is not None and not self.troubled

    @property
    def is_closed(self) -> bool:
        """Whether its breaker lets everything through."""
        return self.breaker is None or self.breaker.state is BreakerState.CLOSED

    @property
    def hopeless(self) -> bool:
        """Whether nobody can ever be there again: who is dead has no name."""
        return present(self.key) is None and self.name is None

    @property
    def name(self) -> str | None:
        """The name of the target, if it has one."""
        return self.key if isinstance(self.key, str) else self.key.name

    def begin(self) -> None:
        """Count one more under way."""
        self.in_flight += 1
        self.exchange.in_flight += 1

    def end(self) -> None:
        """Count one less under way."""
        self.in_flight -= 1
        self.exchange.in_flight -= 1

    def push(self, receipt: Receipt) -> None:
        """Have *receipt* wait."""
        heappush(self.waiting, (receipt.terms.rank, receipt.number, receipt))

    def take(self) -> Receipt | None:
        """Let the next wait no longer, and return it; None if it is done with."""
        receipt = heappop(self.waiting)[2]
        if self.unpurged:
            self._bring_up()
        return None if receipt.final else receipt

    def hand_over(self, name: str, lane: Lane) -> None:
        """Have what waits for *name* wait in *lane* from now on: about 0.1 µs each if it is all there is."""
        if not lane.waiting and all(entry[2].to == name for entry in chain(self.waiting, self.unpurged)):
            self.waiting, lane.waiting = lane.waiting, self.waiting
            self.unpurged, lane.unpurged = lane.unpurged, self.unpurged
            if lane.unpurged:
                self.exchange.timers.add(self.exchange.timers.now(), Purge(lane))
            return
        rest = []
        for entry in chain(self.waiting, self.unpurged):
            if entry[2].to != name:
                rest.append(entry)
            elif not entry[2].final:
                lane.waiting.append(entry)
        self.waiting, self.unpurged = rest, []
        heapify(rest)
        heapify(lane.waiting)

    def purge(self, pending: int) -> None:
        """Let go of those that are done with: of the next ones, and of all if most are; *pending* are not, anywhere.

        All that wait are looked through a slice at a time: what is not yet is `unpurged`.
        """
        for _ in range(AT_ONCE):
            if not self.waiting or not self.waiting[0][2].final:
                break
            self.take()
        if not self.unpurged and len(self.waiting) > PURGE_ABOVE + 2 * pending:
            self.waiting, self.unpurged = [], self.waiting
            self._bring_up()
            self.exchange.timers.add(self.exchange.timers.now(), Purge(self))

    def purge_some(self) -> bool:
        """Look through a slice of what is unpurged; return whether there is more."""
        unpurged = self.unpurged
        for _ in range(min(AT_ONCE, len(unpurged))):
            # A heap without its last element is one.
            entry = unpurged.pop()
            if not entry[2].final:
                heappush(self.waiting, entry)
        return bool(unpurged)

    def _bring_up(self) -> None:
        """Have the next of all that wait be the first of `waiting`, if any that are not done with are left."""
        unpurged = self.unpurged
        while unpurged and (not self.waiting or unpurged[0] < self.waiting[0]):
            heappush(self.waiting, heappop(unpurged))


class Wake:
    """A deadline at which a lane that is held is looked at again."""

    __slots__ = ("lane", "live")

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.live = True

    def expire(self) -> None:
        """Look at it."""
        self.live = False
        self.lane.exchange.look_again(self.lane)


class Purge:
    """The deadline, now, at which the next of what a lane has unpurged is looked through."""

    __slots__ = ("_lane",)

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    @property
    def live(self) -> bool:
        """Whether anything needs the lane any more."""
        return self._lane.exchange.active

    def expire(self) -> None:
        """Look through it."""
        if self._lane.purge_some():
            timers = self._lane.exchange.timers
            timers.add(timers.now(), self)


def present(key: Target) -> ActorRef | None:
    """Return who is there for *key* now: itself, or whoever has its name; nobody for a name of the router's."""
    return None if isinstance(key, str) else key.successor()
