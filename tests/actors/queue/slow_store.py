"""A store that is slow, or fails, when a test wants it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.queue import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.queue import Batch, Done


class SlowStore(MemoryStore):
    """A store that reports nothing before it is let, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Callable[[], None]] | None = None
        self.failure: Exception | None = None
        self.batches = 0

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        self.batches += 1
        told: list[Exception | None] = [self.failure]
        if self.failure is None:
            told.clear()
            super().commit(epoch, batch, told.append)
        if self.held is None:
            done(told[0])
        else:
            self.held.append(lambda: done(told[0]))

    def report(self) -> None:
        held, self.held = self.held or [], None
        for tell in held:
            tell()
