"""QueueStore: what a queue keeps its messages in, so that they outlive it.

The `Queue` actor decides what becomes of messages, and knows from memory which there are; a store keeps their rows
and gives them back. So a store has no order, no leases and no clock. `actors.testing.queue` tests one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import attrs

if TYPE_CHECKING:
    from actors.system import ActorSystem

Done: TypeAlias = Callable[[Exception | None], None]
"""What is told, in the thread of the event loop, that a batch is stored, or why it is not."""


class Row(NamedTuple):
    """What is stored of a message and never changes, but for its times, in the order of the columns."""

    seq: int
    """Its number in its queue: messages of one priority are leased in this order."""
    id: str
    given: int
    """1 if the id was chosen by whoever put it, so that it may come a second time."""
    recipient: str
    priority: int
    sender: str
    type: str
    kind: int
    correlation_id: str | None
    metadata: bytes | None
    payload: bytes
    enqueued_at: float
    available_at: float
    expires_at: float
    max_retries: int


class Change(NamedTuple):
    """What a row is to become."""

    available_at: float
    expires_at: float
    dequeue_count: int
    status: int
    finished_at: float | None
    """When it became what it will stay."""
    error: str | None
    """Why it is a dead letter."""
    seq: int


class Record(NamedTuple):
    """A row as it is stored now."""

    row: Row
    change: Change


class Sketch(NamedTuple):
    """What is asked of a row to know that it is there: so a million of them can be read in seconds."""

    seq: int
    recipient: Any
    priority: Any
    available_at: Any
    expires_at: Any
    given_id: Any
    """Its id if that was given."""


@attrs.define
class Batch:
    """What is to be stored in one piece: all of it, or nothing."""

    rows: list[Row] = attrs.field(factory=list)
    changes: list[Change] = attrs.field(factory=list)
    deletes: list[int] = attrs.field(factory=list)

    def __bool__(self) -> bool:
        return bool(self.rows or self.changes or self.deletes)


class QueueStore(Protocol):
    """The rows of one queue. It is made by whoever starts the queue, and serves all incarnations of that.

    `open` comes first. Only the incarnation that opened it last can commit. The queue knows it by its identity: it can
    be hashed and referenced weakly, as instances of plain classes can, and of attrs classes with ``eq=False``.
    """

    async def open(self, system: ActorSystem) -> int:
        """Make it ready, and return the epoch of this incarnation, greater than all before.

        All batches of earlier incarnations are stored by now, or never will be, and their `Done` was called.
        """

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Store *batch*, all of it or nothing, and call *done*, perhaps before this returns.

        Batches are stored in the order in which they are given. That of an older *epoch* is done with `FencedError`.
        """

    def last_seq(self) -> int:
        """Return a number after which as many as a queue can ever give are free; 0 if there are no rows."""

    def pending(self) -> AsyncGenerator[Sequence[Sketch]]:
        """Read all rows that are pending or in flight, in the order of their numbers, in slices.

        A row that is in no state that there is may come too, to be available at infinity: it is fetched at once then,
        and set apart.
        """

    def finished_ids(self) -> AsyncGenerator[Sequence[tuple[int, str]]]:
        """Read the numbers and given ids of the rows that are neither pending nor in flight, in slices."""

    def fetch(self, seqs: Sequence[int]) -> list[Record]:
        """Return the rows with these numbers, in their order; those that are not there are left out."""

    def finished(self, status: int, after: tuple[float, int], most: int) -> list[Record]:
        """Return up to *most* rows that became *status* after a time and number, the oldest first."""

    def find(self, message_id: str) -> list[Record]:
        """Return the rows with this id that are neither pending nor in flight."""

    def close(self) -> None:
        """Let go of what only reading needs. It may be closed already, and may be opened again."""
