from typing import Any

import pytest

from actors import IGNORE, ActorSystem, IgnoredError, open_system
from actors.testing import capture_crash_reports, start_probe
from supervision import (
    AlreadyStartedError,
    ChildNotFoundError,
    ChildSpec,
    ChildStartError,
    SupervisorSpec,
    which_children,
)
from supervision.testing import start_supervised, stop_supervised
from tests.supervision.workers import AsyncWorker, Plan, SyncWorker


async def test_restarts_a_class_as_a_permanent_child(system: ActorSystem) -> None:
    probe = await start_probe(system)
    worker = await start_supervised(system, SyncWorker, "till", name="till")
    probe.monitor(worker)

    with capture_crash_reports():
        for _ in range(20):
            system.named("till").cast(ValueError("odd"))
            await system.named("till").wait()
    await probe.expect_down(worker, ValueError)

    assert await system.named("till").call("still there?") == "still there?"
    assert system.whereis("till") != worker


async def test_starts_a_child_by_its_specification(system: ActorSystem) -> None:
    spec = ChildSpec("till", SyncWorker, args=("till",), name="till", restart="temporary")
    worker = await start_supervised(system, spec)

    worker.kill()
    await worker.wait()

    assert system.whereis("till") is None


async def test_starts_a_whole_tree(system: ActorSystem) -> None:
    tree = SupervisorSpec([ChildSpec("left", SyncWorker), ChildSpec("right", SyncWorker)])

    shop = await start_supervised(system, tree, name="shop")

    assert [child.id for child in await which_children(shop)] == ["right", "left"]
    assert system.whereis("shop") == shop


async def test_stops_the_newest_first_with_the_system() -> None:
    log: list[str] = []

    async with open_system() as system:
        for label in ("first", "second"):
            await start_supervised(system, SyncWorker, label, None, log, name=label)

    assert log == ["start first", "start second", "stop second: shutdown", "stop first: shutdown"]


async def test_has_one_child_of_each_id(system: ActorSystem) -> None:
    await start_supervised(system, SyncWorker)

    with pytest.raises(AlreadyStartedError, match="child 'SyncWorker' runs already"):
        await start_supervised(system, SyncWorker)

    await start_supervised(system, AsyncWorker)


async def test_a_child_that_does_not_start_says_why(system: ActorSystem) -> None:
    with pytest.raises(ChildStartError, match="RuntimeError: told to"):
        await start_supervised(system, SyncWorker, "till", Plan(["fail"]))
    with pytest.raises(IgnoredError, match="'Shy' chose not to start"):
        await start_supervised(system, Shy)


class Shy(SyncWorker):
    def init(self) -> Any:
        return IGNORE


async def test_stops_a_child_for_good(system: ActorSystem) -> None:
    worker = await start_supervised(system, SyncWorker)
    temporary = await start_supervised(system, ChildSpec("temporary", SyncWorker, restart="temporary"))

    await stop_supervised(system, "SyncWorker")
    await stop_supervised(system, "temporary")

    assert not worker.alive
    assert not temporary.alive
    assert (await start_supervised(system, SyncWorker)).alive


async def test_stops_nothing_that_it_did_not_start(system: ActorSystem) -> None:
    with pytest.raises(ChildNotFoundError, match="has no child 'till' that start_supervised has started"):
        await stop_supervised(system, "till")

    await start_supervised(system, SyncWorker)

    with pytest.raises(ChildNotFoundError, match="has no child 'till'"):
        await stop_supervised(system, "till")


async def test_what_cannot_be_started_is_refused(system: ActorSystem) -> None:
    for child, options in ((int, {}), (ChildSpec("till", SyncWorker), {"name": "till"})):
        with pytest.raises(TypeError, match="start_supervised takes a ChildSpec alone"):
            await start_supervised(system, child, **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="args="):
        await start_supervised(system, SupervisorSpec(), 5)
