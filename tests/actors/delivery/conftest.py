"""A router, and actors that do what the tests of delivery ask of them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from actors import open_system
from actors.delivery import Router, RouterConfig, RouterRef
from actors.sqlite import open_database
from actors.wall_clock import wall_clock
from supervision import ChildSpec, Supervisor, SupervisorSpec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from trio.testing import MockClock

    from actors import Actor, ActorRef, ActorSystem
    from tests.actors.delivery.receivers import Receiver

    Run = Callable[..., AbstractAsyncContextManager[tuple[ActorSystem, RouterRef]]]
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


@pytest.fixture
async def run(tmp_path: Path, autojump_clock: MockClock) -> Run:
    """Return what runs one program after the other on the same file, each with a router and these actors by name."""
    clock = wall_clock()

    @asynccontextmanager
    async def program(
        config: RouterConfig | None = None, **actors: tuple[type[Actor], Any]
    ) -> AsyncIterator[tuple[ActorSystem, RouterRef]]:
        path = str(tmp_path / "messages.db")
        config = attrs.evolve(config or RouterConfig(), database=path, clock=clock)
        async with open_system() as system:
            await open_database(system, path, inline=True)
            children = [
                ChildSpec("router", Router, args=(config,), name="router"),
                *(ChildSpec(name, actor, args=tuple(args), name=name) for name, (actor, *args) in actors.items()),
            ]
            await system.start(Supervisor, SupervisorSpec(children, intensity=1_000, period=1.0), name="tree")
            yield system, RouterRef(system)

    return program
