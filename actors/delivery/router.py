"""Router: the actor that delivers messages with a guarantee, and RouterRef, by which everybody uses it.

Sending runs in the sender's task and touches the router's ledger, which the system owns. So a router that crashes and
is restarted loses nothing that it has accepted, and a message costs no detour through its mailbox.
"""

from __future__ import annotations

from contextlib import suppress
from math import inf
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar, overload

import attrs
import trio
from trio.lowlevel import enable_ki_protection

from actors.actor import Actor
from actors.current import admit, current_process
from actors.delivery.asking import ask
from actors.delivery.closing import close_with_system
from actors.delivery.durable import outbox_of, put, stored
from actors.delivery.errors import DeliveryFailedError, InvalidMessageError, NoRouterError, NotDurableError
from actors.delivery.exchange import Exchange
from actors.delivery.ledger import OPTIONS, Ledger, check_options
from actors.delivery.message_store import MessageStore
from actors.delivery.offers import RouterOffers
from actors.delivery.options import DeliveryOptions, RouterConfig
from actors.delivery.presence import will_return
from actors.delivery.receipt import Posted
from actors.delivery.recovery import Recovery
from actors.delivery.statistics import RouterStatistics
from actors.delivery.succession import take_over
from actors.message import NORMAL_PRIORITY, Call
from actors.options import check_name, check_seconds
from actors.show import shown
from actors.system import ActorSystem
from actors.telemetry import ROUTER_SEND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from actors.caller import Caller
    from actors.delivery.breaker import BreakerChanged
    from actors.delivery.dead_letters import UndeliveredLetters
    from actors.delivery.lane import Target
    from actors.delivery.receipt import Receipt
    from actors.inspect import Command
    from actors.message import Priority, Question
    from actors.name_ref import NameRef
    from actors.ref import ActorRef

R = TypeVar("R")

ROUTER_NAME: Final = "router"
"""What a router is called unless it is told otherwise."""

SENDS_BETWEEN_CHECKPOINTS: Final = 32

DONE: Final = 1
UNDER_WAY: Final = 2
WAITING: Final = 8
"""For how many sends one counts, by what has become of it: who is ahead of the receivers soon lets them catch up.

A message that need not wait for others takes half as long to send, and with a backlog all have to wait.
"""


def ledger_of(system: ActorSystem, name: str) -> Ledger:
    """Return the ledger of the router that is, was or will be called *name*."""
    ledgers: dict[str, Ledger] = system.belongings.setdefault(Ledger, {})
    if name not in ledgers:
        ledgers[name] = Ledger(system, name)
        system.context.run(system.start_soon, close_with_system, ledgers[name])
    return ledgers[name]


def _check_id(id: object) -> None:
    """Refuse an id that is none."""
    if not isinstance(id, str) or not id:
        raise InvalidMessageError(f"the id of a message is a str that is not empty; got {id!r}")
    if not id.isascii() and id.encode(errors="replace").decode() != id:
        raise InvalidMessageError(f"the id of a message is {id!r}, which is no text")


@attrs.frozen
class GetRouterStatistics(Call[RouterStatistics]):
    """Asks a `Router` what it has done."""


class Router(Actor):
    """Delivers what is sent through its `RouterRef`: each message on its own schedule, with its own guarantee.

    It has to have a name. What it has accepted is kept under that name: its next incarnation goes on with it.
    """

    def __init__(self, config: RouterConfig | None = None) -> None:
        if not isinstance(config, RouterConfig | None):
            raise TypeError(f"a Router is given a RouterConfig; got {config!r}")
        self.config = config or RouterConfig()

    async def init(self) -> None:
        """Take over what the last incarnation, or the last process, left.

        Raises what opening the database raises, which a supervisor's backoff should keep from being tried at once.
        """
        name = self.name
        if name is None:
            raise InvalidMessageError(f"{self.ref} has no name; a router keeps what it has accepted under its name")
        self._ledger = ledger_of(self.system, name)
        self._ledger.configure(self.config)
        if self.config.database is not None and (self._ledger.store is None or self._ledger.recovery is not None):
            await self._recover(name)
        self._ledger.exchange = Exchange(self._ledger, self._process)
        await take_over(self._ledger.exchange)

    async def _recover(self, name: str) -> None:
        recovery = self._ledger.recovery
        if recovery is None:
            store = await MessageStore.open(self.system, name, self.config)
            found = await store.read(self.config.dedupe_seconds, self.config.dedupe_ids)
            recovery = Recovery(self._ledger, store, found)
        await recovery.run()

    def handle_call(self, message: GetRouterStatistics, caller: Caller) -> RouterStatistics:
        """Tell what was done."""
        return self._ledger.statistics()

    def shell_commands(self) -> Mapping[str, Command]:
        """Offer to show what was done, and to do something about dead letters (`actors.inspect.Commands`)."""
        return RouterOffers(self._ledger).commands() if hasattr(self, "_ledger") else {}


