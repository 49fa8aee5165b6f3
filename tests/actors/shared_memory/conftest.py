"""What the tests of the shared memory stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.shared_memory import EntryStore, MemoryEntries, SharedMemory, SharedMemoryClient, SqliteEntries

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem


@pytest.fixture
async def ann(system: ActorSystem) -> SharedMemoryClient:
    """Start a shared memory, and be the agent ann."""
    await system.start(SharedMemory, MemoryEntries(), name="shared_memory")
    return SharedMemoryClient(system.named("shared_memory"), "ann")


@pytest.fixture
async def bob(ann: SharedMemoryClient, system: ActorSystem) -> SharedMemoryClient:
    """Be another agent."""
    return SharedMemoryClient(system.named("shared_memory"), "bob")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> EntryStore:
    return MemoryEntries() if request.param == "memory" else SqliteEntries(tmp_path / "notes.db", inline=True)
