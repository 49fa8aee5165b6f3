"""Durable messages: stored before anybody answers for them, and given to the router when that is done.

Those that a `DurableActor` sends are stored with what its handler has changed, all or nothing: its outbox.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid4, uuid5

import attrs
import trio

from actors.delivery.dead_letters import CLOSED
from actors.delivery.errors import NoRouterError, NotDurableError, RouterClosedError
from actors.delivery.record import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.delivery.dead_letters import Undelivered
    from actors.delivery.lane import Target
    from actors.delivery.ledger import Ledger
    from actors.delivery.options import DeliveryOptions
    from actors.delivery.receipt import Receipt
    from actors.sqlite import Database, Statement


@attrs.define(eq=False)
class Outbox:
    """What one handler of a durable actor has to say, before it has returned."""

    incoming: str
    """What is handled, told from everything else that is; the ids of what is sent derive from it."""
    database: Database
    """Where it is stored."""
    statements: list[Statement] = attrs.field(factory=list)
    sent: list[tuple[Ledger, Receipt, float]] = attrs.field(factory=list)
    """What was sent through whom, and after which delay it is due."""
    asked: int = 0
    """How often something was to be sent, also what others had sent already: the ids count on."""
    derived: list[Receipt] = attrs.field(factory=list)
    """What was sent under ids that derive."""
    answers: list[Callable[[], None]] = attrs.field(factory=list)
    """What tells callers their answers."""

    def put(
        self,
        ledger: Ledger,
        to: Target,
        message: object,
        options: DeliveryOptions | None,
        *,
        id: str | None,
        delay: float,
    ) -> Receipt:
        """Take *message* in; it leaves when the handler's changes are stored."""
        if ledger.store is not None and ledger.store.database is not self.database:
            raise NotDurableError(
                f"router {ledger.name!r} stores in {ledger.store.database.path}; what a durable actor sends durably is "
                f"stored with its state, in {self.database.path}"
            )
        # As long as any other, however many have handled what it comes from.
        given = id or str(uuid5(NAMESPACE_OID, f"{self.incoming}.{self.asked}"))
        self.asked += 1
        receipt, statement = prepare(ledger, to, message, options, id=given, delay=delay)
        # Nobody else may count on a message that is not stored yet, nor this one on others that are not.
        if statement is not None:
            self.statements.append(statement)
            self.sent.append((ledger, receipt, delay))
            receipt.in_outbox = True
            if id is None:
                self.derived.append(receipt)
        return receipt

    def stand_alone(self) -> None:
        """Derive no ids: what is handled was set aside, and is handled again, when something else may be sent."""
        for receipt in self.derived:
            receipt._id = str(uuid4())  # noqa: SLF001 -- a record of one's own
        stores = [(ledger.store, receipt, delay) for ledger, receipt, delay in self.sent]
        self.statements = [store.inserting(receipt, delay) for store, receipt, delay in stores if store is not None]

    def release(self) -> None:
        """Let go what was sent: it is stored."""
        for ledger, receipt, delay in self.sent:
            receipt.in_outbox = False
            begin(ledger, receipt, delay)

    def discard(self, reason: object) -> None:
        """Forget what was sent: the handler has failed, and nothing of it is stored."""
        for ledger, receipt, _ in self.sent:
            receipt.in_outbox = False
            ledger.drop(receipt, reason)


def prepare(  # noqa: PLR0913 -- what sending takes
    ledger: Ledger,
    to: Target,
    message: object,
    options: DeliveryOptions | None,
    *,
    id: str | None,
    delay: float = 0.0,
    waits: bool = False,
) -> tuple[Receipt, Statement | None]:
    """Return the receipt of a durable message and what stores it; nothing stores one whose id is known already.

    One that is still being stored is known only to those who *wait* for that too.
    """
    if ledger.closed:
        raise RouterClosedError(f"router {ledger.name!r} was closed, and takes nothing any more")
    if ledger.recovery is not None or (ledger.store is None and ledger.exchange is None):
        raise NoRouterError(f"router {ledger.name!r} has not started yet, and stores nothing")
    if ledger.store is None:
        raise NotDurableError(f"router {ledger.name!r} has no database (RouterConfig.database), and stores nothing")
    ledger.routes.key_of(to)
    plan = ledger.plans.get(options) or ledger.plan_of(options)
    known = None if id is None or not plan.terms.exactly_once else ledger.known(to, message, plan, id)
    if known is not None and (waits or known.answered_for):
        return known, None
    receipt = ledger.new_receipt(to, message, plan, None)
    receipt.options = options
    receipt._id = id  # noqa: SLF001 -- a record of one's own
    return receipt, ledger.store.inserting(receipt, delay)


