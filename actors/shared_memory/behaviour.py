"""EntryStore: what a shared memory keeps its entries in, so that they outlive it.

The `SharedMemory` actor decides what becomes of entries, and has all of them in memory; a store keeps them and gives
them back. `actors.testing.shared_memory` tests one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from actors.shared_memory.entry import Entry, Record, Tombstone
    from actors.system import ActorSystem

Done: TypeAlias = Callable[[Exception | None], None]
"""What is told, in the thread of the event loop, that changes are stored, or why they are not."""


class Change(NamedTuple):
    """One write, as it is stored."""

    id: str
    """Its idempotency key."""
    made: Entry | Tombstone
    """What is under the key now. A tombstone that is not kept stands for nothing at all."""
    created: bool
    """Whether it is an entry where there was none."""


class Outcome(NamedTuple):
    """What is remembered of a write, for whoever asks for it again."""

    version: int
    created: bool


class EntryStore(Protocol):
    """The entries of one shared memory. It is made by whoever starts that, and serves all its incarnations.

    `open` comes first. Only the incarnation that opened it last can commit. It is known by its identity: it can be
    hashed and referenced weakly, as instances of plain classes can, and of attrs classes with ``eq=False``.
    """

    @property
    def prompt(self) -> bool:
        """Whether `commit` always calls its `Done` before it returns."""

    async def open(self, system: ActorSystem) -> int:
        """Make it ready, and return the epoch of this incarnation, greater than all before.

        All changes that earlier incarnations have committed are stored by now, or never will be, and their `Done` was
        called.
        """

    def commit(self, epoch: int, changes: Sequence[Change], done: Done) -> None:
        """Store *changes* and their outcomes, all or nothing, and call *done*, perhaps before this returns.

        That of an older *epoch* is done with `FencedError`.
        """

    def records(self) -> AsyncGenerator[Sequence[Record]]:
        """Read all entries, and the tombstones that are kept, in slices; what cannot be read is a `Broken`."""

    def last_change(self) -> int:
        """Return the greatest number of a change that was stored; 0 if there was none."""

    def outcome(self, id: str) -> Outcome | None:
        """Return what became of the write with this idempotency key, if it is one of the last `REMEMBERED`."""

    def close(self) -> None:
        """Let go of what only reading needs. It may be closed already, and may be opened again."""


REMEMBERED: Final = 100_000
"""So many writes are remembered at least, in case that their callers ask again."""
