"""Cases of OTP's supervisor suite about scale: what many children cost is in proportion to their number."""

import gc
import logging
from collections.abc import Awaitable, Callable
from time import process_time
from typing import Any

import pytest

from actors import SHUTDOWN, Actor, ActorRef, open_system
from actors.inspect import resume, suspend
from supervision import (
    ChildSpec,
    DynamicSupervisor,
    Supervisor,
    SupervisorSpec,
    start_child,
    terminate_child,
    which_child,
    which_children,
)
from tests.supervision.workers import counts

pytestmark = pytest.mark.slow


class Inert(Actor):
    """A child that does nothing."""


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Keep thousands of reports out of the measurement."""
    caplog.set_level(logging.CRITICAL, logger="actors")


async def once(measure: Callable[[int], Awaitable[float]], number: int) -> float:
    """Return a measured time, of the processor: other programs do not count.

    Nor does the garbage collector, whose work depends on how much all the other tests have left in memory.
    """
    gc.collect()
    gc.disable()
    try:
        return await measure(number)
    finally:
        gc.enable()


async def best(measure: Callable[[int], Awaitable[float]], number: int) -> float:
    """Return the least of three measured times."""
    return min([await once(measure, number) for _ in range(3)])


async def exits(number: int, restart: Any) -> float:
    """Return how long a supervisor takes over that many exits that are all there when it looks."""
    async with open_system() as system:
        specs = [ChildSpec(str(i), Inert, restart=restart) for i in range(number)]
        sup = await system.start(Supervisor, SupervisorSpec(specs, intensity=number))
        refs = await refs_of(sup)
        await suspend(sup)
        for ref in refs:
            ref.kill()
        begin = process_time()
        await resume(sup)
        active = 0 if restart == "temporary" else number
        assert (await counts(sup))[1] == active
        return process_time() - begin


async def refs_of(sup: ActorRef) -> list[ActorRef]:
    return [info.ref for info in await which_children(sup) if info.ref is not None]


@pytest.mark.parametrize("restart", ["temporary", "permanent"])
async def test_scale_mass_exit_children(restart: Any) -> None:
    few = await best(lambda number: exits(number, restart), 1_000)
    many = await best(lambda number: exits(number, restart), 5_000)

    assert many / few <= 12


async def start_and_stop(number: int) -> float:
    """Return how long it takes to start that many children one by one, and to stop them one by one."""
    async with open_system() as system:
        sup = await system.start(Supervisor, SupervisorSpec())
        begin = process_time()
        for i in range(number):
            await start_child(sup, ChildSpec(str(i), Inert))
        for i in range(number):
            await terminate_child(sup, str(i))
        return process_time() - begin


async def test_scale_start_stop_many_children() -> None:
    few, many = await best(start_and_stop, 1_000), await once(start_and_stop, 10_000)

    assert many / few <= 10 * 3


async def boot_and_shut_down(number: int) -> float:
    """Return how long a supervisor of that many children takes to boot and to stop."""
    async with open_system() as system:
        specs = [ChildSpec(str(i), Inert) for i in range(number)]
        begin = process_time()
        sup = await system.start(Supervisor, SupervisorSpec(specs))
        await sup.stop(SHUTDOWN)
        return process_time() - begin


async def test_scale_boot_and_shut_down() -> None:
    few, many = await best(boot_and_shut_down, 1_000), await once(boot_and_shut_down, 10_000)

    assert many / few <= 10 * 3


async def terminate_all(number: int) -> float:
    """Return how long it takes to terminate that many temporary dynamic children one by one."""
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        spec = ChildSpec("child", Inert, restart="temporary")
        for _ in range(number):
            await start_child(sup, spec)
        begin = process_time()
        for ref in await refs_of(sup):
            await terminate_child(sup, ref)
        return process_time() - begin


async def test_simple_one_for_one_scale_many_temporary_children() -> None:
    few, many = await best(terminate_all, 1_000), await once(terminate_all, 10_000)

    assert many / few < 50


async def shut_down_pool(number: int) -> float:
    """Return how long a dynamic supervisor of that many children takes to stop."""
    async with open_system() as system:
        sup = await system.start(DynamicSupervisor)
        for _ in range(number):
            await start_child(sup, ChildSpec("child", Inert))
        begin = process_time()
        await sup.stop(SHUTDOWN)
        return process_time() - begin


async def test_scale_shutdown_of_many_dynamic_children() -> None:
    few, many = await best(shut_down_pool, 1_000), await once(shut_down_pool, 10_000)

    assert many / few <= 10 * 3


async def restarts(siblings: int) -> float:
    """Return how long 200 restarts of one child take beside that many siblings."""
    async with open_system() as system:
        specs = [ChildSpec(str(i), Inert) for i in range(siblings)]
        sup = await system.start(Supervisor, SupervisorSpec([*specs, ChildSpec("a", Inert, name="a")], intensity=200))
        begin = process_time()
        for _ in range(200):
            ref = system.whereis("a")
            assert ref is not None
            ref.kill()
            await ref.wait()
            await which_child(sup, "a")
        return process_time() - begin


async def test_a_restart_costs_the_same_beside_many_siblings() -> None:
    few, many = await best(restarts, 10), await best(restarts, 5_000)

    assert many / few <= 3
