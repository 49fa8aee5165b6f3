"""Listing: how a client makes long answers of what a bus had at one moment, in slices and in its own task."""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING

from actors.bus.requests import SubscriptionInfo, TopicInfo
from actors.bus.topics import is_pattern
from actors.pace import Pace, batches
from actors.sorting import sorted_in_slices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actors.bus.index import Entry
    from actors.bus.requests import Names
    from actors.pattern import Pattern


async def names_in_order(names: Names, pattern: Pattern | None) -> Iterator[str]:
    """Return those that *pattern* means, all for None, sorted and each once."""
    every = chain(names.topics, (entry.record.pattern for entry in names.entries))
    return (name for name, _ in groupby(await sorted_in_slices(every, pattern)))


async def topic_infos(names: Iterable[str]) -> tuple[TopicInfo, ...]:
    """Tell topics and patterns apart."""
    pace = Pace()
    infos: list[TopicInfo] = []
    for some in batches(names):
        infos += [TopicInfo(name, is_pattern(name)) for name in some]
        await pace.keep()
    return tuple(infos)


async def subscription_infos(entries: Iterable[Entry], agent: str | None) -> tuple[SubscriptionInfo, ...]:
    """Tell of the subscriptions of *agent*, or of all for None, in their order."""
    pace = Pace()
    infos: list[SubscriptionInfo] = []
    for some in batches(entries):
        infos += [_info(entry) for entry in some if agent is None or entry.record.agent == agent]
        await pace.keep()
    return tuple(infos)


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
