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

    __slots__ = ("closed", "untold", "watches")

    def __init__(self) -> None:
        self.watches: dict[Watch, None] = {}
        self.closed: list[Watch] = []
        """Watches that have ended and may still be in the index of the incarnation that lives."""
        self.untold: deque[Entry | Tombstone] = deque()

    def add(self, watch: Watch) -> None:
        """Have *watch* outlive the incarnation that knows it, until it is closed."""
        self.watches[watch] = None
        watch.on_close = self.forget

    def forget(self, watch: Watch) -> None:
        """Let go of a watch that was closed; whoever does that need not know in what state the actor is."""
        if self.watches.pop(watch, self) is None:
            self.closed.append(watch)


_legacies: Final[WeakKeyDictionary[EntryStore, Legacy]] = WeakKeyDictionary()


def legacy_of(store: EntryStore) -> Legacy:
    """Return what belongs to *store*."""
    legacy = _legacies.get(store)
    if legacy is None:
        legacy = _legacies[store] = Legacy()
    return legacy
