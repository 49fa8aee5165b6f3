"""A router, and actors that do what the tests of delivery ask of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors.delivery import Router, RouterConfig, RouterRef
from supervision import ChildSpec, Supervisor, SupervisorSpec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import ActorRef, ActorSystem
    from tests.actors.delivery.receivers import Receiver

    StartRouter = Callable[..., Awaitable[RouterRef]]
    Supervise = Callable[..., Awaitable[ActorRef]]


@pytest.fixture
async def router(system: ActorSystem) -> RouterRef:
    await system.start(Router, name="router")
    return RouterRef(system)


@pytest.fixture
async def start_router(system: ActorSystem) -> StartRouter:
    async def start(**config: Any) -> RouterRef:
        await system.start(Router, RouterConfig(**config), name="router")
        return RouterRef(system)

    return start


@pytest.fixture
async def supervise(system: ActorSystem) -> Supervise:
    async def start(actor: type[Receiver], *args: object, **kwargs: Any) -> ActorRef:
        child = ChildSpec("receiver", actor, args=args, name="receiver", **kwargs)
        return await system.start(Supervisor, SupervisorSpec([child], intensity=1000, period=1.0), name="supervisor")

    return start
