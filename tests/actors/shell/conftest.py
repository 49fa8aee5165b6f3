"""A node in a runtime directory of its own, on the real clock: sockets know no other."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import trio

from actors import ActorSystem, open_system
from actors.shell import Limits, Node, serve_node
from tests.actors.shell.conversation import Client, Connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def real_system() -> AsyncIterator[ActorSystem]:
    """Open a system on the real clock."""
    async with open_system() as system:
        yield system


@pytest.fixture
async def nursery() -> AsyncIterator[trio.Nursery]:
    """Open a nursery, which is cancelled at the end."""
    async with trio.open_nursery() as nursery:
        yield nursery
        nursery.cancel_scope.cancel()


@pytest.fixture
async def node(real_system: ActorSystem, nursery: trio.Nursery, runtime_directory: Path) -> Node:
    """Serve the system with few clients and small requests, and with time for everybody on a busy machine."""
    return await _serve(real_system, nursery, seconds=30.0)


@pytest.fixture
async def hasty_node(real_system: ActorSystem, nursery: trio.Nursery, runtime_directory: Path) -> Node:
    """Serve the system with hardly any time for a client."""
    return await _serve(real_system, nursery, seconds=0.1)


async def _serve(system: ActorSystem, nursery: trio.Nursery, *, seconds: float) -> Node:
    limits = Limits(clients=3, request_bytes=1000, idle_seconds=seconds, send_seconds=seconds)
    node = await nursery.start(serve_node, system, "shop", limits)
    assert isinstance(node, Node)
    return node


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Return what connects to a node."""
    async with AsyncExitStack() as stack:

        async def connect(node: Node) -> Client:
            stream = await trio.open_unix_socket(str(node.path))
            await stack.enter_async_context(stream)
            return Client(stream)

        yield connect
