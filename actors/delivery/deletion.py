"""Deletion of what is stored of a durable actor that is gone for good; of itself it stays in its file for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.delivery.durability import READ_STATE, owner_of
from actors.delivery.errors import NoRouterError, StateInUseError
from actors.delivery.presence import will_return
from actors.delivery.router import ROUTER_NAME, ledger_of

if TYPE_CHECKING:
    from actors.system import ActorSystem

DELETE_STATE: Final = "DELETE FROM delivery_states WHERE name = ?"


async def delete_state(system: ActorSystem, name: str, *, router: str = ROUTER_NAME) -> bool:
    """Delete the state of the durable actor that was called *name*; return whether one was stored, when that is done.

    Who takes the name next begins as its constructor makes it. What was sent to the name stays, and so do the ids of
    what it has handled, as long as the router remembers them. What a kill has left of the actor stores nothing more.

    Raises `StateInUseError` if somebody has the name or a supervisor is about to start somebody under it, and
    `NoRouterError` if no *router* with a database has started. Otherwise as `Database.commit`.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"the state of a durable actor is stored under its name, a str; got {name!r}")
    store = ledger_of(system, router).store
    if store is None:
        raise NoRouterError(f"no router {router!r} with a database runs, in which a state of {name!r} could be stored")
    database = store.database
    found = await database.read(lambda connection: connection.execute(READ_STATE, (name,)).fetchone())
    # Nobody can take the name between this and the fence, for nothing waits here.
    _check_gone(system, name)
    await database.forget(owner_of(name), (DELETE_STATE, (name,)))
    return found is not None


def _check_gone(system: ActorSystem, name: str) -> None:
    there = system.whereis(name)
    if there is not None:
        raise StateInUseError(f"the state of {name!r} is not deleted, for {there} has the name; stop it before")
    if will_return(system, name, None):
        raise StateInUseError(
            f"the state of {name!r} is not deleted, for a supervisor is about to start it again; terminate it before"
        )
