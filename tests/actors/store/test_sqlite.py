"""Values in a file are kept as every ReferenceStore keeps them, also with a thread that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.store import SqliteReferenceStore
from actors.testing.store import DurableReferenceStoreSuite

if TYPE_CHECKING:
    from pathlib import Path


class TestSqliteReferenceStore(DurableReferenceStoreSuite):
    def new_store(self, folder: Path) -> SqliteReferenceStore:
        return SqliteReferenceStore(folder / "values.db", inline=True)
