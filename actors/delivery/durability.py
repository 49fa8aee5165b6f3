"""Durability: where one incarnation of a durable actor is stored, and how what a handler has done becomes one unit."""

from __future__ import annotations

import logging
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from actors.delivery.codec import decode, encode
from actors.delivery.durable import Outbox, is_done
from actors.delivery.errors import NotDurableError, StateVersionError, UnencodableError, UnreadableStateError
from actors.delivery.held_caller import HeldCaller
from actors.delivery.ids import receiver_of
from actors.delivery.receipt import Attempt
from actors.result import may_return
from actors.settlement import Delivery
from actors.show import shown, told
from actors.sqlite.waiter import Waiter
from actors.state import set_state_of, state_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.delivery.durable_actor import DurableActor
    from actors.delivery.message_store import MessageStore
    from actors.delivery.receipt import Receipt
    from actors.process import Process
    from actors.sqlite import Epoch, Statement

logger: Final = logging.getLogger("actors")

READ_STATE: Final = "SELECT version, state FROM delivery_states WHERE name = ?"
WRITE_STATE: Final = "REPLACE INTO delivery_states VALUES (?, ?, ?)"


def owner_of(name: str) -> str:
    """Return whose epochs those of the durable actor called *name* are."""
    return f"actor {name}"


class Durability:
    """The stored side of one incarnation."""

    def __init__(self, actor: DurableActor, process: Process, store: MessageStore, epoch: Epoch) -> None:
        self.actor = actor
        self.process = process
        self.store = store
        self.epoch = epoch
        self.outbox: Outbox | None = None
        """What the handler that runs has sent."""
        self._written = b""
        """The state as it is stored."""
        self._last: bytes | None = None
        """The state as the last handler left it, or the first one found it."""

    async def recover(self) -> None:
        """Give the actor the state that was stored, if any was, brought to its version."""
        actor = self.actor
        name = actor.name
        found = await self.store.database.read(lambda connection: connection.execute(READ_STATE, (name,)).fetchone())
        if found is None:
            return
        version, stored = found
        state = self._decoded(stored)
        if version == actor.state_version:
            self._written = stored
        else:
            state = actor.migrate(version, state)
            if not isinstance(state, dict) and not hasattr(actor, "set_state"):
                raise StateVersionError(
                    f"migrate of {actor.ref} made {shown(state)} of version {version}; allowed is a dict of attributes"
                )
        # Attributes that came into the class since keep what the constructor gave them.
        set_state_of(actor, state if hasattr(actor, "set_state") else {**state_of(actor), **state})

    def _decoded(self, stored: bytes) -> Any:
        try:
            state = decode(stored)
        except Exception as error:
            raise self._unreadable(told(error)) from error
        if not (isinstance(state, dict) or hasattr(self.actor, "set_state")):
            raise self._unreadable(f"attributes with their names were stored, and it is {shown(state)}")
        return state

    def _unreadable(self, why: str) -> UnreadableStateError:
        path = self.store.database.path
        return UnreadableStateError(f"the state of {self.actor.ref} in {path} cannot be read: {why}")

    async def run(self, handler: Callable[..., Any], message: Any, caller: Any) -> Any:
        """Run *handler*, and store all that it has done before anything of it leaves."""
        receipt = self._incoming()
        if receipt is not None and is_done(receipt):
            return None
        incoming = str(uuid4()) if receipt is None else self._told_apart(receipt)
        if self._last is None:
            self._last = self._encoded_if_possible()
        outbox = self.outbox = Outbox(incoming, self.store.database)
        try:
            result = handler(message) if caller is None else handler(message, HeldCaller(caller, self))
            if isinstance(result, CoroutineType):
                result = await result
            if not may_return(result, reply=caller is not None):
                outbox.discard(f"the handler that has sent it returned {shown(result)}")
                self._restore()
                return result  # which the runtime refuses
            statements, state = self._statements(receipt, outbox)
        except BaseException as error:
            outbox.discard(error)
            self._restore()
            raise
        finally:
            self.outbox = None
        if statements:
            await self._commit(statements, outbox, receipt)
            self._written = state
        self._last = state
        for answer in outbox.answers:
            answer()
        return result

    def _restore(self) -> None:
        """Have `terminate` find the state as it was before the handler that has failed."""
        if not self._last:
            return
        try:
            set_state_of(self.actor, decode(self._last))
        except Exception:
            logger.exception("the state of %s is what a handler that failed has left of it", self.actor.ref)

    def _encoded_if_possible(self) -> bytes:
        """Return the state, or nothing if it is one that only a handler makes storable."""
        try:
            return encode(state_of(self.actor), f"the state of {self.actor.ref}")
        except UnencodableError:
            return b""

    def _incoming(self) -> Receipt | None:
        """Return the receipt of the message that is handled, if it came through a router."""
        item = self.process.message
        origin = item.origin if type(item) is Delivery else None
        return origin.receipt if isinstance(origin, Attempt) else None

    def _told_apart(self, receipt: Receipt) -> str:
        """Return what *receipt* has of its own: others may have its id, from another router or to another receiver."""
        ledger = receipt.plan.ledger
        if receipt.stored and ledger.store is not None and ledger.store.database is not self.store.database:
            raise NotDurableError(
                f"{self.actor.ref} is stored in {self.store.database.path}, and cannot handle {receipt} once, which is "
                f"stored in {ledger.store.database.path}"
            )
        return repr((ledger.name, receiver_of(receipt.to), receipt.id))

    @property
    def _is_aside(self) -> bool:
        return self.process.is_aside(self.process.message)

    def _statements(self, receipt: Receipt | None, outbox: Outbox) -> tuple[list[Statement], bytes]:
        """Return what stores everything that the handler has done, and the state as it will be stored."""
        actor = self.actor
        if receipt is not None and self._is_aside:
            outbox.stand_alone()
        statements = list(outbox.statements)
        state = encode(state_of(actor), f"the state of {actor.ref}")
        if state != self._written:
            statements.append((WRITE_STATE, (actor.name, actor.state_version, state)))
        if receipt is not None and not self._is_aside:
            store = receipt.plan.ledger.store
            if store is not None and store.database is self.store.database:
                statements += store.deleting(receipt)
        return statements, state

    async def _commit(self, statements: list[Statement], outbox: Outbox, receipt: Receipt | None) -> None:
        """Store *statements*, then let go what was sent and acknowledge *receipt*, even if the actor is dead."""
        waiter = Waiter()
        done = None if self._is_aside else receipt

        def tell(error: Exception | None) -> None:
            if error is not None:
                outbox.discard(error)
            else:
                outbox.release()
                if done is not None:
                    done.plan.ledger.committed(done)
            waiter.tell(error)

        self.store.database.append_all(statements, tell, self.epoch)
        try:
            await waiter.wait()
        except Exception:
            self._restore()
            raise
