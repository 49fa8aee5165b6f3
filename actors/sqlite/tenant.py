"""Tenants: which actor has which part of a file. Two of a kind in one would take what they store from each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary, ref

from actors.current import current_process

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.errors import ActorError
    from actors.sqlite.database import Database

_tenants: Final[WeakKeyDictionary[Database, dict[str, ref[Actor]]]] = WeakKeyDictionary()


def move_in(database: Database, what: str, error: type[ActorError]) -> None:
    """Note that the current actor is the *what* that *database* has; raises *error* if another is, and lives.

    Outside of actors it does nothing.
    """
    process = current_process()
    if process is None:
        return
    actor = process.actor
    tenants = _tenants.setdefault(database, {})
    tenant = tenants.get(what, _nobody)()
    # Of an incarnation that was killed, a handler may still run, but it is no tenant any more.
    if tenant is not None and tenant is not actor and tenant.ref.alive:
        raise error(
            f"{database.path} has the {what} {tenant.ref} already, and holds one; {actor.ref} needs a file of its own"
        )
    tenants[what] = ref(actor)


def _nobody() -> None:
    """Be the tenant of a file that never had one."""
