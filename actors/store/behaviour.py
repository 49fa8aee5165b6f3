"""ReferenceStore: what a store of references keeps its values in, so that they outlive it.

The `Store` actor decides what becomes of values, and knows from memory which there are; a ReferenceStore keeps rows
and pieces, and gives them back. So it counts nothing, has no clock, and all of them behave alike.
`actors.testing.store` tests one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

import attrs

if TYPE_CHECKING:
    from actors.system import ActorSystem

Done: TypeAlias = Callable[[Exception | None], None]
"""What is told, in the thread of the event loop, that a batch is stored, or why it is not."""


class Row(NamedTuple):
    """A value without its content, in the order of the columns."""

    seq: int
    """Its number in the store, which is never given again."""
    id: str
    type: str
    content_type: str
    created_at: float
    expires_at: float
    """0 if it never does."""
    holders: int
    """How many hold it."""
    size: int
    stored: int
    """How many bytes its pieces have."""
    pieces: int
    checked: int
    """1 if its checksum is verified when it is resolved."""
    fault: str | None = None
    """Why it is in quarantine."""


class Piece(NamedTuple):
    """A part of the content of a value."""

    seq: int
    number: int
    coding: int
    """How *data* was compressed and encoded, as `actors.store.coding` says."""
    data: bytes


class Loose(NamedTuple):
    """A value that has pieces, or had, and no row: it is still coming, or was removed."""

    seq: int
    pieces: int
    """How many there are at most; they are numbered from 0."""


class Totals(NamedTuple):
    """What was ever done."""

    refs: int = 0
    bytes: int = 0
    gc_runs: int = 0
    evictions: int = 0


@attrs.define
class Batch:
    """What is to be stored in one piece: all of it, or nothing. In the order of the fields."""

    rows: dict[int, Row] = attrs.field(factory=dict)
    """By their numbers; each takes the place of the one before."""
    pieces: list[Piece] = attrs.field(factory=list)
    """Each takes the place of one with the same numbers."""
    loose: dict[int, Loose] = attrs.field(factory=dict)
    gone: dict[int, str] = attrs.field(factory=dict)
    """Numbers and ids of rows to be deleted."""
    dropped: list[tuple[int, int]] = attrs.field(factory=list)
    """Numbers of pieces to be deleted."""
    settled: list[int] = attrs.field(factory=list)
    """The numbers of values that are not loose any more."""
    totals: Totals | None = None

    def __bool__(self) -> bool:
        return bool(self.rows or self.pieces or self.loose or self.gone or self.dropped or self.settled or self.totals)


class ReferenceStore(Protocol):
    """The rows and pieces of one store of references. It is made by whoever starts that, and serves all incarnations.

    `open` comes first. Only the incarnation that opened it last can commit. The store knows it by its identity: it can
    be hashed and referenced weakly, as instances of plain classes can, and of attrs classes with ``eq=False``.
    """

    kind: str
    """What references say about where they are."""
    prompt: bool
    """Whether `commit` always calls its `Done` before it returns, and keeps no part of the batch that it can change."""
    piece_bytes: int
    """No piece of a value has more."""

    async def open(self, system: ActorSystem) -> int:
        """Make it ready, and return the epoch of this incarnation, greater than all before.

        All batches of earlier incarnations are stored by now, or never will be, and their `Done` was called.
        """

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Store *batch*, all of it or nothing, and call *done*, perhaps before this returns.

        Batches are stored in the order in which they are given. That of an older *epoch* is done with
        `StaleStoreError`.
        """

    def rows(self, after: int, most: int) -> list[Row]:
        """Return up to *most* rows with numbers greater than *after*, in the order of their numbers."""

    def loose(self) -> list[Loose]:
        """Return the values that have pieces and no row."""

    def totals(self) -> Totals:
        """Return what was ever done."""

    def last_seq(self) -> int:
        """Return the greatest number that a row or a loose value has had, as far as that is known; 0 if none."""

    def fetch(self, seqs: Sequence[int]) -> list[Row]:
        """Return the rows with these numbers; those that are not there are left out."""

    def piece(self, seq: int, number: int) -> Piece | None:
        """Return a piece, if it is there."""

    def close(self) -> None:
        """Let go of what does not outlive the program. It may be closed already, and may be opened again."""
