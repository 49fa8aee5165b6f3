"""Which task a callback runs in that is ``async def``: the spare one, which others use after it, or its actor's own."""

from __future__ import annotations

import gc
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actors import Actor, ActorExitedError, Caller, Crash, ExitReason, Killed, open_system

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import ActorRef, ActorSystem

colour: ContextVar[str] = ContextVar("colour", default="none")


class Doer(Actor):
    """Its `init` and its handlers do what they are given, and tell in which task."""

    def __init__(self, deed: Callable[[Doer], Awaitable[object]]) -> None:
        self.deed = deed
        self.manager: Any = None

    async def init(self) -> None:
        self.task = trio.lowlevel.current_task()
        await self.deed(self)

    async def handle_call(self, message: Callable[[Doer], Awaitable[object]], caller: Caller) -> object:
        await message(self)
        return self.task, trio.lowlevel.current_task()

    async def handle_cast(self, message: Callable[[Doer], Awaitable[object]]) -> None:
        await message(self)


async def nothing(_doer: Doer) -> None:
    """Wait for nothing."""


async def wait(_doer: Doer) -> None:
    await trio.lowlevel.checkpoint()


async def sleep(_doer: Doer) -> None:
    await trio.sleep(10)


async def fail(_doer: Doer) -> None:
    raise RuntimeError("no stock")


async def open_nursery(doer: Doer) -> None:
    doer.manager = trio.open_nursery()
    await doer.manager.__aenter__()


async def close_nursery(doer: Doer) -> None:
    await doer.manager.__aexit__(None, None, None)


async def open_deadline(doer: Doer) -> None:
    doer.manager = trio.fail_after(60)
    doer.manager.__enter__()


async def close_deadline(doer: Doer) -> None:
    doer.manager.__exit__(None, None, None)


async def kill_self(doer: Doer) -> None:
    doer.ref.kill()


async def kill_self_and_wait(doer: Doer) -> None:
    doer.ref.kill()
    await trio.sleep_forever()


async def tasks_of(ref: ActorRef) -> tuple[trio.lowlevel.Task, trio.lowlevel.Task]:
    """Return in which task its `init` ran, and in which its handlers run."""
    tasks: tuple[trio.lowlevel.Task, trio.lowlevel.Task] = await ref.call(nothing)
    return tasks


def living_tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


async def test_inits_that_do_not_wait_share_a_task_which_is_not_their_starters(system: ActorSystem) -> None:
    seen = []

    class Modest(Actor):
        async def init(self) -> None:
            seen.append(trio.lowlevel.current_task())

    for _ in range(3):
        await system.start(Modest)

    assert len(set(seen)) == 1
    assert seen[0] is not trio.lowlevel.current_task()


async def test_actors_whose_init_did_not_wait_have_no_tasks(system: ActorSystem) -> None:
    await system.start(Doer, nothing)
    before = living_tasks()

    for _ in range(10):
        await system.start(Doer, nothing)

    assert living_tasks() == before


async def test_an_actor_whose_init_has_waited_keeps_the_task_it_waited_in(system: ActorSystem) -> None:
    waited, other = await system.start(Doer, wait), await system.start(Doer, nothing)

    began_in, runs_in = await tasks_of(waited)

    assert began_in is runs_in
    assert (await tasks_of(other))[0] is not began_in


async def test_a_lock_that_init_has_waited_for_is_released_by_a_handler(system: ActorSystem) -> None:
    lock = trio.Lock()
    doer = await system.start(Doer, lambda _: lock.acquire())

    async def release(_doer: Doer) -> None:
        lock.release()

    await doer.call(release)

    assert not lock.locked()


async def test_starts_at_the_same_time_have_each_a_task(system: ActorSystem) -> None:
    refs: list[ActorRef] = []

    async def start() -> None:
        refs.append(await system.start(Doer, sleep))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(start)

    assert trio.current_time() == 10
    assert len({(await tasks_of(ref))[0] for ref in refs}) == 3


@pytest.mark.parametrize(("leave", "close"), [(open_nursery, close_nursery), (open_deadline, close_deadline)])
async def test_what_an_init_leaves_open_is_its_actors_alone(
    system: ActorSystem,
    leave: Callable[[Doer], Awaitable[object]],
    close: Callable[[Doer], Awaitable[object]],
) -> None:
    leaver = await system.start(Doer, leave)
    other = await system.start(Doer, nothing)

    began_in, runs_in = await tasks_of(leaver)

    assert began_in is runs_in
    assert (await tasks_of(other))[0] is not began_in
    await leaver.call(close)
    await leaver.stop()


