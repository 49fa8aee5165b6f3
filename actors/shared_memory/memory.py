"""MemoryEntries: entries in memory, for what need not outlive the program, and for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.shared_memory.behaviour import REMEMBERED, Outcome
from actors.shared_memory.entry import Tombstone
from actors.shared_memory.errors import FencedError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from actors.shared_memory.behaviour import Change, Done
    from actors.shared_memory.entry import Record
    from actors.shared_memory.key import Key
    from actors.system import ActorSystem

SLICE: Final = 1000


class MemoryEntries:
    """The entries of one shared memory. They outlive its incarnations, as this object does, but not the program."""

    prompt = True

    def __init__(self) -> None:
        self._records: dict[Key, Record] = {}
        self._outcomes: dict[str, int] = {}
        """By idempotency keys, the versions times 2, plus 1 if the entry was created."""
        self._earlier: dict[str, int] = {}
        """What was done before that: it is forgotten all at once, for to find the oldest of a dict takes long."""
        self._epoch = 0
        self._last_change = 0

    def __repr__(self) -> str:
        return f"<MemoryEntries: {len(self._records)} records>"

    async def open(self, system: ActorSystem) -> int:
        """Begin a new epoch."""
        self._epoch += 1
        return self._epoch

    def commit(self, epoch: int, changes: Sequence[Change], done: Done) -> None:
        """Keep *changes*, unless a later incarnation has opened the store."""
        if epoch != self._epoch:
            done(FencedError(f"{self} is at epoch {self._epoch}; changes of epoch {epoch} came too late"))
            return
        records, outcomes = self._records, self._outcomes
        for id, made, created in changes:
            if type(made) is Tombstone and not made.kept:
                records.pop(made.where, None)
            else:
                records[made.where] = made
            outcomes[id] = made.version << 1 | created
            self._last_change = made.change
        if len(outcomes) >= REMEMBERED:
            self._earlier, self._outcomes = outcomes, {}
        done(None)

    async def records(self) -> AsyncGenerator[Sequence[Record]]:
        """Give everything."""
        records = list(self._records.values())
        for start in range(0, len(records), SLICE):
            yield records[start : start + SLICE]

    def last_change(self) -> int:
        """Return the number of the last change."""
        return self._last_change

    def outcome(self, id: str) -> Outcome | None:
        """Return what became of a write."""
        outcome = self._outcomes.get(id) or self._earlier.get(id)
        return None if outcome is None else Outcome(outcome >> 1, bool(outcome & 1))

    def close(self) -> None:
        """Keep everything."""
