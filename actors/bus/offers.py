"""What a topic bus offers to whoever looks at its node (`actors.inspect.Commands`)."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.bus import views
from actors.bus.ledger import Topic
from actors.bus.topics import is_pattern
from actors.foremost import AT_ONCE, foremost, most_of, order_of
from actors.pattern import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from actors.bus.index import Entry, Index
    from actors.bus.ledger import Ledger
    from actors.inspect import Command
    from actors.wall_clock import WallClock

Row = dict[str, Any]


class BusOffers:
    """The commands of one incarnation of a bus."""

    def __init__(self, index: Index, ledger: Ledger, now: WallClock) -> None:
        self._index = index
        self._ledger = ledger
        self._now = now

    def commands(self) -> dict[str, Command]:
        """Return the commands by their names."""
        return {
            "bus.statistics": self.statistics,
            "bus.subscriptions": self.subscriptions,
            "bus.topics": self.topics,
        }

    def statistics(self, arguments: Mapping[str, Any]) -> Iterator[Row]:
        """Show what the bus has done, in one row."""
        yield attrs.asdict(views.statistics(self._index, self._ledger))

    def topics(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Show the topics and patterns, with what became of their messages."""
        rank, most, wanted = order_of(arguments, TOPICS), most_of(arguments), _wanted(arguments.get("pattern"))
        known = tuple(self._ledger.topics.values())
        silent: dict[str, Topic] = {}
        for place, (record, _) in enumerate(tuple(self._index.entries.values())):
            if record.pattern not in self._ledger.topics and record.pattern not in silent:
                silent[record.pattern] = Topic(record.pattern, record.created_at)
            if place % AT_ONCE == 0:
                yield None
        now = self._now()
        chosen = (topic for topic in chain(known, silent.values()) if wanted(topic.name))
        for topic in (yield from foremost(chosen, most, rank)):
            yield {
                "topic": topic.name,
                "pattern": is_pattern(topic.name),
                "subscriptions": views.active_subscriptions(self._index, topic.name),
                "published": topic.published,
                "delivered": topic.delivered,
                "dropped": topic.dropped,
                "published_seconds_ago": max(0.0, now - topic.last_publish_at) if topic.last_publish_at else None,
            }

    def subscriptions(self, arguments: Mapping[str, Any]) -> Iterator[Row | None]:
        """Who is subscribed to what, and what waits for them."""
        rank, most, agent = order_of(arguments, SUBSCRIPTIONS), most_of(arguments), arguments.get("agent")
        wanted = _wanted(arguments.get("pattern"))
        entries = tuple(self._index.entries.values())
        chosen = (it for it in entries if agent in (None, it.record.agent) and wanted(it.record.pattern))
        now = self._now()
        for record, box in (yield from foremost(chosen, most, rank)):
            yield {
                "id": record.id,
                "agent": record.agent,
                "pattern": record.pattern,
                "filtered": record.filter is not None,
                "owner": None if record.owner is None else str(record.owner),
                "waiting": box.waiting,
                "buffer_size": record.buffer_size,
                "overflow": record.overflow,
                "dropped": box.dropped,
                "expired": box.expired,
                "seconds": max(0.0, now - record.created_at),
            }


TOPICS: Final[dict[str, Callable[[Topic], Any]]] = {
    "published": lambda it: (-it.published, it.name),
    "dropped": lambda it: (-it.dropped, it.name),
    "last": lambda it: (-it.last_publish_at, it.name),
    "name": lambda it: it.name,
}

SUBSCRIPTIONS: Final[dict[str, Callable[[Entry], Any]]] = {
    "waiting": lambda it: (-it.box.waiting, it.record.pattern),
    "dropped": lambda it: (-it.box.dropped, it.record.pattern),
    "age": lambda it: it.record.created_at,
}


def _wanted(pattern: object) -> Callable[[str], bool]:
    """Return what tells whether a name is one that *pattern* means; the name itself is, too."""
    if pattern is None:
        return lambda _: True
    if not isinstance(pattern, str):
        raise ValueError(f"a pattern is a text; got {pattern!r}")  # noqa: TRY004 -- what a client sent has no types
    means = parse_pattern(pattern).matches
    return lambda name: name == pattern or means(name)
