"""Faults: what of a stored row is not as a queue writes it. Such a row is set apart, and harms no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.queue.message import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.queue.behaviour import Record
    from actors.queue.states import MessageStatus

ROW: Final = (
    ("id", str),
    ("recipient", str),
    ("priority", int),
    ("sender", str),
    ("type", str),
    ("kind", int),
    ("correlation_id", str | None),
    ("metadata", bytes | None),
    ("payload", bytes),
    ("enqueued_at", float | int),
    ("expires_at", float | int),
    ("max_retries", int),
)
"""What must be what in a row."""

CHANGE: Final = (("available_at", float | int), ("expires_at", float | int), ("dequeue_count", int))
"""What must be what in that which became of it."""


def fault_in(record: Record, states: Sequence[MessageStatus]) -> str | None:
    """Tell what of *record*, which is in one of *states* if it is sound, is not as it was written; None if all is."""
    row, change = record
    if change.status not in states:
        return f"its status is {change.status!r} and its finished_at {change.finished_at!r}"
    for part, fields in ((row, ROW), (change, CHANGE)):
        for name, allowed in fields:
            if not isinstance(value := getattr(part, name), allowed):
                return f"its {name} is {value!r}"
    if not row.recipient:
        return "its recipient is ''"
    return None if 0 <= row.kind < len(KINDS) else f"its kind is {row.kind!r}"
