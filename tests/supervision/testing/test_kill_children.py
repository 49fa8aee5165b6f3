import pytest
import trio

from actors import ActorRef, ActorSystem
from supervision import ChildSpec, DynamicSupervisor, Supervisor, SupervisorSpec, start_child, which_children
from supervision.testing import kill_children
from tests.supervision.workers import SyncWorker


def three(intensity: int = 100) -> SupervisorSpec:
    children = [ChildSpec(child, SyncWorker, name=child) for child in ("left", "middle", "right")]
    return SupervisorSpec(children, intensity=intensity, period=5.0)


async def test_kills_a_random_child_every_so_many_seconds(system: ActorSystem) -> None:
    shop = await system.start(Supervisor, three())

    async with kill_children(system, shop, every=2.0) as killed:
        await trio.sleep(21.0)
        assert len(killed) == 10
    await trio.sleep(10.0)

    assert len(killed) == 10
    assert len({ref.name for ref in killed}) > 1
    assert not any(ref.alive for ref in killed)
    assert [child.state for child in await which_children(shop)] == ["running"] * 3


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_same_seed_kills_the_same_children(system: ActorSystem, seed: int) -> None:
    names = []
    for _ in range(2):
        shop = await system.start(Supervisor, three())
        async with kill_children(system, shop, every=1.0, seed=seed) as killed:
            await trio.sleep(10.5)
        names.append([ref.name for ref in killed])
        await shop.stop()

    assert names[0] == names[1]
    assert len(names[0]) == 10


async def test_kills_children_of_a_dynamic_supervisor(system: ActorSystem) -> None:
    pool = await system.start(DynamicSupervisor)
    async with kill_children(system, pool, every=1.0) as killed:
        await trio.sleep(2.5)
        assert killed == []
        worker = await start_child(pool, ChildSpec("worker", SyncWorker, restart="temporary"))
        await trio.sleep(1.0)

    assert killed == [worker]


async def test_ends_with_a_supervisor_that_gives_up(system: ActorSystem) -> None:
    shop = await system.start(Supervisor, three(intensity=2))

    async with kill_children(system, shop, every=1.0) as killed:
        await trio.sleep(60.0)

    assert not shop.alive
    assert len(killed) == 3


async def test_goes_on_with_whoever_has_the_name(system: ActorSystem) -> None:
    top = SupervisorSpec([ChildSpec("shop", Supervisor, args=(three(intensity=1),), name="shop")], intensity=100)
    await system.start(Supervisor, top)

    async with kill_children(system, system.named("shop"), every=1.0) as killed:
        await trio.sleep(20.5)

    assert len(killed) == 20


async def test_leaves_a_block_that_raises_as_it_is(system: ActorSystem) -> None:
    shop = await system.start(Supervisor, three())
    before = len(system.processes)

    with pytest.raises(KeyError):
        async with kill_children(system, shop, every=1.0):
            raise KeyError

    assert len(system.processes) == before


@pytest.mark.parametrize("seconds", [0, -1.0, "1", True])
async def test_what_is_no_time_is_refused(system: ActorSystem, seconds: float) -> None:
    with pytest.raises(ValueError, match="allowed is a number above 0"):
        async with kill_children(system, system.named("shop"), every=seconds):
            raise AssertionError("the block must not begin")


async def test_what_the_block_raises_tells_the_seed_and_who_was_killed(system: ActorSystem) -> None:
    shop = await system.start(Supervisor, three())

    killed: list[ActorRef] = []

    async def fail() -> None:
        nonlocal killed
        async with kill_children(system, shop, every=1.0, seed=7) as killed:
            await trio.sleep(2.5)
            raise AssertionError

    with pytest.raises(AssertionError) as caught:
        await fail()

    assert len(killed) == 2
    assert caught.value.__notes__ == [f"kill_children(every=1.0, seed=7) had killed {killed}"]


async def test_who_has_no_children_is_refused(system: ActorSystem) -> None:
    worker = await system.start(SyncWorker, name="till")

    for one in (worker, system.named("till")):
        with pytest.raises(TypeError, match=r"kills the children of a supervisor; <.*till.*> is none"):
            async with kill_children(system, one, every=1.0):
                raise AssertionError("the block must not begin")
