"""Ledger: everything that a router has accepted, and must not lose.

It belongs to the system and not to the router, so it outlives every incarnation. Messages are accepted, and settle,
also while there is none; attempts are made only while there is one.
"""

from __future__ import annotations

import math
from itertools import chain, count
from typing import TYPE_CHECKING, Final

from actors.current import current_process
from actors.delivery.breakers import Breakers
from actors.delivery.closing import Closing
from actors.delivery.dead_letters import Undelivered, UndeliveredLetters
from actors.delivery.durable import put
from actors.delivery.errors import InvalidMessageError, NotDurableError, RouterClosedError
from actors.delivery.ids import Ids
from actors.delivery.options import DeliveryOptions, RouterConfig, Terms, terms_of
from actors.delivery.plan import Expiry, Plan
from actors.delivery.receipt import posted, receipt_of
from actors.delivery.record import Status
from actors.delivery.routes import Routes
from actors.delivery.statistics import GuaranteeStatistics, RouterStatistics, Tally
from actors.delivery.telling import tell_acknowledgement, tell_delivery, tell_failure
from actors.errors import MailboxFullError
from actors.guarantee import Guarantee
from actors.mailbox import MailboxFull
from actors.settlement import Handled, Lost
from actors.telemetry import ROUTER_ACKNOWLEDGE, ROUTER_DELIVER, ROUTER_GIVE_UP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.delivery.durable import Delayed
    from actors.delivery.exchange import Exchange
    from actors.delivery.lane import Target
    from actors.delivery.message_store import MessageStore
    from actors.delivery.receipt import Attempt, Receipt
    from actors.delivery.recovery import Recovery
    from actors.delivery.skips import Skips
    from actors.ref import ActorRef
    from actors.settlement import Outcome
    from actors.system import ActorSystem

OPTIONS: Final = (DeliveryOptions, type(None))

PLANS_KEPT: Final = 1024
"""So many different options are remembered with what follows from them."""


