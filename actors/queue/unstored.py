"""Unstored: what became of messages, and of the queue itself, and is not in the store.

It belongs to the store, not to the incarnation of the queue that noted it: when that is killed, the next one stores it.
So what a queue has done is lost with the program only.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from actors.queue.behaviour import Batch, Change

if TYPE_CHECKING:
    from actors.queue.behaviour import QueueStore, Row
    from actors.queue.lanes import Entry
    from actors.system import ActorSystem

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 512
"""A batch has no more than so many rows, changes and deletes each: what a queue does about one takes milliseconds."""

REMEMBERED: Final = 100_000
"""So many ids are remembered of messages whose put was not answered."""


class Unstored:
    """What is to be stored of one queue."""

    __slots__ = ("_unanswered", "changed", "closed_in", "deleted", "leased", "owed")

    def __init__(self) -> None:
        self.leased: dict[int, Entry] = {}
        """What was leased lately: most of it is acknowledged before it is worth a write."""
        self.changed: dict[int, Entry] = {}
        self.owed: dict[int, Change] = {}
        """What the store did not take, and what has no entry."""
        self.deleted: list[int] = []
        self.closed_in: WeakSet[ActorSystem] = WeakSet()
        """Where the queue was closed, and stays so: a restart does not open it again."""
        self._unanswered: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self.leased or self.changed or self.deleted or self.owed)

    def __contains__(self, seq: int) -> bool:
        return seq in self.leased or seq in self.changed or seq in self.owed or seq in self.deleted

    def ripen(self) -> None:
        """Have leases stored that have lasted for a while."""
        self.changed.update(self.leased)
        self.leased = {}

    @property
    def ripe(self) -> int:
        """How much there is for the next batch."""
        return len(self.changed) + len(self.owed) + len(self.deleted)

    def take_batch(self, rows: list[Row]) -> Batch:
        """Return what is to be stored: *rows*, and what has changed, of which the rest is left for the next batch."""
        changes, self.owed = first_of(self.owed, MOST)
        if self.changed:
            changed, self.changed = first_of(self.changed, MOST)
            changes.update((seq, change_of(entry)) for seq, entry in changed.items())
        deletes, self.deleted = self.deleted[:MOST], self.deleted[MOST:]
        if changes:
            for seq in deletes:
                changes.pop(seq, None)
        return Batch(rows, list(changes.values()), deletes)

    def owe(self, batch: Batch) -> None:
        """Have the changes of *batch*, which could not be stored, stored with the next one."""
        self.owed = {change.seq: change for change in batch.changes} | self.owed
        self.deleted = batch.deletes + self.deleted

    # -- what is stored, while who put it does not know

    def remember(self, message_id: str) -> None:
        """Note that a message was stored and who put it could not be told; it may be put again."""
        if len(self._unanswered) >= REMEMBERED:
            del self._unanswered[next(iter(self._unanswered))]
        self._unanswered[message_id] = None

    def remembers(self, message_id: str) -> bool:
        """Tell whether such a message was stored, as far back as can be remembered."""
        return message_id in self._unanswered


def first_of(items: dict[K, V], most: int) -> tuple[dict[K, V], dict[K, V]]:
    """Return the first items, and the rest.

    >>> first_of({"a": 1, "b": 2, "c": 3}, 2)
    ({'a': 1, 'b': 2}, {'c': 3})
    """
    if len(items) <= most:
        return items, {}
    taken = dict(islice(items.items(), most))
    for key in taken:
        del items[key]
    return taken, items


def change_of(entry: Entry) -> Change:
    """Return *entry* as it is to be stored."""
    return Change(
        entry.available_at,
        entry.expires_at,
        entry.dequeue_count,
        entry.status,
        entry.finished_at,
        entry.error,
        entry.seq,
    )


_by_store: Final[WeakKeyDictionary[QueueStore, Unstored]] = WeakKeyDictionary()


def unstored_of(store: QueueStore) -> Unstored:
    """Return what is to be stored in *store*, whichever incarnation noted it."""
    unstored = _by_store.get(store)
    if unstored is None:
        unstored = _by_store[store] = Unstored()
    return unstored
