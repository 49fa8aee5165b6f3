"""What a store is called with. `StoreClient` has a method for each; the messages are for those who write another."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs

from actors.message import Call
from actors.store.reference import Reference

if TYPE_CHECKING:
    from actors.store.behaviour import Piece, Row
    from actors.store.coding import Compression
    from actors.store.ledger import Facts

new_key: Final = count(1).__next__
"""Makes the key of a request, by which it is known again when it is asked twice."""


@attrs.frozen
class StoreStatistics:
    """What a store has done and has. The totals outlive restarts, and in a file the program."""

    total_refs: int
    """How many values were ever stored, each counted once while it was there."""
    total_bytes: int
    active_refs: int
    current_bytes: int
    stored_bytes: int
    """What the values take once they are compressed and encoded."""
    gc_runs: int
    eviction_count: int
    """How many values were removed: released by the last who held them, deleted, or collected."""
    quarantined: int


@attrs.frozen
class StoredValue:
    """What a store knows of one value."""

    reference: Reference
    holders: int
    """How many hold it."""
    stored: int
    """How many bytes it takes, compressed and encoded."""
    pieces: int
    checked: bool
    """Whether it is verified when it is resolved."""
    fault: str | None
    """Why it is in quarantine; None if it is not."""


class Terms(NamedTuple):
    """What a client has to know to store something."""

    kind: str
    piece_bytes: int
    max_bytes: int
    ttl: float
    compression: Compression
    compress_above: int


class Content(NamedTuple):
    """A value, and the piece of it that was asked for."""

    row: Row
    piece: Piece


class Put(NamedTuple):
    """Store a value of one piece, or hold one that is there once more; answered with a `Reference`. A fast tuple."""

    key: int
    facts: Facts
    coding: int
    data: bytes
    again: bool = False


@attrs.frozen
class GetTerms(Call[Terms]):
    """What a client has to know to store something."""


@attrs.frozen
class Begin(Call[int]):
    """Begin to store a value piece by piece; answered with the number that it has until its hash is known."""


@attrs.frozen
class AddPieces(Call[None]):
    """Store pieces of a value that is not complete yet; answered when they are stored. Asked again, nothing changes."""

    pieces: tuple[Piece, ...]


@attrs.frozen
class Finish(Call[Reference]):
    """Make a value of the pieces."""

    key: int
    facts: Facts
    seq: int
    again: bool = False


@attrs.frozen
class Abandon:
    """Cast: the rest of the pieces will not come."""

    seq: int


@attrs.frozen
class Fetch(Call[Content]):
    """A piece of a value; with *seq* only if it is still that under this number."""

    id: str
    number: int = 0
    seq: int | None = None


@attrs.frozen
class Quarantine(Call[None]):
    """Set a value apart that is not what was stored."""

    row: Row
    fault: str


@attrs.frozen
class Retain(Call[Reference]):
    """Hold a value once more."""

    key: int
    id: str
    count: int = 1
    again: bool = False


@attrs.frozen
class Release(Call[int]):
    """Hold a value once less; answered with how many still do."""

    key: int
    id: str
    again: bool = False


@attrs.frozen
class Delete(Call[bool]):
    """Remove a value, however many hold it; answered with whether there was one."""

    key: int
    id: str
    again: bool = False


@attrs.frozen
class ListReferences(Call[tuple[int, tuple[Reference, ...]]]):
    """Up to so many references of what is there, and the number after which to go on; 0 after the last."""

    after: int
    most: int


@attrs.frozen
class ListValues(Call[tuple[int, tuple[StoredValue, ...]]]):
    """As `ListReferences`, of all values, whether they can be had or not, with what is known of them."""

    after: int
    most: int


@attrs.frozen
class GetValue(Call[StoredValue]):
    """What is known of one value, whether it can be had or not."""

    id: str


@attrs.frozen
class ListQuarantined(Call[tuple[tuple[Reference, str], ...]]):
    """What is in quarantine, and why."""


@attrs.frozen
class GetStatistics(Call[StoreStatistics]):
    """Count."""


@attrs.frozen
class Collect(Call[int]):
    """Remove what has expired and what nobody holds; answered with how many values these were."""


@attrs.frozen
class Close(Call[None]):
    """Refuse everything from now on."""


def asked_again(request: Any) -> Any:
    """Return *request* as it is asked of a later incarnation.

    >>> asked_again(Release(7, "f00"))
    Release(key=7, id='f00', again=True)
    """
    if isinstance(request, Put):
        return request._replace(again=True)
    return attrs.evolve(request, again=True) if hasattr(request, "again") else request


def done_by(request: object) -> str | None:
    """Say what may have been done if nobody tells; None where nothing is, and for a part of a value.

    >>> done_by(Release(7, "f00")), done_by(GetStatistics())
    ('value f00 was released', None)
    """
    match request:
        case Put() | Finish():
            return f"value {request.facts.id} of {request.facts.size} bytes was stored"
        case Retain():
            return f"value {request.id} was retained"
        case Release():
            return f"value {request.id} was released"
        case Delete():
            return f"value {request.id} was deleted"
        case Collect():
            return "garbage was collected"
        case Close():
            return "the store was closed"
    return None
