"""Lane: the messages for one target, whom they go to, and how many are under way."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

from actors.delivery.balance import choose
from actors.delivery.breaker import BreakerState
from actors.delivery.plan import AT_ONCE
from actors.name_ref import NameRef

if TYPE_CHECKING:
    from typing import TypeAlias

    from actors.delivery.balance import Balance
    from actors.delivery.breaker import CircuitBreaker
    from actors.delivery.exchange import Exchange
    from actors.delivery.receipt import Receipt
    from actors.process import Process
    from actors.ref import ActorRef

    Target: TypeAlias = "str | ActorRef | NameRef"
    """Whom a message is for: a name that is registered with the router or in the system, or a reference."""

PURGE_ABOVE: Final = 1024
"""So many that wait are not looked through for those that are done with."""


class Lane:
    """What one incarnation of a router knows of one target."""

    __slots__ = (
        "absent_until",
        "awaited",
        "balance",
        "breaker",
        "cap",
        "exchange",
        "held",
        "in_flight",
        "instances",
        "key",
        "last",
        "level",
        "loads",
        "patience",
        "ref",
        "troubled",
        "turn",
        "unpurged",
        "waiting",
        "wake",
    )

    def __init__(self, exchange: Exchange, key: Target, breaker: CircuitBreaker | None, balance: Balance) -> None:
        self.exchange = exchange
        self.key = key
        self.breaker = breaker
        self.troubled = breaker is not None and not breaker.calm
        """Whether its breaker has seen failures that no success has made up for."""
        self.balance = balance
        self.instances: tuple[ActorRef | NameRef, ...] = ()
        self.ref: ActorRef | None = None
        """Who was found last, where there is but one instance."""
        self.last: Process | None = None
        """Who was there last, dead or alive."""
        self.waiting: list[tuple[int, int, Receipt]] = []
        self.unpurged: list[tuple[int, int, Receipt]] = []
        """Heaps: the most urgent first, and of those the one that was sent first. First of all is that of `waiting`."""
        self.in_flight = self.turn = 0
        self.cap = 1
        self.loads: dict[ActorRef, int] = {}
        """How many are under way to each instance, where there are several."""
        self.held = False
        """Whether its messages wait for the target to come back, or for its breaker."""
        self.level: int | None = None
        """By which urgency it is listed among those that have something to send."""
        self.wake: Wake | None = None
        self.awaited: set[str] = set()
        """The names of which the registry will tell when somebody has them again."""
        self.patience = 0.0
        """Seconds until it is looked for again."""
        self.absent_until = 0.0
        """Until when it is taken for gone, without another look."""

    def __repr__(self) -> str:
        state = ", held" if self.held else ""
        waiting = len(self.waiting) + len(self.unpurged)
        return f"<Lane to {self.key}: {self.in_flight} under way, {waiting} waiting{state}>"

    def serve(self, instances: tuple[ActorRef | NameRef, ...], cap: int) -> None:
        """Send to *instances* from now on, at most *cap* at once to each."""
        self.instances = instances
        self.cap = cap * len(instances)
        self.ref = None
        self.absent_until = 0.0

    def find(self) -> ActorRef | None:
        """Return who gets the next message; None if nobody is there."""
        ref = self.ref
        if ref is not None and ref._process.reason is None:  # noqa: SLF001 -- `alive`, for each message
            return ref
        if len(self.instances) > 1:
            return self._choose()
        self.ref = ref = present(self.instances[0])
        if ref is not None:
            self.last = ref._process  # noqa: SLF001 -- the runtime's own
            self.absent_until = 0.0
        return ref

    def _choose(self) -> ActorRef | None:
        refs = [present(instance) for instance in self.instances]
        loads = [None if ref is None else self.loads.get(ref, 0) for ref in refs]
        each = self.cap // len(refs)
        with_room = [load if load is not None and load < each else None for load in loads]
        place = choose(self.balance, with_room, self.turn)
        if place is None:
            place = choose(self.balance, loads, self.turn)
        if place is None:
            return None
        self.turn = place + 1
        return refs[place]

    @property
    def has_room(self) -> bool:
        """Whether one more may be under way: those of several instances that are not there take none."""
        if self.in_flight >= self.cap:
            return False
        count = len(self.instances)
        if count == 1:
            return True
        there = sum(present(instance) is not None for instance in self.instances)
        return self.in_flight < self.cap // count * (there or count)

    @property
    def busy(self) -> bool:
        """Whether anything would be lost with it, or somebody is there for it."""
        held = bool(self.waiting or self.in_flight or self.held or self.troubled)
        return held or any(present(instance) is not None for instance in self.instances)

    @property
    def clear(self) -> bool:
        """Whether a message that is not waited for can go ahead of nobody."""
        return not (self.waiting or self.held) and (not self.troubled or self._is_closed())

    @property
    def simple(self) -> bool:
        """Whether there is nobody to choose from and no breaker to ask."""
        return self.ref is not None and not self.troubled

    def _is_closed(self) -> bool:
        return self.breaker is None or self.breaker.state is BreakerState.CLOSED

    @property
    def hopeless(self) -> bool:
        """Whether nobody can ever be there again: all are dead and have no names."""
        return all(not isinstance(one, NameRef) and one.name is None and not one.alive for one in self.instances)

    def begin(self, ref: ActorRef) -> None:
        """Count one more under way to *ref*."""
        self.in_flight += 1
        self.exchange.in_flight += 1
        self.load(ref)

    def end(self, ref: ActorRef) -> None:
        """Count one less under way to *ref*."""
        self.in_flight -= 1
        self.exchange.in_flight -= 1
        if self.loads:
            self.unload(ref)

    def load(self, ref: ActorRef) -> None:
        """Count one more to the instance *ref*, if there are several."""
        if len(self.instances) > 1:
            self.loads[ref] = self.loads.get(ref, 0) + 1

    def unload(self, ref: ActorRef) -> None:
        """Count one less to the instance *ref*."""
        if (load := self.loads.pop(ref, 0)) > 1:
            self.loads[ref] = load - 1

    def push(self, receipt: Receipt) -> None:
        """Have *receipt* wait."""
        heappush(self.waiting, (receipt.terms.rank, receipt.number, receipt))

    def take(self) -> Receipt | None:
        """Let the next wait no longer, and return it; None if it is done with."""
        receipt = heappop(self.waiting)[2]
        if self.unpurged:
            self._bring_up()
        return None if receipt.final else receipt

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


def present(instance: ActorRef | NameRef) -> ActorRef | None:
    """Return who is there for *instance* now: itself, or whoever has its name."""
    return instance.successor()
