"""Watches: who is told of which changes, found by their places. Made anew by each incarnation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.shared_memory.entry import Entry, Tombstone
    from actors.shared_memory.key import Namespace
    from actors.shared_memory.watch import Watch


class Watches:
    """The watches of a shared memory: those of one key by that key, the others by their part of a namespace."""

    def __init__(self, watches: Iterable[Watch] = ()) -> None:
        self._by_key: dict[tuple[Namespace, str, str], dict[Watch, None]] = {}
        self._by_place: dict[tuple[Namespace, str], dict[Watch, None]] = {}
        self._counts: dict[Namespace, int] = {}
        for watch in watches:
            self.add(watch)

    def __bool__(self) -> bool:
        return bool(self._by_key or self._by_place)

    def add(self, watch: Watch) -> None:
        """Have *watch* told from now on."""
        found = self._group(watch)
        if watch not in found:
            found[watch] = None
            self._counts[watch.namespace] = self._counts.get(watch.namespace, 0) + 1

    def discard(self, watch: Watch) -> None:
        """Tell *watch* nothing any more."""
        group = self._group(watch)
        if group.pop(watch, self) is None:
            self._counts[watch.namespace] -= 1
        if not group:
            self._by_key.pop((watch.namespace, watch.scope, _name(watch)), None)
            if not self._by_place.get((watch.namespace, watch.scope), self):
                del self._by_place[watch.namespace, watch.scope]

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

    def _group(self, watch: Watch) -> dict[Watch, None]:
        if watch.pattern is not None and watch.pattern.literal:
            return self._by_key.setdefault((watch.namespace, watch.scope, watch.pattern.text), {})
        return self._by_place.setdefault((watch.namespace, watch.scope), {})


def _name(watch: Watch) -> str:
    return "" if watch.pattern is None else watch.pattern.text
