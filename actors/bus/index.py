"""Index: which subscriptions a topic has. It is made anew by each incarnation of the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from actors.bus.box import StreamBox
from actors.bus.long_patterns import LongPatterns, is_long
from actors.bus.topics import segments_of
from actors.bus.trie import Trie
from actors.pace import AT_ONCE, Pace, batches
from actors.pattern import PatternError, parse_pattern

if TYPE_CHECKING:
    from actors.bus.box import Box
    from actors.bus.ledger import Topic
    from actors.bus.requests import Subscribed

ROUTES_KEPT: Final = 4096
"""For so many topics it is remembered who is to have their messages."""


class Entry(NamedTuple):
    """A subscription, and where its messages go."""

    record: Subscribed
    box: Box


class Route(NamedTuple):
    """Who is to have what is published to one topic, until a subscription comes or goes."""

    topic: Topic
    streams: tuple[StreamBox, ...]
    """Those who take everything."""
    others: tuple[Entry, ...]


class Index:
    """The subscriptions by their patterns and by their ids, and up to *most_routes* routes."""

    def __init__(self, most_routes: int = ROUTES_KEPT) -> None:
        self._most_routes = most_routes
        self._trie: Trie[Entry] = Trie()
        self._long: LongPatterns[Entry] = LongPatterns()
        self.entries: dict[str, Entry] = {}
        """By the ids of the subscriptions, the oldest first."""
        self.routes: dict[str, Route] = {}

    def __repr__(self) -> str:
        return f"<Index: {len(self)} subscriptions, {len(self.routes)} routes>"

    def __len__(self) -> int:
        return len(self._trie) + len(self._long)

    def add(self, entry: Entry) -> None:
        """Have *entry* found from now on."""
        record = entry.record
        pattern = parse_pattern(record.pattern)
        if is_long(pattern):
            self._long.add(pattern, record.id, entry)
        else:
            self._trie.add(pattern.steps, record.id, entry)
        self.entries[record.id] = entry
        self.routes.clear()

    def remove(self, record: Subscribed) -> None:
        """Have it found no more."""
        pattern = parse_pattern(record.pattern)
        if is_long(pattern):
            self._long.remove(pattern, record.id)
        else:
            self._trie.remove(pattern.steps, record.id)
        del self.entries[record.id]
        self.routes.clear()

    async def dismantle(self) -> None:
        """Let go of all, in slices."""
        self.routes = {}
        self._long = LongPatterns()
        pace = Pace()
        for _ in batches(self._trie.dismantle()):
            await pace.keep()
        while self.entries:
            for _ in range(min(AT_ONCE, len(self.entries))):
                self.entries.popitem()
            await pace.keep()

    def count(self, pattern: str) -> int:
        """Return how many subscriptions there are to just *pattern*."""
        parsed = parse_pattern(pattern)
        return len(self._long.values(parsed)) if is_long(parsed) else self._trie.count(parsed.steps)

    def entries_to(self, pattern: str) -> list[Entry]:
        """Return the subscriptions to just *pattern*, which need not be one."""
        try:
            parsed = parse_pattern(pattern)
        except PatternError:
            return []
        return self._long.values(parsed) if is_long(parsed) else self._trie.values(parsed.steps)

    def matching(self, topic: str) -> list[Entry]:
        """Return the subscriptions whose pattern matches *topic*; raises `BadTopicError`."""
        found = self._trie.find(segments_of(topic))
        return found + self._long.find(topic) if self._long else found

    def make_route(self, topic: Topic, entries: list[Entry]) -> Route:
        """Remember that what is published to *topic* is for *entries*."""
        streams = tuple(
            entry.box for entry in entries if entry.record.filter is None and isinstance(entry.box, StreamBox)
        )
        others = tuple(
            entry for entry in entries if entry.record.filter is not None or not isinstance(entry.box, StreamBox)
        )
        if len(self.routes) >= self._most_routes:
            self.routes.clear()
        route = self.routes[topic.name] = Route(topic, streams, others)
        return route
