"""QueueMessage: what is put into a queue and leased from it, and how its content is stored."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

import msgpack

from actors.queue.errors import CorruptMessageError, MessageRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.queue.lanes import Entry
    from actors.queue.states import MessageStatus

Kind: TypeAlias = Literal["message", "request", "reply"]
KINDS: Final[tuple[Kind, ...]] = ("message", "request", "reply")
"""By the number that is stored."""

NO_METADATA: Final[Mapping[str, Any]] = MappingProxyType({})


class QueueMessage(NamedTuple):
    """A message as it was when it was leased, or listed. Times are in seconds since 1970.

    It is a tuple because one is made for each lease, and a tuple takes a quarter of the time.
    """

    id: str
    recipient: str
    payload: Any
    """What MessagePack can hold, as it comes back from there: tuples have become lists."""
    sender: str
    type: str
    metadata: Mapping[str, Any]
    kind: Kind
    correlation_id: str | None
    """What a request and its reply have in common."""
    priority: int
    """The greater, the sooner; any number of 64 bits."""
    enqueued_at: float
    available_at: float
    """When it can be leased at the earliest."""
    expires_at: float
    """It is not leased later than this."""
    max_retries: int
    """How often it may be leased in total."""
    dequeue_count: int
    """How often it was leased."""
    status: MessageStatus


class Content(NamedTuple):
    """What a queue stores of a message and does not look at, in the order of its columns."""

    sender: str
    type: str
    kind: int
    correlation_id: str | None
    metadata: bytes | None
    payload: bytes


# One packer for all: to make one takes longer than to pack a short message. It is used in the loop's thread only.
_pack: Final = msgpack.Packer().pack


def encode(value: object, what: str) -> bytes:
    """Return *value* as it is stored; raises `MessageRefusedError` if MessagePack cannot hold it."""
    try:
        packed: bytes = _pack(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise MessageRefusedError(f"the {what} of a message must be what MessagePack can hold: {error}") from error
    return packed


def decode_metadata(packed: bytes | None) -> Mapping[str, Any]:
    """Return what was stored; an empty mapping if there is none, or none that can be read."""
    if packed is None:
        return NO_METADATA
    try:
        metadata = msgpack.unpackb(packed, strict_map_key=False)
    except (TypeError, ValueError, msgpack.exceptions.UnpackException):
        return NO_METADATA
    return MappingProxyType(metadata) if isinstance(metadata, dict) else NO_METADATA


def decode(packed: bytes) -> Any:
    """Return the payload that was stored; raises `CorruptMessageError`."""
    try:
        try:
            return msgpack.unpackb(packed, strict_map_key=False)
        except TypeError:
            # A list cannot be the key of a dict, and the tuple can that it was when it was put.
            return msgpack.unpackb(packed, strict_map_key=False, use_list=False)
    except (TypeError, ValueError, msgpack.exceptions.UnpackException) as error:
        raise CorruptMessageError(f"its payload of {len(packed)} bytes cannot be read: {error!r}") from error


def message_of(entry: Entry) -> QueueMessage:
    """Return *entry* as others see it; raises `CorruptMessageError`."""
    row = entry.row
    return QueueMessage(
        row.id,
        row.recipient,
        decode(row.payload),
        row.sender,
        row.type,
        NO_METADATA if row.metadata is None else decode_metadata(row.metadata),
        KINDS[row.kind],
        row.correlation_id,
        row.priority,
        row.enqueued_at,
        entry.available_at,
        entry.expires_at,
        row.max_retries,
        entry.dequeue_count,
        entry.status,
    )
