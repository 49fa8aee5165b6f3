"""What a topic bus can be asked without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.bus.errors import UnknownTopicError
from actors.bus.ledger import Topic
from actors.bus.requests import BusStatistics, SubscriptionInfo, TopicInfo, TopicStatistics
from actors.bus.topics import is_pattern

if TYPE_CHECKING:
    from actors.bus.index import Entry, Index
    from actors.bus.ledger import Ledger
    from actors.bus.requests import ListTopics


def subscriptions(index: Index, agent: str | None) -> tuple[SubscriptionInfo, ...]:
    """Return the subscriptions of *agent*, or of all for None, the oldest first."""
    return tuple(_info(entry) for entry in index.entries.values() if agent is None or entry.record.agent == agent)


def topics(index: Index, ledger: Ledger, request: ListTopics) -> tuple[TopicInfo, ...]:
    """Return the names that were published or subscribed to, and are asked for."""
    names = {entry.record.pattern for entry in index.entries.values()} | ledger.topics.keys()
    if request.pattern is not None:
        names = set(filter(request.pattern.matches, names))
    if not request.include_inactive:
        names = {name for name in names if active_subscriptions(index, name)}
    return tuple(TopicInfo(name, is_pattern(name)) for name in sorted(names))


def active_subscriptions(index: Index, name: str) -> int:
    """Return how many subscriptions match a topic; of a pattern, how many are to just that."""
    return index.count(name) if is_pattern(name) else len(index.matching(name))


def topic_statistics(index: Index, ledger: Ledger, name: str) -> TopicStatistics:
    """Return what has happened with a topic or pattern; raises `UnknownTopicError`."""
    topic = ledger.topics.get(name)
    if topic is None:
        same = [entry for entry in index.entries.values() if entry.record.pattern == name]
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


def _info(entry: Entry) -> SubscriptionInfo:
    record, box = entry
    return SubscriptionInfo(
        id=record.id,
        agent=record.agent,
        pattern=record.pattern,
        filter=record.filter,
        owner=record.owner,
        created_at=record.created_at,
        buffer_size=record.buffer_size,
        overflow=record.overflow,
        dropped=box.dropped,
        expired=box.expired,
    )