class RouterRef:
    """The router of a name, now and after every restart.

    All methods raise `WrongThreadError` in another thread than the system's.
    """

    __slots__ = ("_ledger", "_sends", "_system", "name")

    def __init__(self, system: ActorSystem, name: str = ROUTER_NAME) -> None:
        if not isinstance(system, ActorSystem):
            raise TypeError(f"a RouterRef is of an ActorSystem; got {system!r}")
        check_name(name)
        self._system = system
        self._ledger = ledger_of(system, name)
        self._sends = SENDS_BETWEEN_CHECKPOINTS
        self.name = name

    def __repr__(self) -> str:
        return f"<router {self.name}: {self._ledger.pending} messages>"

    @enable_ki_protection
    async def send(
        self,
        to: Target,
        message: object,
        options: DeliveryOptions | None = None,
        *,
        id: str | None = None,
        delay: float = 0.0,
    ) -> Receipt:
        """Have *message* delivered to the `handle_cast` of *to*, and return the receipt once the router has it.

        What comes of it is told by `Receipt.acknowledged`. A name is one that is registered with the router, or else
        one of the system. With an *id* of the sender's own, a message that is sent exactly once is delivered only
        once however often it is sent: the receipt is that of the first, or one that is acknowledged already.

        A durable message is stored when this returns, is for a name, and may be sent only after *delay* seconds. Sent
        by a handler of a `DurableActor`, it is stored, and leaves, with what the handler has changed.

        A checkpoint at least once in 32 times, and whenever it is durable; cancelled there, a durable message may be
        stored and delivered all the same. Raises `NoRouterError`, `RouterClosedError`, and for durable messages
        `UnencodableError`, `NotDurableError` and errors of the database.
        """
        if delay or self._ledger.is_durable(options):
            if not ROUTER_SEND.listeners:
                return await self._send_durably(to, message, options, id, delay)
            with ROUTER_SEND.begin(**self._told(to, message)) as span:
                receipt = await self._send_durably(to, message, options, id, delay)
                span.note(message_id=receipt.id)
            return receipt
        receipt = self.send_nowait(to, message, options, id=id)
        cost = DONE if type(receipt) is Posted else WAITING if receipt.attempt is None else UNDER_WAY
        self._sends = left = self._sends - cost
        if left <= 0:
            self._sends = SENDS_BETWEEN_CHECKPOINTS
            await trio.lowlevel.checkpoint()
        return receipt

    @enable_ki_protection
    def send_nowait(
        self, to: Target, message: object, options: DeliveryOptions | None = None, *, id: str | None = None
    ) -> Receipt:
        """As `send`, but never wait: for handlers that are ``def``."""
        if get_ident() != self._system.open_to:
            admit(self._system, self)
        if type(options) not in OPTIONS:
            check_options(options)
        if id is not None:
            _check_id(id)
        if ROUTER_SEND.listeners:
            return self._accept_told(to, message, options, id)
        ledger = self._ledger
        exchange = ledger.exchange
        if exchange is None or exchange.process.reason is not None:
            self._check_running()
        return ledger.accept(to, message, options, id)

    def _accept_told(self, to: Target, message: object, options: DeliveryOptions | None, id: str | None) -> Receipt:
        with ROUTER_SEND.begin(**self._told(to, message)) as span:
            self._check_running()
            receipt = self._ledger.accept(to, message, options, id)
            span.note(message_id=receipt.id)
        return receipt

    def _told(self, to: Target, message: object) -> dict[str, Any]:
        return {"router": self.name, "target": to, "message_type": type(message).__name__}

    async def _send_durably(
        self, to: Target, message: object, options: DeliveryOptions | None, id: str | None, delay: float
    ) -> Receipt:
        admit(self._system, self)
        self._check_running()
        check_seconds("delay", delay)
        if delay == inf:
            raise ValueError(f"the delay of {shown(message)} is {delay!r}; what is never sent is not stored")
        if id is not None:
            _check_id(id)
        if not self._ledger.is_durable(options):
            raise NotDurableError(f"only a durable message is sent after a delay; {shown(message)} is not durable")
        await trio.lowlevel.checkpoint_if_cancelled()
        sender = current_process()
        outbox = None if sender is None or sender.reason is not None else outbox_of(sender.actor)
        if outbox is not None:
            receipt = outbox.put(self._ledger, to, message, options, id=id, delay=delay)
            await trio.lowlevel.cancel_shielded_checkpoint()
            return receipt
        receipt = put(self._ledger, to, message, options, id, delay=delay)
        await stored(receipt)
        return receipt

    @overload
    async def call(
        self, to: Target, message: Call[R], *, timeout: float | None = 5.0, priority: Priority = ...
    ) -> R: ...
    @overload
    async def call(
        self, to: Target, message: Question, *, timeout: float | None = 5.0, priority: Priority = ...
    ) -> object: ...
    @overload
    async def call(
        self, to: Target, message: object, *, timeout: float | None = 5.0, priority: Priority = ...
    ) -> Any: ...

    async def call(
        self, to: Target, message: object, *, timeout: float | None = 5.0, priority: Priority = NORMAL_PRIORITY
    ) -> Any:
        """As `ActorRef.call`, of the instance whose turn it is; one that is being restarted is waited for.

        A call that has reached its instance is not made again. It counts for the circuit breaker of *to*; while that
        is open it waits, or raises `CircuitOpenError`. Raises `TargetNotFoundError` for a name that nobody has.
        """
        admit(self._system, self)
        self._check_running()
        return await ask(self._ledger, to, message, timeout, priority)

    @enable_ki_protection
    def register(self, name: str, instance: ActorRef | NameRef) -> None:
        """Have messages for *name* go to *instance*, and to those that are registered under it already, in turns.

        Raises `RouteTakenError` if it is registered under *name* already.
        """
        admit(self._system, self)
        self._ledger.routes.register(name, instance)
        self._rerouted(name)

    @enable_ki_protection
    def unregister(self, name: str, instance: ActorRef | NameRef | None = None) -> None:
        """Send *instance*, or anybody, nothing more for *name*; what is under way to it stays so.

        Raises `RouteNotFoundError` if it is not registered.
        """
        admit(self._system, self)
        self._ledger.routes.unregister(name, instance)
        self._rerouted(name)

    async def drained(self) -> None:
        """Wait until the router is done with everything it has accepted, but what is still delayed. A checkpoint."""
        admit(self._system, self)
        await trio.lowlevel.checkpoint()
        while (receipt := self._ledger.latest) is not None:
            with suppress(DeliveryFailedError):
                await receipt.acknowledged()

    def statistics(self) -> RouterStatistics:
        """Return what was done so far; also after the router was closed."""
        admit(self._system, self)
        return self._ledger.statistics()

    @property
    def dead_letters(self) -> UndeliveredLetters:
        """What was given up: to be looked at, replayed or discarded."""
        admit(self._system, self)
        return self._ledger.letters

    def listen(self, listener: Callable[[BreakerChanged], object]) -> Callable[[], None]:
        """Have *listener* called with each change of a circuit breaker; return what ends that.

        It is called in the middle of a delivery, so it must not wait; what it raises is logged.
        """
        admit(self._system, self)
        if not callable(listener):
            raise TypeError(f"a listener is called with a BreakerChanged; got {listener!r}")
        listeners = self._ledger.breakers.listeners
        listeners.append(listener)

        def end() -> None:
            with suppress(ValueError):
                listeners.remove(listener)

        return end

    @enable_ki_protection
    def close(self) -> None:
        """Give up every message the router has, and take none any more; its statistics can still be read.

        No attempt is made from here on; of many messages, most are given up after this has returned.
        Final, and nothing when it is closed already. The actor goes on, so that no supervisor starts another.
        """
        admit(self._system, self)
        self._ledger.close()

    def _rerouted(self, name: str) -> None:
        exchange = self._ledger.exchange
        if exchange is not None and exchange.active:
            exchange.reroute(name)

    def _check_running(self) -> None:
        """Refuse what nobody would deliver: no router runs, and no supervisor is about to start it again."""
        exchange = self._ledger.exchange
        if exchange is not None and exchange.active:
            return
        last = None if exchange is None else exchange.process
        if not self._ledger.closed and not will_return(self._system, self.name, last):
            raise NoRouterError(f"no router {self.name!r} runs; start a Router under this name")
