"""Legacy: what a shared memory leaves to its next incarnation beside what is in its store.

Nothing here is an index: each watch and each count stands for itself, so an incarnation that fails half-way leaves
nothing that contradicts something else.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary, WeakSet

import attrs

from actors.shared_memory.entry import Entry
from actors.shared_memory.key import Namespace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.shared_memory.behaviour import EntryStore
    from actors.shared_memory.entry import Tombstone
    from actors.shared_memory.interest import Interest
    from actors.system import ActorSystem


@attrs.define(eq=False)
class Counts:
    """What was done with one namespace."""

    reads: int = 0
    writes: int = 0
    conflicts: int = 0
    last_access_at: float | None = None


class Legacy:
    """The watches of a shared memory, what they have not been told yet, and counts; it belongs to the store.

    So a watch goes on across a restart, and is told of every change once, also of one that was stored by an
    incarnation that could not tell any more.
    """

    __slots__ = ("closed", "closed_in", "counts", "untold", "watches")

    def __init__(self) -> None:
        self.watches: dict[Interest, None] = {}
        self.closed: list[Interest] = []
        """Watches that have ended and may still be in the index of the incarnation that lives."""
        self.untold: deque[Entry | Tombstone] = deque()
        self.counts = [Counts() for _ in range(max(Namespace) + 1)]
        """By the number of the namespace."""
        self.closed_in: WeakSet[ActorSystem] = WeakSet()
        """Where the shared memory was closed, and stays so: a restart does not open it again."""

    def took(self, changes: Iterable[Entry | Tombstone]) -> None:
        """Note that *changes* are stored: they count, and are to be told, whoever lives then."""
        for change in changes:
            if type(change) is Entry:
                counts = self.counts[change.where.namespace]
                counts.writes += 1
                counts.last_access_at = change.updated_at
            self.untold.append(change)

    def add(self, watch: Interest) -> None:
        """Have *watch* outlive the incarnation that knows it, until it is closed."""
        self.watches[watch] = None
        watch.on_close = self.forget

    def forget(self, watch: Interest) -> None:
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