class Ledger:
    """The messages, names, dead letters and counts of one router."""

    def __init__(self, system: ActorSystem, name: str) -> None:
        self.system = system
        self.name = name
        self.now = system.timers.now
        self.exchange: Exchange | None = None
        """What the latest incarnation makes of this."""
        self.closed = False
        self.store: MessageStore | None = None
        """Where durable messages are, once a router with a database has started."""
        self.recovery: Recovery | None = None
        """What an earlier process has left there and is not taken over yet."""
        self.numbers = count()
        self.plans: dict[DeliveryOptions | None, Plan] = {}
        """By the options that messages are sent with now."""
        self.used: dict[Plan, None] = {}
        """Those that have, or had, messages; perhaps of an earlier configuration."""
        self.routes = Routes(system)
        self.tallies = {guarantee: Tally() for guarantee in Guarantee}
        self.breakers = Breakers(name, self.routes, self.now)
        self.late = 0
        self.repeated = 0
        self.letters = UndeliveredLetters(RouterConfig().max_dead_letters, self._resend)
        self.ids = Ids(RouterConfig(), self.now)
        self.skips: Skips | None = None
        """What passes on the wall only, if there is a store."""
        self.delayed: dict[Receipt, Delayed] = {}
        """Durable messages that are sent later, and that nobody answers for until then."""
        self.configure(RouterConfig())

    def __repr__(self) -> str:
        return f"<Ledger of router {self.name}: {self.pending} messages>"

    def configure(self, config: RouterConfig) -> None:
        """Go by *config* from now on; what was accepted keeps its terms."""
        self.config = config
        self.plans = {None: self._new_plan(None)}
        self.letters.max_letters = config.max_dead_letters
        self.ids.configure(config)
        self.breakers.configure(config.breaker)

    # -- accepting

    def accept(self, to: Target, message: object, options: DeliveryOptions | None, id: str | None) -> Receipt:
        """Take *message* over from its sender, and make an attempt if nothing is in the way."""
        plan = self.plans.get(options) or self.plan_of(options)
        exchange, lane = self.exchange, None
        if exchange is None or exchange.process.reason is not None or self.closed:
            self._refuse_if_closed()
            self.routes.key_of(to)
        else:
            # Before it is accepted: what nobody can be sent must not stay here.
            lane = exchange.lanes.get(to) or exchange.lane_of(to)
        if plan.terms.durable:
            raise NotDurableError("a durable message takes `await router.send`, through a router with a database")
        if lane is not None and not plan.terms.tracked and lane.clear:
            ref = lane.ref
            if ref is None or ref._process.reason is not None:  # noqa: SLF001 -- `alive`, for each message
                ref = lane.find()
            if ref is not None and self._post(ref, message, plan.terms):
                plan.tally.direct += 1
                direct = posted(plan, to, message, id)
                if ROUTER_DELIVER.listeners:
                    tell_delivery(direct)
                return direct
        if id is not None and plan.terms.exactly_once and (known := self.known(to, message, plan, id)) is not None:
            return known
        receipt = self.new_receipt(to, message, plan, id)
        receipt.options = options
        self.admit(receipt)
        if lane is not None:
            lane.exchange.offer(receipt, lane)
        return receipt

    def new_receipt(self, to: Target, message: object, plan: Plan, id: str | None) -> Receipt:
        """Return the receipt of a message that nobody answers for yet."""
        receipt = receipt_of(plan, to, message, next(self.numbers))
        if (sender := current_process()) is not None:
            receipt.sender = sender.ref
        if id is not None:
            receipt._id = id  # noqa: SLF001 -- a record of one's own
            self.ids.note(receipt)
        return receipt

    def offer(self, receipt: Receipt) -> None:
        """Have an attempt made, now or in its turn, if a router runs."""
        exchange = self.exchange
        if exchange is not None and exchange.active:
            if exchange.returned is not None:
                exchange.returned.add(receipt)
            exchange.offer(receipt, exchange.lane_of(receipt.to))

    def drop(self, receipt: Receipt, reason: object) -> None:
        """Forget *receipt*, which nobody has answered for; whoever waits for it is told that it failed."""
        now = self.now()
        receipt.give_up(reason, now)
        receipt.letter = Undelivered.of(receipt, receipt.options, now)
        if receipt.terms.exactly_once:
            self.ids.close(receipt)
        receipt.finished()

    def committed(self, receipt: Receipt) -> None:
        """Note that what was made of *receipt* is stored, whatever its attempt has come to since."""
        receipt.stored = False
        if receipt.letter is not None and receipt.letter in self.letters:
            self.letters.discard(receipt.letter)
        self.acknowledge(receipt)

    def admit(self, receipt: Receipt) -> None:
        """Answer for *receipt* from here on."""
        plan = receipt.plan
        plan.tally.routed += 1
        if not plan.open:
            self.used[plan] = None
        plan.open[receipt] = None
        if plan.expiry is None:
            Expiry(plan)

    def _post(self, ref: ActorRef, message: object, terms: Terms) -> bool:
        """Cast *message*; a full mailbox is dealt with where all attempts are made."""
        try:
            ref.cast(message, priority=terms.priority)
        except MailboxFullError:
            return False
        return True

    def _refuse_if_closed(self) -> None:
        if self.closed:
            raise RouterClosedError(f"router {self.name!r} was closed, and takes nothing any more")

    @property
    def latest(self) -> Receipt | None:
        """Something that is not done with, and was accepted later than most; None if there is nothing."""
        return next((next(reversed(plan.open)) for plan in self.used if plan.open), None)

    def is_durable(self, options: DeliveryOptions | None) -> bool:
        """Tell whether a message with *options* is stored."""
        if type(options) not in OPTIONS:
            check_options(options)
        return (self.plans.get(options) or self.plan_of(options)).terms.durable

    def in_flight(self) -> Iterator[Attempt]:
        """Yield the attempts that wait for their acknowledgement."""
        return chain.from_iterable(plan.in_flight for plan in self.used)

    @property
    def pending(self) -> int:
        """How many are not done with."""
        return sum(len(plan.open) for plan in self.used)

    def plan_of(self, options: DeliveryOptions | None) -> Plan:
        """Return how messages with *options* are delivered."""
        check_options(options)
        if len(self.plans) >= PLANS_KEPT:
            self.plans = {None: self.plans[None]}
            self.used = {plan: None for plan in self.used if plan.open}
        plan = self.plans[options] = self._new_plan(options)
        return plan

    def _new_plan(self, options: DeliveryOptions | None) -> Plan:
        terms = terms_of(self.config, options)
        return Plan(self, terms, self.tallies[terms.guarantee])

    def _resend(self, letter: Undelivered, to: Target) -> Receipt:
        if self.store is not None and self.is_durable(letter.options):
            return put(self, to, letter.message, letter.options, letter.id, replayed=letter)
        receipt = self.accept(to, letter.message, letter.options, letter.id)
        self.letters.forget(letter)
        return receipt

    # -- ids

    def known(self, to: Target, message: object, plan: Plan, id: str) -> Receipt | None:
        """Return the receipt of a message with this id that is on its way to the same receiver, or was handled."""
        open_one, handled = self.ids.look_up(to, id)
        if open_one is None and not handled:
            return None
        self.repeated += 1
        if open_one is not None:
            return open_one
        return posted(plan, to, message, id)

    # -- what becomes of attempts

    def settled(self, attempt: Attempt, outcome: Outcome) -> None:
        """Act on what became of a copy of a message."""
        receipt, lane, was_live = attempt.receipt, attempt.lane, attempt.live
        if receipt.terms.exactly_once and receipt.final and receipt.status is not Status.ACKNOWLEDGED:
            self._settled_late(receipt, handled=type(outcome) is Handled)
        if type(outcome) is Handled:
            self.acknowledge(receipt)
        elif was_live and type(outcome) is Lost and not isinstance(outcome.reason, MailboxFull):
            attempt.end()
            self.breakers.count_nothing(lane, probe=attempt.probe)
            self._offer_again(receipt)
        elif was_live and not isinstance(outcome, Handled):
            self.fail(attempt, outcome.reason)
            return
        lane.exchange.freed(lane)

    def _settled_late(self, receipt: Receipt, *, handled: bool) -> None:
        """Note what became, after all, of a copy of a message that was given up."""
        self.ids.settled_late(receipt, handled=handled)
        if handled and receipt.stored and self.store is not None:
            self.store.handled_late(receipt)

    def timed_out(self, attempt: Attempt) -> None:
        """Give up waiting for the acknowledgement of *attempt*."""
        receipt = attempt.receipt
        if receipt.expired(self.now()):
            self.expire(receipt)
        else:
            self.fail(attempt, f"not acknowledged within {receipt.terms.timeout} s")

    def fail(self, attempt: Attempt, reason: object) -> None:
        """Note that *attempt* has failed, and see to the next."""
        if attempt.live:
            attempt.end()
        self.fail_receipt(attempt.receipt, reason)
        self.breakers.count_failure(attempt.lane, probe=attempt.probe)
        attempt.lane.exchange.freed(attempt.lane)

    def fail_receipt(self, receipt: Receipt, reason: object) -> None:
        """Note that the attempt under way has failed, and have another made in its time, if there may be one."""
        now = self.now()
        receipt.fail(reason, now)
        if receipt.final:
            self._bury(receipt, now)
            return
        if receipt.stored and self.store is not None:
            self.store.attempted(receipt)
        receipt.due = now + receipt.terms.backoff.seconds(receipt.attempts)
        self.system.timers.add(receipt.due, receipt)

    def came_due(self, receipt: Receipt) -> None:
        """Make the next attempt of *receipt*, because the time for that has come."""
        if self.now() >= receipt.due:
            self._offer_again(receipt)

    def _offer_again(self, receipt: Receipt) -> None:
        receipt.take_back()
        receipt.due = math.inf
        self.offer(receipt)

    # -- ends

    def acknowledge(self, receipt: Receipt) -> None:
        """Note that *receipt* was handled, perhaps after it had been given up."""
        if not receipt.acknowledge(self.now()):
            late = receipt.status is not Status.ACKNOWLEDGED
            self.late += late
            if late and self.closed and receipt.stored and self.store is not None:
                self.store.handled(receipt)
            return
        receipt.plan.tally.acknowledged += 1
        if ROUTER_ACKNOWLEDGE.listeners and receipt.terms.tracked:
            tell_acknowledgement(receipt)
        # The attempt under way is over by that, even if it was the copy of an earlier one that was handled.
        attempt = receipt.attempt if receipt.attempt is not None and receipt.attempt.live else None
        self._close(receipt)
        if attempt is None:
            return
        if receipt.terms.tracked:
            self.breakers.count_success(attempt.lane, probe=attempt.probe)
        else:
            self.breakers.count_nothing(attempt.lane, probe=attempt.probe)
        attempt.lane.exchange.freed(attempt.lane)

    def expire(self, receipt: Receipt) -> None:
        """Note that the time of *receipt* is over. An attempt that is under way has failed by that."""
        attempt = receipt.attempt
        if not receipt.lapse():
            return
        self._bury(receipt, self.now())
        if attempt is not None and attempt.began == receipt.last_attempt and not attempt.settled:
            self.breakers.count_failure(attempt.lane, probe=attempt.probe)
            attempt.lane.exchange.freed(attempt.lane)

    def give_up(self, receipt: Receipt, reason: object) -> None:
        """Note that *receipt* has failed for good, whatever attempts are left."""
        now = self.now()
        if receipt.give_up(reason, now):
            self._bury(receipt, now)

    def _bury(self, receipt: Receipt, now: float) -> None:
        receipt.letter = Undelivered.of(receipt, receipt.options, now)
        self.letters.add(receipt.letter)
        if receipt.status is Status.EXPIRED:
            receipt.plan.tally.expired += 1
        else:
            receipt.plan.tally.failed += 1
        if ROUTER_GIVE_UP.listeners:
            tell_failure(receipt, now)
        self._close(receipt)

    def _close(self, receipt: Receipt) -> None:
        receipt.plan.open.pop(receipt, None)
        if receipt.terms.exactly_once and receipt._id is not None:  # noqa: SLF001 -- to ask for it is to make it
            self.ids.close(receipt)
        receipt.finished()
        if receipt.stored and self.store is not None:
            if receipt.status is Status.ACKNOWLEDGED:
                self.store.handled(receipt)
            elif not self.closed:
                self.store.failed(receipt)

    def close(self) -> None:
        """Give up all there is, many in turns, and send and take nothing any more. Closing again does nothing."""
        if self.closed:
            return
        self.closed = True
        if self.exchange is not None:
            self.exchange.limit = 0
        Closing(self).expire()

    # -- what is known

    def statistics(self) -> RouterStatistics:
        """Return what was done so far."""
        by_guarantee = {guarantee: GuaranteeStatistics.of(tally) for guarantee, tally in self.tallies.items()}
        kinds = by_guarantee.values()
        return RouterStatistics(
            routed=sum(one.routed for one in kinds),
            delivered=sum(one.delivered for one in kinds),
            acknowledged=sum(one.acknowledged for one in kinds),
            failed=sum(one.failed for one in kinds),
            expired=sum(one.expired for one in kinds),
            retries=sum(one.retries for one in kinds),
            pending=self.pending,
            in_flight=sum(len(plan.in_flight) for plan in self.used),
            late=self.late,
            repeated=self.repeated,
            forgotten=self.ids.handled.forgotten,
            dead_letters=self.letters.count,
            active_routes=len(self.routes),
            breakers=self.breakers.states(),
            by_guarantee=by_guarantee,
        )


def check_options(options: object) -> None:
    """Refuse what are no options of a message."""
    if not isinstance(options, OPTIONS):
        raise InvalidMessageError(f"the options of a message are DeliveryOptions, or None; got {options!r}")
