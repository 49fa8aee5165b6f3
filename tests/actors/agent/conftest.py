"""Agents with a router, a store and a queue in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors.delivery import Router
from actors.queue import MemoryStore, Queue
from actors.store import MemoryReferenceStore, PolicyManager, Store, StoreClient, StoreOptions
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.agent.desks import Desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import ActorSystem
    from actors.agent import Agent

    StartDesk = Callable[..., Awaitable[Desk]]


@pytest.fixture
async def store(system: ActorSystem) -> StoreClient:
    """Start a router, a store and a queue under a supervisor, and return a client of the store."""
    children = [
        ChildSpec("store", Store, (MemoryReferenceStore(), StoreOptions(gc_enabled=False)), name="store"),
        ChildSpec("queue", Queue, (MemoryStore(),), name="queue"),
        ChildSpec("router", Router, name="router"),
    ]
    await system.start(Supervisor, SupervisorSpec(children, intensity=1000))
    return StoreClient(system.named("store"))


@pytest.fixture
async def desk(start_desk: StartDesk) -> Desk:
    """Return an agent, called ``desk``, that the test uses from outside."""
    return await start_desk("desk")


@pytest.fixture
async def start_desk(system: ActorSystem, store: StoreClient) -> StartDesk:
    """Return what starts an agent and returns it, so that a test can do what its handlers would."""

    async def start(name: str, kind: type[Agent] = Desk, *args: object, **parts: Any) -> Any:
        parts = dict[str, Any](store="store", policies=PolicyManager(), queue="queue") | parts
        ref = await system.start(kind, *args, name=name, **parts)
        return ref._process.actor

    return start
