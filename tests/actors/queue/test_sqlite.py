"""The store in a file does what every store does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.queue import SqliteStore
from actors.testing.queue import QueueStoreSuite

if TYPE_CHECKING:
    from pathlib import Path


class TestSqliteStore(QueueStoreSuite):
    def new_store(self, folder: Path) -> SqliteStore:
        return SqliteStore(folder / "queue.db", inline=True)
