"""What the tests of the topic bus stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.bus import BusClient, TopicBus

if TYPE_CHECKING:
    from actors import ActorSystem


@pytest.fixture
async def bus(system: ActorSystem) -> BusClient:
    """Start a topic bus, as the actor ``bus``."""
    await system.start(TopicBus, name="bus")
    return BusClient(system.named("bus"), agent="shop")
