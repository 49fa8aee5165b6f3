"""Legacy: what a shared memory leaves to its next incarnation beside what is in its store."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from actors.shared_memory.behaviour import EntryStore
    from actors.shared_memory.entry import Entry, Tombstone
    from actors.shared_memory.watch import Watch


class Legacy:
    """The watches of a shared memory, and what they have not been told yet; it belongs to the store.

    So a watch goes on across a restart, and is told of every change once, also of one that was stored by an
    incarnation that could not tell any more.
    """

    __slots__ = ("untold", "watches")

    def __init__(self) -> None:
        self.watches: dict[Watch, None] = {}
        self.untold: deque[Entry | Tombstone] = deque()


_legacies: Final[WeakKeyDictionary[EntryStore, Legacy]] = WeakKeyDictionary()


def legacy_of(store: EntryStore) -> Legacy:
    """Return what belongs to *store*."""
    legacy = _legacies.get(store)
    if legacy is None:
        legacy = _legacies[store] = Legacy()
    return legacy
