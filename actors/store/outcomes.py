"""Outcomes: what was done for those who could not be told, because the store's incarnation ended in between.

They belong to the ReferenceStore, not to the incarnation. So who asks the next one again with the same key is told
what was done, and it is not done twice. Those who ask end with the program, and so do these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, WeakSet

if TYPE_CHECKING:
    from actors.store.behaviour import ReferenceStore
    from actors.system import ActorSystem

REMEMBERED: Final = 100_000

LATEST: Final = 0
"""Under what the key and the result are of the request that was answered last by what its handler returned."""

Outcomes = dict[int, Any]
"""By the keys of requests."""

_outcomes: Final[WeakKeyDictionary[Any, Outcomes]] = WeakKeyDictionary()

_closed_in: Final[WeakKeyDictionary[Any, WeakSet[ActorSystem]]] = WeakKeyDictionary()
"""By ReferenceStores, the systems whose store was closed, and stays so when it is started again there."""


def closed_in(store: ReferenceStore) -> WeakSet[ActorSystem]:
    """Return the systems in which the store of *store* was closed."""
    return _closed_in.setdefault(store, WeakSet())


def outcomes_of(store: ReferenceStore) -> Outcomes:
    """Return what is remembered of one store."""
    return _outcomes.setdefault(store, {})


def remember(outcomes: Outcomes, key: int, result: object) -> None:
    """Remember *result*, and forget the oldest if there are too many."""
    outcomes[key] = result
    if len(outcomes) > REMEMBERED:
        del outcomes[next(iter(outcomes))]
