"""Receipt: what whoever sends a message gets at once, and by which it learns what became of it.

It is the record of the message itself: the router keeps it until the message is done with.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from uuid import uuid4

import trio
from trio.lowlevel import enable_ki_protection

from actors.current import current_process
from actors.delivery.plan import Patience
from actors.delivery.record import ACKNOWLEDGED, DeliveryRecord
from actors.delivery.telling import tell_acknowledgement
from actors.errors import CallingSelfError
from actors.settlement import Handled
from actors.telemetry import MESSAGES, ROUTER_ACKNOWLEDGE, current_span

if TYPE_CHECKING:
    from actors.delivery.dead_letters import Undelivered
    from actors.delivery.ids import Key
    from actors.delivery.lane import Lane, Target
    from actors.delivery.options import DeliveryOptions, Terms
    from actors.delivery.plan import Plan
    from actors.guarantee import Guarantee
    from actors.ref import ActorRef
    from actors.settlement import Outcome
    from actors.telemetry import SpanContext


class Receipt(DeliveryRecord):
    """One message that a router has accepted."""

    to: Target
    options: DeliveryOptions | None = None
    attempt: Attempt | None = None
    """The latest one, while the message is not done with."""
    due: float = math.inf
    """When the next attempt may be made; infinity unless it waits for that."""
    letter: Undelivered | None = None
    """What is left of it once it was given up."""
    stored: bool = False
    """Whether it is in the database."""
    recovered: bool = False
    """Whether an earlier process has accepted it; its receiver may not have been started yet."""
    skipped: float = 0.0
    """What its plan had skipped when it began to live."""
    in_outbox: bool = False
    """Whether it leaves when the handler that has sent it has returned."""
    storing: trio.Event | None = None
    """Set when the database has answered for it, or refused."""
    not_stored: Exception | None = None
    done: trio.Event | None = None
    """What somebody waits for."""
    key: Key | None = None
    """What its id is remembered by, once somebody knows it."""
    original: Receipt | None = None
    """The message that is delivered in its place, because that has the same id and was there first."""

    # What `DeliveryRecord` keeps for itself is known from the plan: there is a receipt for each message.

    plan: Plan
    number: int

    @property
    def terms(self) -> Terms:
        """What holds for it."""
        return self.plan.terms

    @property
    def guarantee(self) -> Guarantee:  # type: ignore[override] # nobody changes it
        """How often it is handled."""
        return self.plan.terms.guarantee

    @property
    def max_attempts(self) -> int:  # type: ignore[override] # as above
        """How many attempts there may be."""
        return self.plan.terms.max_attempts

    @property
    def expires_at(self) -> float:  # type: ignore[override] # as above
        """The last instant of its life."""
        return self.created + self.plan.terms.lifetime - (self.plan.skipped - self.skipped)

    @property
    def answered_for(self) -> bool:
        """Whether the router has it for certain, and not only if the database takes it."""
        return self.stored or self.storing is None

    @property
    def id(self) -> str:
        """What it is known by everywhere; made when it is first asked for, unless it was given."""
        if self._id is None:
            self._id = str(uuid4())
            self.plan.ledger.ids.note(self)
        return self._id

    @enable_ki_protection
    async def acknowledged(self) -> None:
        """Wait until the message was handled. Always a checkpoint; cancelled, it changes nothing.

        Raises `MessageExpiredError` when its time is over, `TargetNotFoundError`, `CircuitOpenError` or
        `RouterClosedError` when one of these is why it was given up, and `DeliveryFailedError` in all other cases;
        `CallingSelfError` in the handler of a durable actor that has sent it, for it leaves when that has returned.
        """
        if self.in_outbox:
            self._refuse_to_wait_in_handler()
        if self.final or self.original is not None:
            await trio.lowlevel.checkpoint()
        else:
            if self.done is None:
                self.done = trio.Event()
            await self.done.wait()
        if self.original is not None:
            await self.original.acknowledged()
        elif self.status is not ACKNOWLEDGED:
            assert self.letter is not None
            raise self.letter.error

    def _refuse_to_wait_in_handler(self) -> None:
        process = current_process()
        task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
        while process is not None and task is not None:
            if task is process.task:
                raise CallingSelfError(
                    f"{process.ref} waits for {self}, which leaves when its handler has returned: for ever"
                )
            task = None if task.parent_nursery is None else task.parent_nursery.parent_task

    def finished(self) -> None:
        """Let go of what an open message needs, and tell whoever waits."""
        if self.attempt is not None and self.attempt.live:
            self.attempt.end()
        self.attempt = None
        if self.done is not None:
            self.done.set()

    # -- a deadline of the system

    @property
    def live(self) -> bool:
        """Whether its deadline still matters."""
        return not self.final

    def expire(self) -> None:
        """Look at it: its delay is over, or its time."""
        self.plan.ledger.came_due(self)


class Posted(Receipt):
    """The receipt of a message of which there is nothing more to learn: it was sent at most once, or handled before."""

    status = ACKNOWLEDGED
    attempts = 1

    @property
    def acknowledged_at(self) -> float:  # type: ignore[override] # all at once
        """When it was sent."""
        return self.created

    last_attempt = delivered_at = acknowledged_at


class Attempt:
    """One try to have a message handled, from when it is in the receiver's mailbox on."""

    __slots__ = ("began", "lane", "live", "probe", "receipt", "ref", "settled")

    receipt: Receipt
    lane: Lane
    ref: ActorRef
    probe: bool
    """Whether the lane's circuit breaker let it through to learn from it."""
    live: bool
    """Whether its acknowledgement is waited for."""
    settled: bool
    """Whether the receiver is done with the copy that this attempt gave it."""
    began: float

    @property
    def span(self) -> SpanContext | None:
        """What the message was sent in, if somebody listened."""
        return self.receipt.span

    def begin(self, now: float) -> None:
        """Be counted as one that is under way."""
        self.began = now
        self.live = True
        self.lane.begin()
        plan = self.receipt.plan
        plan.in_flight[self] = None
        if plan.patience is None:
            Patience(plan)

    def end(self) -> None:
        """Be counted no more."""
        self.live = False
        self.lane.end()
        del self.receipt.plan.in_flight[self]

    def settle(self, outcome: Outcome) -> None:
        """Learn what became of the copy (`ActorRef.deliver`)."""
        self.settled = True
        if self.live and type(outcome) is Handled and not self.receipt.stored:
            self._succeed()
        else:
            self.receipt.plan.ledger.settled(self, outcome)

    def _succeed(self) -> None:
        """Do what `Ledger.settled` would, as fast as it can be, for what nearly always happens."""
        receipt, lane = self.receipt, self.lane
        exchange, plan = lane.exchange, receipt.plan
        self.live = False
        lane.in_flight -= 1
        exchange.in_flight -= 1
        del plan.in_flight[self], plan.open[receipt]
        plan.tally.acknowledged += 1
        receipt.status = ACKNOWLEDGED
        receipt.acknowledged_at = plan.ledger.now()
        receipt.attempt = None
        if ROUTER_ACKNOWLEDGE.listeners:
            tell_acknowledgement(receipt)
        if receipt._id is not None and plan.terms.exactly_once:  # noqa: SLF001 -- to ask for it is to make it
            plan.ledger.ids.close(receipt)
        if receipt.done is not None:
            receipt.done.set()
        if lane.troubled:
            plan.ledger.breakers.count_success(lane, probe=self.probe)
        if lane.waiting or exchange.crowded or lane.pools:
            exchange.freed(lane)


# As in the runtime, what is made for each message has no `__init__`.


def receipt_of(plan: Plan, to: Target, message: object, number: int) -> Receipt:
    """Return the receipt of a message that has just been sent."""
    receipt = Receipt()
    receipt.plan = plan
    receipt.to = to
    receipt.message = message
    receipt.number = number
    receipt.created = plan.ledger.now()
    if MESSAGES.listened_to:
        receipt.span = current_span()
    return receipt


def posted(plan: Plan, to: Target, message: object, id: str | None) -> Posted:
    """Return the receipt of a message of which there is nothing more to learn."""
    receipt = Posted()
    if id is not None:
        receipt._id = id  # noqa: SLF001 -- a record of one's own
    receipt.plan = plan
    receipt.to = to
    receipt.message = message
    receipt.created = plan.ledger.now()
    return receipt


def attempt_of(receipt: Receipt, lane: Lane, ref: ActorRef) -> Attempt:
    """Return an attempt that has not begun."""
    attempt = Attempt()
    attempt.receipt = receipt
    attempt.lane = lane
    attempt.ref = ref
    attempt.probe = attempt.live = attempt.settled = False
    return attempt
