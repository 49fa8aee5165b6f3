"""What a shared memory offers to whoever looks at its node (`actors.inspect.Commands`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.foremost import foremost, most_of, order_of
from actors.pattern import parse_pattern
from actors.shared_memory.entry import Entry
from actors.shared_memory.key import Namespace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from actors.inspect import Command
    from actors.shared_memory.interest import Interest
    from actors.shared_memory.shared_memory import SharedMemory

Row = dict[str, Any]


class MemoryOffers:
    """The commands of one shared memory."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory

    def commands(self) -> dict[str, Command]:
        """Return the commands by their names."""
        return {
            "memory.keys": self.keys,
            "memory.namespaces": self.namespaces,
            "memory.watchers": self.watchers,
        }

    def namespaces(self, arguments: Mapping[str, Any]) -> Iterator[Row]:
        """Show what each namespace holds, and what was done with it."""
        now = self._memory.now()
        for namespace in Namespace:
            row = attrs.asdict(self._memory.statistics_of(namespace))
            accessed = row.pop("last_access_at")
            ago = None if accessed is None else max(0.0, now - accessed)
            yield {"namespace": str(namespace), **row, "accessed_seconds_ago": ago}

    def keys(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Show the keys with their versions, and who wrote each, without what is in them."""
        rank, most, wanted = order_of(arguments, ORDERS), most_of(arguments), _wanted(arguments)
        records = tuple(self._memory.shelves.records.values())
        chosen = (it for it in records if type(it) is Entry and wanted(*it.where))
        now = self._memory.now()
        for entry in (yield from foremost(chosen, most, rank)):
            yield {
                "namespace": str(entry.namespace),
                "scope": entry.scope,
                "key": entry.key,
                "version": entry.version,
                "stored_bytes": len(entry.value),
                "compressed": entry.compressed,
                "created_by": entry.created_by,
                "updated_by": entry.updated_by,
                "updated_seconds_ago": max(0.0, now - entry.updated_at),
            }

    def watchers(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Who watches which keys, and how many changes were dropped since there was no room."""
        most, wanted = most_of(arguments), _wanted({**arguments, "pattern": None})
        watches = (it for it in tuple(self._memory.legacy.watches) if wanted(it.namespace, it.scope, ""))
        for watch in (yield from foremost(watches, most, _dropped)):
            yield {
                "namespace": str(watch.namespace),
                "scope": watch.scope,
                "keys": "**" if watch.pattern is None else watch.pattern.text,
                "owner": None if watch.owner is None else str(watch.owner),
                "tombstones": watch.tombstones,
                "buffer_size": watch.buffer,
                "dropped": watch.dropped,
            }


ORDERS: Final[dict[str, Callable[[Entry], Any]]] = {
    "updated": lambda it: -it.updated_at,
    "name": lambda it: (it.where.namespace, it.where.scope, it.where.name),
    "size": lambda it: (-len(it.value), it.where.name),
    "version": lambda it: (-it.version, it.where.name),
}


def _dropped(watch: Interest) -> int:
    return -watch.dropped


def _wanted(arguments: Mapping[str, Any]) -> Callable[[Namespace, str, str], bool]:
    """Return what tells whether a place and a name are among those that are asked for."""
    namespace, scope, pattern = (arguments.get(name) for name in ("namespace", "scope", "pattern"))
    if namespace is not None and str(namespace).upper() not in Namespace.__members__:
        raise ValueError(f"{namespace!r} is no namespace; there are {', '.join(map(str, Namespace))}")
    space = None if namespace is None else Namespace[str(namespace).upper()]
    means = None if pattern is None else parse_pattern(str(pattern)).matches

    def wanted(its: Namespace, part: str, name: str) -> bool:
        of_place = (space is None or its is space) and (scope is None or part == scope)
        return of_place and (means is None or name == pattern or means(name))

    return wanted
