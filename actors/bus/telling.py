"""Telling: how a bus delivers while somebody listens to what becomes of each message and subscription."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from actors.bus.requests import Published
from actors.telemetry import BUS_DELIVER, BUS_FILTER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.bus.index import Entry
    from actors.bus.message import TopicMessage
    from actors.bus.requests import Subscribed


def deliver_told(entries: Iterable[Entry], message: TopicMessage) -> Published:
    """Give *message* to the subscriptions that take it, and tell of each."""
    delivered = dropped = 0
    for record, box in entries:
        told = _told(record, message)
        if not _passes(record, message, told):
            continue
        taken, lost = box.offer(message)
        delivered += taken
        dropped += lost
        if BUS_DELIVER.listeners:
            BUS_DELIVER.emit({"delivered": taken, "dropped": lost}, told)
    return Published(delivered, dropped)


def _passes(record: Subscribed, message: TopicMessage, told: dict[str, Any]) -> bool:
    if record.filter is None:
        return True
    began = perf_counter_ns()
    passed = record.filter.passes(message)
    if BUS_FILTER.listeners:
        BUS_FILTER.emit({"latency_us": (perf_counter_ns() - began) / 1000}, {**told, "passed": passed})
    return passed


def _told(record: Subscribed, message: TopicMessage) -> dict[str, Any]:
    return {
        "topic": message.topic,
        "from_agent": message.from_agent,
        "message_id": message.id,
        "agent": record.agent,
        "subscription_id": record.id,
    }
