"""Services that fail more often than their supervisor allows: the tree goes down, says why, and nothing is lost."""

from __future__ import annotations

import logging
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio

from actors import SHUTDOWN, ActorError, open_system
from actors.bus import BusClient
from actors.delivery import RouterRef
from actors.queue import QueueClient
from actors.shared_memory import SharedMemoryClient
from actors.sqlite import open_database
from actors.store import StoreClient
from supervision import Supervisor, SupervisorSpec, service_tree
from tests.actors.delivery.receivers import Receiver
from tests.chaos.asking import within
from tests.chaos.census import census_in_time, take_census
from tests.chaos.shop import DURABLE, GLOBAL, do_something, find, kill_again_and_again, services
from tests.chaos.town import SERVICES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from trio.testing import MockClock

    from actors import ActorRef, ActorSystem, ExitReason


async def open_shop(system: ActorSystem, file: Path) -> ActorRef:
    """Start the services, and return the supervisor of their supervisor."""
    await open_database(system, file, inline=True)
    return await system.start(Supervisor, SupervisorSpec([services(file, inline=True)], intensity=0))


async def kill_until_it_gives_up(system: ActorSystem, service: str, top: ActorRef) -> ExitReason:
    """Kill a service again and again until *top* has ended, and return why it has."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kill_again_and_again, system, service)
        reason = await top.wait()
        nursery.cancel_scope.cancel()
    return reason


def requests(system: ActorSystem) -> list[Callable[[], Awaitable[object]]]:
    """Return something to ask of each service."""
    return [
        partial(StoreClient(system.named("store")).store, b"more tea"),
        partial(SharedMemoryClient(system.named("shared_memory"), "late").put, GLOBAL, "late", b""),
        partial(BusClient(system.named("bus"), agent="late").subscribe, "late"),
        partial(QueueClient(system.named("queue")).lease, "nobody"),
        partial(RouterRef(system).send, "oven", "late", DURABLE),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
async def test_a_tree_that_gives_up_ends_everything_says_why_and_loses_nothing(
    service: str, tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "shop.db"
    handled: list[object] = []
    async with open_system():
        pass
    before = take_census()
    async with open_system() as system:
        top = await open_shop(system, file)
        await do_something(system)
        reason = await kill_until_it_gives_up(system, service, top)
        left = [system.whereis(name) for name in SERVICES]
    after = await census_in_time(before)
    async with open_system() as system:
        await open_shop(system, file)
        await system.start(Receiver, handled, name="oven")
        found = await find(system)
        await RouterRef(system).drained()

    said = [record.getMessage() for record in caplog.records if "gives up" in record.getMessage()]
    assert reason == SHUTDOWN
    assert f"gives up at 3 restarts in 60.0 s, allowed are 2; the last to fail was child '{service}'" in said[0]
    assert left == [None] * len(SERVICES)
    assert after == before
    assert found[:3] == [2, b"tea", "beans"]
    assert handled == ["dough"]


async def test_nobody_waits_for_services_that_will_not_come_back(
    tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    told: list[ActorError] = []

    async def ask(request: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await within(request)
                await trio.sleep(0.01)
            except ActorError as error:
                told.append(error)
                return

    async with open_system() as system:
        top = await open_shop(system, tmp_path / "shop.db")
        async with trio.open_nursery() as nursery:
            for request in requests(system):
                nursery.start_soon(ask, request)
            await kill_until_it_gives_up(system, "store", top)

    assert len(told) == len(SERVICES)


async def test_a_tree_may_be_given_another_intensity_and_period(autojump_clock: MockClock) -> None:
    named, counted, plain = (
        service_tree(bus=True, intensity="strict"),
        service_tree(bus=True, intensity=7, period=5.0),
        service_tree(bus=True),
    )

    limits = [spec.limit for tree in (named, counted, plain) for spec in tree.args if isinstance(spec, SupervisorSpec)]

    assert [(limit.restarts, limit.seconds) for limit in limits] == [(3, 30.0), (7, 5.0), (40, 60.0)]


@pytest.mark.slow
def test_a_program_whose_tree_gave_up_says_so_and_finds_everything_when_it_is_run_again(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos.shop", str(tmp_path / "shop.db")]

    first, second = (subprocess.run(command, capture_output=True, text=True, timeout=60, check=False) for _ in range(2))

    said = "gives up at 3 restarts in 60.0 s, allowed are 2; the last to fail was child 'store'"
    assert (first.returncode, second.returncode) == (1, 1)
    assert said in first.stderr
    assert "TreeGaveUpError: the tree <Tree #2> gave up: shutdown" in first.stderr
    assert first.stdout.splitlines() == ["found", "acknowledged"]
    assert second.stdout.splitlines() == ["found 2 b'tea' beans 1", "acknowledged"]
