"""The store in memory does what every store does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.shared_memory import MemoryEntries
from actors.testing.shared_memory import EntryStoreSuite

if TYPE_CHECKING:
    from pathlib import Path


class TestMemoryEntries(EntryStoreSuite):
    def new_store(self, folder: Path) -> MemoryEntries:
        return MemoryEntries()
