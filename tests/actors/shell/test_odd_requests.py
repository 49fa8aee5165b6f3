"""Services that are asked what nobody should ask: each is told what is wrong, and none of it is a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors import Actor
from actors.delivery import RouterConfig
from actors.queue import MemoryStore, QueueClient
from actors.shared_memory import MemoryEntries
from actors.store import MemoryReferenceStore
from supervision import Supervisor, SupervisorSpec
from supervision.services import service_tree
from tests.actors.shell.conversation import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors import ActorSystem
    from actors.shell import Node
    from tests.actors.shell.conversation import Client, Connect

NAMES = ("id", "pattern", "agent", "order", "most", "recipient", "namespace", "scope", "to", "timeout", "all")
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**63,
    1.5,
    float("nan"),
    "",
    "[",
    "\x00",
    b"\xff",
    [],
    [1],
    {"a": 1},
    "x" * 500,
)


@pytest.fixture
async def client(real_system: ActorSystem, connect: Connect, node: Node) -> Client:
    """Connect to a node with all services."""
    services = service_tree(
        RouterConfig(),
        store=MemoryReferenceStore(),
        shared_memory=MemoryEntries(),
        bus=True,
        queue=MemoryStore(),
    )
    await real_system.start(Supervisor, SupervisorSpec([services]))
    return await connect(node)


@pytest.mark.slow
@pytest.mark.parametrize("service", ["bus", "memory", "queue", "router", "store"])
async def test_odd_arguments_are_refused_or_passed_over(client: Client, node: Node, service: str) -> None:
    offered = rows(await client.ask("offers"))
    words = [row["command"] for row in offered if row["command"].startswith(f"{service}.")]
    for word in words:
        for name in NAMES:
            for value in ODD:
                [*_, last] = await client.ask(word, {name: value})
                assert last.word in ("end", "error")

    assert len(words) > 1
    assert node.counters.failed == 0


class Notary(Actor):
    """Shows what is no text between two rows that are."""

    def shell_commands(self) -> Mapping[str, Any]:
        return {"keys": lambda _: iter(["whole", "half \ud800", {"half \udcff": 1}, "whole"])}


async def test_a_text_that_is_none_is_shown_escaped(client: Client, real_system: ActorSystem, node: Node) -> None:
    await real_system.start(Notary)

    assert rows(await client.ask("keys")) == ["whole", "half \\ud800", {"half \\udcff": 1}, "whole"]
    assert node.counters.failed == 0


async def test_all_dead_letters_of_a_queue_are_put_again_or_discarded(client: Client, real_system: ActorSystem) -> None:
    queue = QueueClient(real_system.named("queue"))
    for number in range(60):
        await queue.put("oven", number, id=f"loaf-{number}")
        await queue.reject(await queue.lease("oven"), "cold")

    replayed = rows(await client.ask("queue.replay", {"all": True}))
    ready = await queue.depth("oven")
    for _ in range(60):
        await queue.reject(await queue.lease("oven"), "cold")
    discarded = rows(await client.ask("queue.discard", {"all": True}))

    assert [row["did"] for row in replayed] == ["was put again"] * 60
    assert ready == 60
    assert [row["id"] for row in discarded] == [f"loaf-{number}" for number in range(60)]
    assert await queue.dead_letters() == ()
