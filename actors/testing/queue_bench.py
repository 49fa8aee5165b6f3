"""What the suite for stores of the queue stands on: rows, and a store with a system in virtual time."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Protocol

import trio
from trio.testing import MockClock

from actors.queue.behaviour import Change, Row
from actors.queue.client import QueueClient
from actors.queue.queue import Queue
from actors.system import open_system

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

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


async def refusal(asked: Awaitable[object]) -> Exception | None:
    """Return what *asked* raises."""
    try:
        await asked
    except Exception as error:  # noqa: BLE001 -- whatever it is, a test looks at it
        return error
    return None


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
        told: list[Exception | None] = []
        event = trio.Event()

        def done(error: Exception | None) -> None:
            told.append(error)
            event.set()

        self.store.commit(epoch, batch, done)
        await event.wait()
        assert len(told) == 1
        return told[0]

    async def pending(self) -> list[Sketch]:
        """Return what the store has pending or in flight."""
        async with aclosing(self.store.pending()) as slices:
            return [sketch async for sketches in slices for sketch in sketches]


class MakesStores(Protocol):
    """A suite."""

    def new_store(self, folder: Path) -> QueueStore:
        """Return a store in *folder*."""


def in_virtual_time(test: Callable[[Any, Bench], Awaitable[None]]) -> Callable[[Any, Path], None]:
    """Return *test* as pytest is to run it, with a store that is new."""

    def run(self: MakesStores, tmp_path: Path) -> None:
        async def main() -> None:
            async with open_system() as system:
                await test(self, Bench(system, self.new_store(tmp_path)))

        trio.run(main, clock=MockClock(autojump_threshold=0))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run
