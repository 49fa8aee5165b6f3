"""What the tests of the queue stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.queue import MemoryStore, Queue, QueueClient

if TYPE_CHECKING:
    from actors import ActorSystem


@pytest.fixture
async def queue(system: ActorSystem) -> QueueClient:
    """Start a queue in memory, as the actor ``queue``."""
    await system.start(Queue, MemoryStore(), name="queue")
    return QueueClient(system.named("queue"), sender="shop")
