"""Exchange: what one incarnation of a router makes of its ledger: who gets what now, and what waits for what.

Nothing here outlives the incarnation. It is made anew from the ledger by the next one.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from actors.current import current_process, set_current_process
from actors.delivery.breaker import BreakerState
from actors.delivery.dead_letters import CIRCUIT_OPEN, DEAD, NOBODY
from actors.delivery.lane import Wake, present
from actors.delivery.lanes import Lanes
from actors.delivery.plan import AT_ONCE, Patience
from actors.delivery.presence import will_return
from actors.delivery.receipt import attempt_of
from actors.delivery.record import DELIVERED
from actors.delivery.telling import tell_delivery
from actors.errors import MailboxFullError
from actors.message import Priority
from actors.ruled import RuledQueue
from actors.settlement import delivery_of
from actors.telemetry import ROUTER_DELIVER, within

if TYPE_CHECKING:
    from actors.delivery.lane import Lane, Target
    from actors.delivery.ledger import Ledger
    from actors.delivery.receipt import Attempt, Receipt
    from actors.process import Process
    from actors.ref import ActorRef

LEVELS: Final = tuple(sorted(Priority, reverse=True))
FIRST_LOOK: Final = 0.05
LONGEST_LOOK: Final = 1.0
"""Seconds between two looks for a target that a supervisor is restarting; the registry tells when it is there."""
ABSENT_SECONDS: Final = 0.1
"""How long a target that nobody restarts is taken for gone before the supervisors are asked again."""


class Exchange:
    """The lanes of one incarnation of a router."""

    def __init__(self, ledger: Ledger, process: Process) -> None:
        self.ledger = ledger
        self.process = process
        self.timers = ledger.system.timers
        self.in_flight = 0
        self.limit = 0 if ledger.closed else ledger.config.max_concurrent_deliveries
        self.crowded = False
        """Whether lanes with something to send wait for others to be done."""
        self._lanes = Lanes(self)
        self.lanes = self._lanes.by_address
        self._ready: dict[int, dict[Lane, None]] = {int(level): {} for level in LEVELS}
        self._pumping = False
        self._pausing = False
        self.returned: set[Receipt] | None = None
        """While this takes over what there is, and sends nothing: what has come back to its lane meanwhile."""

    def __repr__(self) -> str:
        return f"<Exchange: {self._lanes}, {self.in_flight} of at most {self.limit} under way>"

    @property
    def active(self) -> bool:
        """Whether its incarnation lives."""
        return self.process.reason is None

    # -- lanes

    def lane_of(self, to: Target) -> Lane:
        """Return the lane to *to*; all addresses of one target lead to one lane."""
        return self.lanes.get(to) or self._lanes.find(to)

    def open(self) -> list[Lane]:
        """Return the lanes that there are now, to be released one after the other."""
        return list(self.lanes.values())

    def release(self, lane: Lane) -> None:
        """Let *lane* send, now that everything has found its place."""
        lane.held = False
        self._place(lane)

    def reroute(self, name: str) -> None:
        """Send to whom is registered under *name* now."""
        found = self._lanes.reroute(name)
        if found is not None:
            old, new = found
            self._place(old)
            new.absent_until = 0.0
            self.look_again(new)

    # -- messages

    def offer(self, receipt: Receipt, lane: Lane) -> None:
        """Make an attempt now, if nothing is in the way; otherwise have *receipt* wait in *lane*, which is its own."""
        if lane.waiting or lane.held or lane.in_flight >= lane.cap or self.in_flight >= self.limit:
            self.wait(receipt, lane)
            self.pump()
        elif receipt.attempts or not lane.simple:
            if lane.has_room:
                self._attempt(receipt, lane)
            else:
                self.wait(receipt, lane)
        else:
            self._send_first(receipt, lane)

    def _send_first(self, receipt: Receipt, lane: Lane) -> None:
        """Do what `_attempt` would, as fast as it can be, for what nearly always happens."""
        ref = lane.ref
        assert ref is not None
        process, plan = ref._process, receipt.plan  # noqa: SLF001 -- the runtime's own
        if process.reason is not None or type(process.mailbox) is not deque or not plan.terms.tracked:
            self._attempt(receipt, lane)
            return
        receipt.attempt = attempt = attempt_of(receipt, lane, ref)
        attempt.live = True
        attempt.began = receipt.last_attempt = receipt.delivered_at = receipt.created
        receipt.attempts = 1
        receipt.status = DELIVERED
        lane.in_flight += 1
        self.in_flight += 1
        plan.in_flight[attempt] = None
        if plan.patience is None:
            Patience(plan)
        plan.tally.delivered += 1
        process.put(delivery_of(receipt.message, attempt.settle, attempt), plan.terms.priority)
        if ROUTER_DELIVER.listeners:
            tell_delivery(receipt)

    def wait(self, receipt: Receipt, lane: Lane) -> None:
        """Have *receipt* wait for its turn."""
        lane.push(receipt)
        self._place(lane)

    def freed(self, lane: Lane) -> None:
        """Go on: an attempt of *lane* is over."""
        for pool in lane.pools:
            if pool.waiting:
                self._place(pool)
                self.crowded = True
        if lane.waiting:
            self._place(lane)
            self.pump()
        elif self.crowded:
            self.pump()

    def pump(self) -> None:
        """Make attempts as long as there is something to send and room under way; after many, others have a turn."""
        if self._pumping or self._pausing or self.process.reason is not None or self.returned is not None:
            return
        self._pumping = True
        try:
            for _ in range(AT_ONCE):
                if (lane := self._next()) is None:
                    return
                # Others send to the same target: it may have taken what it can since its lane was listed.
                if lane.has_room and (receipt := lane.take()) is not None:
                    self._attempt(receipt, lane)
                self._place(lane)
        finally:
            self._pumping = False
        self._pausing = True
        self.timers.add(self.ledger.now(), Pause(self))

    def _place(self, lane: Lane) -> None:
        """List *lane* by what it has to send, or not, if it cannot send now."""
        if lane.level is not None:
            del self._ready[lane.level][lane]
            lane.level = None
        if not lane.waiting or lane.held:
            return
        if lane.has_room:
            lane.level = -lane.waiting[0][0]
            self._ready[lane.level][lane] = None
        elif lane.in_flight < lane.cap:
            self._await(lane)

    def _next(self) -> Lane | None:
        """Take the lane whose turn it is off the list: of those with the most urgent message, one after the other."""
        for lanes in self._ready.values():
            if lanes:
                self.crowded = self.in_flight >= self.limit
                if self.crowded:
                    return None
                lane = next(iter(lanes))
                del lanes[lane]
                lane.level = None
                return lane
        self.crowded = False
        return None

    # -- attempts

    def _attempt(self, receipt: Receipt, lane: Lane) -> None:
        now = self.ledger.now()
        if receipt.stored and self.ledger.skips is not None:
            self.ledger.skips.look()
        if now > receipt.expires_at:
            self.ledger.expire(receipt)
            return
        copy = receipt.attempt
        if copy is not None and (copy.settled or not receipt.terms.exactly_once):
            copy = None
        target = lane.choose(copy)
        ref = target.find()
        if copy is not None and not target.has_room:
            self.wait(receipt, target)  # where another instance has room, it is of no use to this one
        elif ref is None:
            self._miss(receipt, lane, now)
        elif not target.troubled or self._is_let_through(receipt, lane, target, now):
            if copy is None:
                self._send(receipt, target, ref, now)
            else:
                # The receiver has it already: another copy could be handled a second time.
                copy.lane = target
                self._begin(copy, now)
                receipt.deliver(now)

    def _begin(self, attempt: Attempt, now: float) -> None:
        receipt = attempt.receipt
        if receipt.attempts:
            receipt.plan.tally.retries += 1
        receipt.begin(now)
        attempt.begin(now)
        if attempt.lane.troubled and attempt.lane.breaker is not None:
            attempt.probe = attempt.lane.breaker.began()

    def _send(self, receipt: Receipt, lane: Lane, ref: ActorRef, now: float) -> None:
        receipt.attempt = attempt = attempt_of(receipt, lane, ref)
        self._begin(attempt, now)
        # This may run in a handler of anybody's, but it is the sender of the message who sends it.
        sender, running = receipt.sender, current_process()
        set_current_process(None if sender is None else sender._process)  # noqa: SLF001 -- the runtime's own
        try:
            if receipt.plan.terms.tracked:
                self._put(attempt)
            else:
                _cast(receipt, ref)
        except MailboxFullError as error:
            attempt.settled = True  # the receiver has no copy
            self.ledger.fail(attempt, error.reason)
            return
        finally:
            set_current_process(running)
        receipt.plan.tally.delivered += 1
        receipt.deliver(now)
        if ROUTER_DELIVER.listeners:
            tell_delivery(receipt)
        if not receipt.plan.terms.tracked:
            self.ledger.acknowledge(receipt)

    def _put(self, attempt: Attempt) -> None:
        """Give the receiver a copy; where senders wait for room in its mailbox, the copy does."""
        process = attempt.ref._process  # noqa: SLF001 -- the runtime's own
        receipt = attempt.receipt
        priority = receipt.plan.terms.priority
        delivery = delivery_of(receipt.message, attempt.settle, attempt)
        try:
            process.put(delivery, priority)
        except MailboxFullError:
            queue = process.mailbox
            if not (isinstance(queue, RuledQueue) and queue.waits):
                raise
            queue.hold(delivery, priority, None)

    def _is_let_through(self, receipt: Receipt, lane: Lane, target: Lane, now: float) -> bool:
        """Ask the breaker of *target*; if it says no, let *receipt* wait for it in *lane*, or fail."""
        breaker = target.breaker
        assert breaker is not None
        before = breaker.state
        allowed = breaker.allows(now)
        self.ledger.breakers.tell_change(target, before)
        if allowed:
            return True
        if breaker.options.while_open == "fail":
            self.ledger.give_up(receipt, CIRCUIT_OPEN)
            return False
        if breaker.state is BreakerState.OPEN:
            self._hold(lane, breaker.retry_at)
        else:
            lane.held = True  # until the probes that are under way have a result
        self._await(lane)
        self.wait(receipt, lane)
        return False

    # -- targets that are not there

    def _miss(self, receipt: Receipt, lane: Lane, now: float) -> None:
        """Wait for a target that is about to come back; for any other, the attempt has failed.

        A message of an earlier process waits for whoever it is for to be started in this one.
        """
        if receipt.recovered or self.is_awaited(lane):
            self._hold_until_there(lane, now)
            self.wait(receipt, lane)
            return
        receipt.plan.tally.retries += receipt.attempts > 0
        receipt.begin(now)
        if lane.hopeless:
            self.ledger.give_up(receipt, DEAD)
        else:
            self.ledger.fail_receipt(receipt, NOBODY)

    def is_awaited(self, lane: Lane) -> bool:
        """Tell whether a supervisor is about to bring somebody back whom *lane* leads to."""
        now = self.ledger.now()
        if now < lane.absent_until or lane.hopeless:
            return False
        for member in lane.members:
            name = member.name
            if name is not None and will_return(self.ledger.system, name, member.last):
                return True
        lane.absent_until = now + ABSENT_SECONDS
        return False

    def _hold_until_there(self, lane: Lane, now: float) -> None:
        lane.patience = min(max(FIRST_LOOK, 2 * lane.patience), LONGEST_LOOK)
        self._hold(lane, now + lane.patience)
        self._await(lane)

    def _await(self, lane: Lane) -> None:
        """Be told when an instance of *lane* that is not there comes back."""
        for member in lane.members:
            name = member.name
            if name is not None and name not in lane.awaited and present(member.key) is None:
                lane.awaited.add(name)
                self.ledger.system.names.when_registered(name, partial(self._announce, lane, name))

    def _announce(self, lane: Lane, name: str) -> None:
        """Look at *lane* as soon as whoever is just being started as *name* can be sent something."""
        lane.awaited.discard(name)
        lane.absent_until = 0.0
        if lane.waiting:
            self._hold(lane, self.ledger.now())

    def _hold(self, lane: Lane, until: float) -> None:
        lane.held = True
        self._place(lane)
        if lane.wake is not None:
            lane.wake.live = False
        lane.wake = Wake(lane)
        self.timers.add(until, lane.wake)

    def look_again(self, lane: Lane) -> None:
        """Find out whether *lane* is free again."""
        if not self.active or self.returned is not None:
            return
        lane.held = False
        lane.purge(self.ledger.pending)
        now = self.ledger.now()
        if lane.waiting and not lane.is_there and self.is_awaited(lane):
            self._hold_until_there(lane, now)
            return
        if lane.is_there:
            lane.patience = 0.0
        self._place(lane)
        self.pump()

    def probed(self, lane: Lane) -> None:
        """Go on: what was sent to find out whether the target of *lane* is well again has a result."""
        for one in (*lane.pools, lane):
            self.look_again(one)

    def resume(self) -> None:
        """Go on after a pause."""
        self._pausing = False
        self.pump()


def _cast(receipt: Receipt, ref: ActorRef) -> None:
    priority = receipt.plan.terms.priority
    if receipt.span is None:
        ref.cast(receipt.message, priority=priority)
    else:
        with within(receipt.span):
            ref.cast(receipt.message, priority=priority)


class Pause:
    """The deadline, now, at which an exchange goes on that has made many attempts at once."""

    live = True

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def expire(self) -> None:
        """Go on."""
        self._exchange.resume()
