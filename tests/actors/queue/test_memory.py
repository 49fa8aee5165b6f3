"""The store in memory does what every store does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.queue import MemoryStore
from actors.testing.queue import QueueStoreSuite

if TYPE_CHECKING:
    from pathlib import Path


class TestMemoryStore(QueueStoreSuite):
    def new_store(self, folder: Path) -> MemoryStore:
        return MemoryStore()