async def test_an_init_does_not_see_what_the_one_before_has_set(system: ActorSystem) -> None:
    seen = []

    async def paint(_doer: Doer) -> None:
        seen.append(colour.get())
        colour.set("red")

    async def look(_doer: Doer) -> None:
        seen.append(colour.get())

    one, other = await system.start(Doer, paint), await system.start(Doer, paint)
    for doer in (one, other):
        await doer.call(look)

    assert seen == ["none", "none", "red", "red"]
    assert colour.get() == "none"


async def test_an_init_that_fails_leaves_the_next_start_unharmed(system: ActorSystem) -> None:
    await system.start(Doer, nothing)
    before = living_tasks()

    with pytest.raises(RuntimeError, match="no stock"):
        await system.start(Doer, fail)
    await wait_all_tasks_blocked()

    assert living_tasks() == before
    await tasks_of(await system.start(Doer, nothing))


@pytest.mark.parametrize("deed", [kill_self, kill_self_and_wait])
async def test_an_actor_that_kills_itself_in_its_init_takes_nobody_along(
    system: ActorSystem, deed: Callable[[Doer], Awaitable[object]]
) -> None:
    with pytest.raises(ActorExitedError) as caught:
        await system.start(Doer, deed)

    assert isinstance(caught.value.reason, Killed)
    for later in (nothing, wait):
        await tasks_of(await system.start(Doer, later))


async def test_a_start_that_is_cancelled_takes_nobody_along(system: ActorSystem) -> None:
    await system.start(Doer, nothing)

    with trio.move_on_after(1):
        await system.start(Doer, sleep)

    assert trio.current_time() == 1
    for later in (nothing, wait):
        await tasks_of(await system.start(Doer, later))


async def test_a_crash_in_a_handler_that_has_not_waited_leaves_its_task_to_the_next(system: ActorSystem) -> None:
    doer, _other = await system.start(Doer, nothing), await system.start(Doer, nothing)
    before = living_tasks()

    doer.cast(fail)
    reason: ExitReason = await doer.wait()
    await wait_all_tasks_blocked()

    assert isinstance(reason, Crash)
    assert living_tasks() == before
    began_in, runs_in = await tasks_of(await system.start(Doer, nothing))
    assert began_in is runs_in


@pytest.mark.parametrize("deed", [nothing, wait, fail])
async def test_a_terminate_that_waits_ends_with_its_task(
    system: ActorSystem, deed: Callable[[Doer], Awaitable[object]]
) -> None:
    class Tidy(Doer):
        async def terminate(self, reason: ExitReason) -> None:
            await trio.sleep(1)

    await wait_all_tasks_blocked()
    before = living_tasks()
    tidy = await system.start(Tidy, nothing)

    tidy.cast(deed)
    with trio.move_on_after(5):
        await tidy.shut_down()
    await wait_all_tasks_blocked()

    assert not tidy.alive
    assert living_tasks() == before


class Cargo:
    """What an actor has in its context."""


@pytest.mark.slow
async def test_the_spare_task_keeps_nothing_of_whom_it_served(system: ActorSystem) -> None:
    cargo: ContextVar[Cargo] = ContextVar("cargo")
    living: weakref.WeakSet[Cargo] = weakref.WeakSet()

    async def load(_doer: Doer) -> None:
        cargo.set(Cargo())
        living.add(cargo.get())

    await system.start(Doer, nothing)
    await (await system.start(Doer, load)).stop()
    await (await system.start(Actor)).stop()  # the root remembers whose end it was told of last
    await wait_all_tasks_blocked()
    gc.collect()

    assert not living


async def test_the_spare_task_ends_with_the_last_actor(system: ActorSystem) -> None:
    await wait_all_tasks_blocked()
    before = living_tasks()
    doer = await system.start(Doer, nothing)
    assert living_tasks() == before + 1

    await doer.stop()
    await wait_all_tasks_blocked()

    assert living_tasks() == before


async def test_the_spare_task_ends_with_its_system() -> None:
    before = living_tasks()

    async with open_system(watchdog_seconds=None) as system:
        await system.start(Doer, nothing)

    assert living_tasks() == before
