"""A store that is slow, or fails, when a test wants it to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.shared_memory import MemoryEntries

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.shared_memory import Change, Done


class SlowEntries(MemoryEntries):
    """A store that reports nothing before it is let, and fails when it is told to."""

    prompt = False

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Callable[[], None]] | None = None
        self.failure: Exception | None = None
        self.commits: list[int] = []

    def commit(self, epoch: int, changes: Sequence[Change], done: Done) -> None:
        self.commits.append(len(changes))
        if self.failure is not None:
            done(self.failure)
        elif self.held is None:
            super().commit(epoch, changes, done)
        else:
            told: list[Exception | None] = []
            super().commit(epoch, changes, told.append)
            self.held.append(lambda: done(told[0]))

    def report(self) -> None:
        held, self.held = self.held or [], None
        for tell in held:
            tell()
