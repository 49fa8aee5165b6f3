"""Drafts: what is checked of a message, and how it is encoded, before it is put."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from actors.queue.checks import MOST, check_delay, check_encodable, check_text
from actors.queue.errors import MessageRefusedError
from actors.queue.message import KINDS, Content, Kind, decode_metadata, encode
from actors.queue.message_id import new_message_id
from actors.queue.requests import Put
from actors.telemetry import TRACEPARENT

if TYPE_CHECKING:
    from actors.telemetry import SpanContext


def content_of(
    sender: str,
    type: str,  # noqa: A002 -- as the field is named
    payload: object,
    metadata: Mapping[str, Any] | None = None,
    correlation_id: str | None = None,
    kind: Kind = "message",
) -> Content:
    """Return what is stored and not looked at; raises `MessageRefusedError` if it cannot be stored."""
    if not (
        isinstance(sender, str) and isinstance(type, str) and (not correlation_id or isinstance(correlation_id, str))
    ):
        raise MessageRefusedError(
            f"the sender, type and correlation_id of a message are {sender!r}, {type!r} and {correlation_id!r}; "
            "allowed is a str"
        )
    if not (sender.isascii() and type.isascii() and (not correlation_id or correlation_id.isascii())):
        for name, text in (("sender", sender), ("type", type), ("correlation_id", correlation_id)):
            check_encodable(f"{name} of a message", text or "")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise MessageRefusedError(f"the metadata of a message are {metadata!r}; allowed is a mapping")
    packed = encode(dict(metadata), "metadata") if metadata else None
    return Content(sender, type, KINDS.index(kind), correlation_id, packed, encode(payload, "payload"))


def put_of(  # noqa: PLR0913 -- as above
    recipient: str,
    content: Content,
    *,
    priority: int = 0,
    delay: float = 0.0,
    expires_after: float | None = None,
    max_retries: int | None = None,
    message_id: str | None = None,
    check: bool = False,
) -> Put:
    """Return what the queue is asked; raises `MessageRefusedError` if something is not as it must be."""
    check_text("recipient of a message", recipient)
    if not (_is_int(priority) and -MOST <= priority < MOST):
        raise MessageRefusedError(f"the priority of a message is {priority!r}; allowed is an int of 64 bits")
    if delay:
        check_delay("delay", delay)
    if expires_after is not None:
        check_delay("expires_after", expires_after)
    if max_retries is not None and not (_is_int(max_retries) and 0 <= max_retries < MOST):
        raise MessageRefusedError(f"the max_retries of a message are {max_retries!r}; allowed is an int, 0 or more")
    given = message_id is not None
    if message_id is None:
        message_id = new_message_id()
    else:
        check_text("id of a message", message_id)
    return Put(message_id, given, recipient, content, priority, delay, expires_after, max_retries or None, check)


def carrying(put: Put, span: SpanContext) -> Put:
    """Return *put* with *span* in its metadata, for whoever will handle the message; one that is there counts."""
    packed = put.content.metadata
    metadata = decode_metadata(packed)
    if TRACEPARENT in metadata or (packed is not None and not metadata):
        return put
    packed = encode({**metadata, TRACEPARENT: span.traceparent}, "metadata")
    return put._replace(content=put.content._replace(metadata=packed))


def _is_int(value: object) -> bool:
    return type(value) is int or (isinstance(value, int) and not isinstance(value, bool))
