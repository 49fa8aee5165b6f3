"""What the suite for stores of the queue stands on: rows, and a store with a system in virtual time."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from actors.queue.behaviour import Change, Row
from actors.queue.client import QueueClient
from actors.queue.queue import Queue
from actors.testing import suite
from actors.testing.suite import answer

if TYPE_CHECKING:
    from actors.queue.behaviour import Batch, QueueStore, Sketch
    from actors.queue.options import QueueOptions
    from actors.ref import ActorRef
    from actors.system import ActorSystem

NOW: Final = 1_000_000.0


def row(seq: int, **fields: Any) -> Row:
    """Return a row as a queue makes it."""
    made = Row(
        seq=seq,
        id=f"id {seq}",
        given=1,
        recipient="worker",
        priority=0,
        sender="shop",
        type="order",
        kind=0,
        correlation_id=None,
        metadata=None,
        payload=b"\xa3tea",
        enqueued_at=NOW,
        available_at=NOW,
        expires_at=NOW + 60,
        max_retries=3,
    )
    return made._replace(**fields)


def change(seq: int, status: int, *, finished_at: float | None = None, error: str | None = None) -> Change:
    """Return what a row is to become."""
    return Change(NOW, NOW + 60, 1, status, finished_at, error, seq)


class Bench:
    """A store under test: with a system, and with a queue on it once that is started."""

    def __init__(self, system: ActorSystem, store: QueueStore) -> None:
        self.system = system
        self.store = store
        self.queue = QueueClient(system.named("queue"), sender="shop")

    async def start(self, options: QueueOptions | None = None) -> ActorRef:
        """Start a queue."""
        return await self.system.start(Queue, self.store, options, name="queue")

    async def commit(self, epoch: int, batch: Batch) -> Exception | None:
        """Have the store keep *batch*, and return what it says."""
        return await answer(lambda done: self.store.commit(epoch, batch, done))

    async def pending(self) -> list[Sketch]:
        """Return what the store has pending or in flight."""
        async with aclosing(self.store.pending()) as slices:
            return [sketch async for sketches in slices for sketch in sketches]


in_virtual_time: Final = suite.in_virtual_time(Bench)