def put(  # noqa: PLR0913 -- what sending takes, and what it stands for
    ledger: Ledger,
    to: Target,
    message: object,
    options: DeliveryOptions | None,
    id: str | None,
    *,
    delay: float = 0.0,
    replayed: Undelivered | None = None,
) -> Receipt:
    """Have a durable message stored, and begin with it when it is; return its receipt at once.

    It takes the place of the dead letter that is *replayed*, which comes back if the message cannot be stored.
    """
    receipt, statement = prepare(ledger, to, message, options, id=id, delay=delay, waits=True)
    assert ledger.store is not None
    statements = ledger.store.discarding(replayed)
    if statement is not None:
        ledger.ids.note(receipt)
        receipt.storing = trio.Event()
        statements.append(statement)
    if statements:
        tell = partial(_put, ledger, receipt, delay, replayed) if statement is not None else None
        ledger.store.database.append_all(statements, tell)
    return receipt


async def stored(receipt: Receipt) -> None:
    """Wait until *receipt* is stored; raise why it is not."""
    if receipt.storing is None:
        await trio.lowlevel.checkpoint()
        return
    await receipt.storing.wait()
    if receipt.not_stored is not None:
        raise receipt.not_stored


def _put(ledger: Ledger, receipt: Receipt, delay: float, replayed: Undelivered | None, error: Exception | None) -> None:
    receipt.not_stored = error
    if error is None:
        begin(ledger, receipt, delay)
    else:
        ledger.drop(receipt, error)
        if replayed is not None:
            ledger.letters.restore(replayed)
    assert receipt.storing is not None
    receipt.storing.set()


def begin(ledger: Ledger, receipt: Receipt, delay: float) -> None:
    """Answer for *receipt*, which is stored, once its *delay* is over; it is below 0 if that was over long ago."""
    receipt.stored = True
    if ledger.closed:
        # It stays in the file, for whoever opens that next.
        ledger.drop(receipt, CLOSED)
        return
    if (first := original_of(ledger, receipt)) is not None:
        follow(ledger, receipt, first)
        return
    ledger.ids.note(receipt)
    if delay > 0:
        ledger.delayed[receipt] = delayed = Delayed(ledger, receipt)
        delayed.wait(ledger.now() + delay)
        return
    # It may be overdue, by what the machine has slept.
    receipt.created = ledger.now() + delay
    receipt.skipped = receipt.plan.skipped
    ledger.admit(receipt)
    if receipt.expired(ledger.now()):
        ledger.expire(receipt)
    else:
        ledger.offer(receipt)


def original_of(ledger: Ledger, receipt: Receipt) -> Receipt | None:
    """Return the receipt of another message with the id of *receipt*, if that was there first."""
    if not receipt.terms.exactly_once:
        return None
    open_one = ledger.ids.open_one(receipt.to, receipt.id)
    if open_one is receipt or (open_one is not None and not open_one.answered_for):
        return None
    return ledger.known(receipt.to, receipt.message, receipt.plan, receipt.id)


def follow(ledger: Ledger, receipt: Receipt, first: Receipt) -> None:
    """Forget *receipt*, which is stored: what becomes of *first*, which has the same id, becomes of it."""
    assert ledger.store is not None
    ledger.store.forget(receipt)
    receipt.stored = False
    receipt.original = first
    receipt.finished()


class Delayed:
    """The deadline at which a durable message is sent."""

    at = 0.0
    """When, on trio's clock."""

    def __init__(self, ledger: Ledger, receipt: Receipt) -> None:
        self._ledger = ledger
        self._receipt = receipt

    def wait(self, at: float) -> None:
        """Have the message sent at that time, which is earlier than any that was said before."""
        self.at = at
        self._ledger.system.timers.add(at, self)

    @property
    def live(self) -> bool:
        """Whether it still matters."""
        return self._receipt in self._ledger.delayed

    def expire(self) -> None:
        """Send it."""
        del self._ledger.delayed[self._receipt]
        begin(self._ledger, self._receipt, min(0.0, self.at - self._ledger.now()))


def is_done(receipt: Receipt) -> bool:
    """Tell whether *receipt* was handled already, and the copy of it that is here is to be left alone."""
    return receipt.status is Status.ACKNOWLEDGED


def outbox_of(actor: Any) -> Outbox | None:
    """Return the outbox of the handler that runs, if it is one of a durable actor."""
    outbox: Outbox | None = getattr(getattr(actor, "_durability", None), "outbox", None)
    return outbox
