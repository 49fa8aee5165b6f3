"""What a topic bus can be asked without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.bus.errors import UnknownTopicError
from actors.bus.ledger import Topic
from actors.bus.requests import BusStatistics, Names, TopicStatistics
from actors.bus.topics import is_pattern

if TYPE_CHECKING:
    from actors.bus.index import Index
    from actors.bus.ledger import Ledger


def names(index: Index, ledger: Ledger) -> Names:
    """Return what was published or subscribed to; nothing of a closed bus."""
    if ledger.closed:
        return Names([], [])
    # The keys of the plain dict that an OrderedDict is: copied in a tenth of the time, and in no order.
    return Names(list(dict.keys(ledger.topics)), list(index.entries.values()))


def active_subscriptions(index: Index, name: str) -> int:
    """Return how many subscriptions match a topic; of a pattern, how many are to just that."""
    return index.count(name) if is_pattern(name) else len(index.matching(name))


def topic_statistics(index: Index, ledger: Ledger, name: str) -> TopicStatistics:
    """Return what has happened with a topic or pattern; raises `UnknownTopicError`."""
    topic = ledger.topics.get(name)
    if topic is None:
        same = index.entries_to(name)
        if not same:
            raise UnknownTopicError(f"nothing was published or subscribed to {name!r}", name)
        topic = Topic(name, min(entry.record.created_at for entry in same))
    return TopicStatistics(
        topic=name,
        published=topic.published,
        delivered=topic.delivered,
        dropped=topic.dropped,
        active_subscriptions=active_subscriptions(index, name),
        created_at=topic.created_at,
        last_publish_at=topic.last_publish_at,
    )


def statistics(index: Index, ledger: Ledger) -> BusStatistics:
    """Return totals."""
    return BusStatistics(
        published=ledger.published,
        delivered=ledger.delivered,
        dropped=ledger.dropped,
        subscriptions=len(index),
        topics=len(ledger.topics),
        closed=ledger.closed,
    )
