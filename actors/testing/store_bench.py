"""What the suite for stores of references stands on: rows, and a ReferenceStore with a system in virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.store.behaviour import Row
from actors.store.client import StoreClient
from actors.store.store import Store
from actors.testing import suite
from actors.testing.suite import answer

if TYPE_CHECKING:
    from actors.ref import ActorRef
    from actors.store.behaviour import Batch, ReferenceStore
    from actors.store.options import StoreOptions
    from actors.system import ActorSystem

NOW: Final = 1_000_000.5
LARGE: Final = bytes(range(256)) * 4096 * 6 + b"and a rest"
"""A value of more than six pieces of 1 MiB."""


def row(seq: int, **fields: Any) -> Row:
    """Return a row as a store makes it."""
    made = Row(
        seq=seq,
        id=f"{seq:064x}",
        type="tool_result",
        content_type="text/plain",
        created_at=NOW,
        expires_at=0.0,
        holders=1,
        size=3,
        stored=3,
        pieces=1,
        checked=1,
        fault=None,
    )
    return made._replace(**fields)


class Bench:
    """A ReferenceStore under test: with a system, and with a store on it once that is started."""

    def __init__(self, system: ActorSystem, store: ReferenceStore) -> None:
        self.system = system
        self.store = store
        self.client = StoreClient(system.named("store"))

    async def start(self, options: StoreOptions | None = None) -> ActorRef:
        """Start a store."""
        return await self.system.start(Store, self.store, options, name="store")

    async def restart(self, ref: ActorRef, options: StoreOptions | None = None) -> ActorRef:
        """Kill a store, and start the next incarnation."""
        ref.kill()
        await ref.wait()
        return await self.start(options)

    async def commit(self, epoch: int, batch: Batch) -> Exception | None:
        """Have *batch* kept, and return what is said about it."""
        return await answer(lambda done: self.store.commit(epoch, batch, done))


in_virtual_time: Final = suite.in_virtual_time(Bench)
