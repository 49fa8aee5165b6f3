"""The tree of a node: who is under whom, who is to come back, and why somebody failed last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio.testing

from actors import Actor, Backoff
from supervision import ChildSpec, Supervisor, SupervisorSpec
from tests.actors.shell.conversation import Connect, rows

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.shell import Node


class Oven(Actor):
    def handle_cast(self, loaf: str) -> None:
        raise ValueError(f"a cold {loaf}")


async def test_a_child_that_is_to_come_back_is_in_its_place_with_why_it_failed(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    children = [ChildSpec(name, Oven, name=name) for name in ("hot", "cold")]
    shop = await real_system.start(
        Supervisor, SupervisorSpec(children, intensity=5, backoff=Backoff(20.0)), name="shop"
    )
    client = await connect(node)
    for loaf in ("loaf", "bun"):
        real_system.named("cold").cast(loaf)
        await trio.testing.wait_all_tasks_blocked()

    listed = {row[1] or row[4]: row[3:] for row in rows(await client.ask("tree"))}

    limits = {"strategy": "one_for_one", "restarts": 2, "intensity": 5, "period": 5.0}
    assert listed == {
        "shop": [None, None, None, "waiting", limits, None],
        "hot": [shop.id, "hot", 0, "waiting", None, None],
        "cold": [shop.id, "cold", 2, "restarting", None, "ValueError: a cold bun"],
    }


async def test_a_child_that_came_back_says_why_it_failed(
    connect: Connect, node: Node, real_system: ActorSystem
) -> None:
    await real_system.start(Supervisor, SupervisorSpec([ChildSpec("oven", Oven, name="oven")]))
    client = await connect(node)
    real_system.named("oven").cast("loaf")
    await trio.testing.wait_all_tasks_blocked()

    [row] = [row for row in rows(await client.ask("tree")) if row[1] == "oven"]

    assert row[4:] == ["oven", 1, "waiting", None, "ValueError: a cold loaf"]
