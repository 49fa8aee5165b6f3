"""Values in memory are kept as every ReferenceStore keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors import open_system
from actors.store import MemoryReferenceStore, Store, StoreClient
from actors.testing.store import ReferenceStoreSuite

if TYPE_CHECKING:
    from pathlib import Path


class TestMemoryReferenceStore(ReferenceStoreSuite):
    def new_store(self, folder: Path) -> MemoryReferenceStore:
        return MemoryReferenceStore()


async def test_bytes_are_kept_and_given_back_without_a_copy() -> None:
    async with open_system() as system:
        await system.start(Store, MemoryReferenceStore(), name="store")
        client = StoreClient(system.named("store"))
        small, large = b"tea", bytes(3 * 2**20)

        assert await client.resolve(await client.store(small)) is small
        assert await client.resolve(await client.store(large)) is large


async def test_what_was_closed_is_gone() -> None:
    async with open_system() as system:
        await system.start(Store, MemoryReferenceStore(), name="store")
        client = StoreClient(system.named("store"))
        await client.store(b"tea")

        await client.close()

        stats = await client.stats()
        assert (stats.active_refs, stats.current_bytes, stats.total_refs) == (0, 0, 1)
