"""DurableActor: an actor whose state, and whose part in every durable message, outlive the process.

What a handler changes, the message it was given and the durable messages it sends are one transaction: all of it is
stored, or nothing. So a crash at any instant neither loses a message nor applies one twice.
"""

from __future__ import annotations

from functools import wraps
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from actors.actor import Actor
from actors.delivery.durability import Durability, owner_of
from actors.delivery.errors import NoRouterError, NotDurableError, StateVersionError
from actors.delivery.options import DeliveryOptions
from actors.delivery.router import ROUTER_NAME, RouterRef, ledger_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.delivery.receipt import Receipt

HANDLERS: Final = ("handle_call", "handle_cast", "handle_info", "handle_continue")

DURABLE: Final = DeliveryOptions(durable=True)


class DurableActor(Actor):
    """An actor that goes on, after any crash, where its last handler that returned had left it.

    Its state are its public attributes, or what its `get_state` returns and its `set_state` takes: anything that
    `actors.delivery.codec` can store. Attributes that begin with ``_`` are not stored. The constructor makes what a new
    actor begins with; what was stored takes its place before an `init` of one's own runs.

    After each handler the state is stored if it has changed, together with the durable messages that the handler has
    sent through a router (`RouterRef.send` with ``durable=True``, also with a delay, as a timer) and with the
    acknowledgement of the message it was given. These messages, and the answer to a caller, leave when that is on the
    disk. Everything else that a handler does (casts, calls, files) is not a part of it. A handler that raises, or
    returns what it may not, changes nothing; one that returns `Stop` has handled its message. A `Continue` is no
    durable message: `handle_continue` is stored on its own, and does not run if the actor or the process dies before.
    The actor needs a name, and a router with a database that was started before it. Its state stays in the file until
    `delete_state` is called with its name.
    """

    router: ClassVar[str] = ROUTER_NAME
    """The router whose database it is stored in."""
    state_version: ClassVar[int] = 1
    """The version of its state, which is stored with it."""

    _durability: Durability | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for name in HANDLERS:
            if (handler := _own(cls, name)) is not None:
                setattr(cls, name, _durably(handler))
        if (init := _own(cls, "init")) is not None:
            cls.init = _recovered(init)  # type: ignore[method-assign] # that is what it does
        super().__init_subclass__(**kwargs)

    def init(self) -> Any:
        """Go on from what was stored. An `init` of one's own finds that done."""
        return self._recover()

    async def _recover(self) -> None:
        name, ledger = self.name, ledger_of(self.system, self.router)
        if name is None:
            raise NotDurableError(f"{self.ref} has no name; a durable actor is stored under its name")
        store = ledger.store
        if store is None:
            raise NoRouterError(f"no router {self.router!r} with a database runs, in which {self.ref} could be stored")
        # When this returns, whatever an earlier incarnation still had on its way is stored, or never will be.
        epoch = await store.database.claim(owner_of(name))
        self._durability = Durability(self, self._process, store, epoch)
        await self._durability.recover()

    def migrate(self, version: int, state: Any) -> Any:
        """Return *state*, which was stored with another *version*, as this version has it."""
        raise StateVersionError(
            f"{self.ref} has version {self.state_version} of its state and no migrate; version {version} is stored"
        )

    async def send_durably(self, to: str, message: object, *, delay: float = 0.0) -> Receipt:
        """Send a durable message, at least once; it leaves when the handler's changes are stored.

        To its own name and after a *delay*, it is a timer that outlives the process.
        """
        return await RouterRef(self.system, self.router).send(to, message, DURABLE, delay=delay)


def _own(cls: type[DurableActor], name: str) -> Any:
    """Return the callback *name* of *cls*, also one of a class beside it that is not durable; None if that has none."""
    owner = next(one for one in cls.__mro__ if name in one.__dict__)
    if owner is cls:
        return cls.__dict__[name]
    if owner is Actor or issubclass(owner, DurableActor):
        return None

    @wraps(getattr(owner, name))
    def inherited(self: DurableActor, *arguments: Any) -> Any:
        return getattr(super(cls, self), name)(*arguments)

    return inherited


def _recovered(init: Callable[..., Any]) -> Callable[..., Any]:
    """Return *init*, which finds the state as it was stored."""

    @wraps(init)
    async def recovered(self: DurableActor) -> Any:
        if self._durability is None:
            await self._recover()
        result = init(self)
        return await result if isinstance(result, CoroutineType) else result

    return recovered


def _durably(handler: Any) -> Callable[..., Any]:
    """Return *handler* as one transaction."""

    @wraps(handler)
    async def durably(self: DurableActor, message: Any, caller: Any = None) -> Any:
        durability = self._durability
        assert durability is not None
        bound = handler.__get__(self, type(self))
        if durability.outbox is None:
            return await durability.run(bound, message, caller)
        # A handler that calls that of its superclass is one transaction with it.
        result = bound(message) if caller is None else bound(message, caller)
        return await result if isinstance(result, CoroutineType) else result

    return durably
