"""Listing: how a client makes long answers of what a bus had at one moment, in slices and in its own task."""

from __future__ import annotations

from heapq import merge
from itertools import chain, groupby
from typing import TYPE_CHECKING, Final

from actors.bus.pace import Pace, batches
from actors.bus.requests import SubscriptionInfo, TopicInfo
from actors.bus.topics import is_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.bus.index import Entry
    from actors.bus.requests import Names
    from actors.pattern import Pattern

RUN: Final = 512
"""So many names are sorted at once, which takes a tenth of a millisecond; the runs are merged."""


async def names_in_order(names: Names, pattern: Pattern | None) -> list[str]:
    """Return those that *pattern* means, all for None, sorted and each once."""
    pace = Pace()
    runs: list[list[str]] = [[]]
    for some in batches(chain(names.topics, (entry.record.pattern for entry in names.entries))):
        runs[-1] += some if pattern is None else filter(pattern.matches, some)
        if len(runs[-1]) >= RUN:
            runs[-1].sort()
            runs.append([])
        await pace.keep()
    runs[-1].sort()
    found: list[str] = []
    for some in batches(name for name, _ in groupby(merge(*runs))):
        found += some
        await pace.keep()
    return found


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
