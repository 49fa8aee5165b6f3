"""The standard tree of services, in the tree of an application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors import open_system
from actors.delivery import RouterConfig, RouterRef
from supervision import Supervisor, SupervisorSpec, service_tree
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from trio.testing import MockClock


async def test_the_router_is_there_for_an_application(autojump_clock: MockClock) -> None:
    notes: list[object] = []
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([service_tree(RouterConfig(max_retries=7))]))
        receiver = await system.start(Receiver, notes)

        receipt = await RouterRef(system).send(receiver, "tea")
        await receipt.acknowledged()

    assert notes == ["tea"]
    assert receipt.max_attempts == 7


async def test_a_router_that_crashes_is_there_again(autojump_clock: MockClock) -> None:
    notes: list[object] = []
    async with open_system() as system:
        await system.start(Supervisor, SupervisorSpec([service_tree()]))
        receiver = await system.start(Receiver, notes)

        system.named("router").kill()
        await (await RouterRef(system).send(receiver, "tea")).acknowledged()

    assert notes == ["tea"]
