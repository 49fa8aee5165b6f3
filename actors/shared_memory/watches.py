"""Watches: who is told of which changes, found by their places. Made anew by each incarnation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.shared_memory.entry import Entry, Tombstone
    from actors.shared_memory.interest import Interest
    from actors.shared_memory.key import Namespace


class Watches:
    """The watches of a shared memory: those of one key by that key, the others by their part of a namespace."""

    def __init__(self, watches: Iterable[Interest] = ()) -> None:
        self._by_key: dict[tuple[Namespace, str, str], dict[Interest, None]] = {}
        self._by_place: dict[tuple[Namespace, str], dict[Interest, None]] = {}
        self._counts: dict[Namespace, int] = {}
        for watch in watches:
            self.add(watch)

    def __bool__(self) -> bool:
        return bool(self._by_key or self._by_place)

    def add(self, watch: Interest) -> None:
        """Have *watch* told from now on."""
        groups: dict[Any, dict[Interest, None]] = self._by_key if is_of_one_key(watch) else self._by_place
        group = groups.setdefault(address_of(watch), {})
        if watch not in group:
            group[watch] = None
            self._counts[watch.namespace] = self._counts.get(watch.namespace, 0) + 1

    def discard(self, watch: Interest) -> None:
        """Tell *watch* nothing any more; to discard one that is not here does no harm."""
        groups: dict[Any, dict[Interest, None]] = self._by_key if is_of_one_key(watch) else self._by_place
        address = address_of(watch)
        group = groups.get(address, {})
        if watch in group:
            del group[watch]
            self._counts[watch.namespace] -= 1
            if not group:
                del groups[address]

    def count(self, namespace: Namespace) -> int:
        """Return how many there are."""
        return self._counts.get(namespace, 0)

    def tell(self, change: Entry | Tombstone) -> None:
        """Tell those who want to know of *change*; to tell of one twice does no harm."""
        where = change.where
        for group in (self._by_key.get(where), self._by_place.get(where[:2])):
            for watch in group or ():
                if watch.wants(change):
                    watch.tell(change)


def is_of_one_key(watch: Interest) -> bool:
    """Tell whether *watch* is of one key, whose name is its pattern."""
    return watch.pattern is not None and watch.pattern.literal


def address_of(watch: Interest) -> tuple[Any, ...]:
    """Return what *watch* is found by: the place, and the name if it is of one key."""
    place = (watch.namespace, watch.scope)
    return place if watch.pattern is None or not watch.pattern.literal else (*place, watch.pattern.text)
