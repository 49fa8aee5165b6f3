"""Actors that are sent the changes of notes: what they are sent, what they miss, and when that ends."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from actors import Mailbox, OutsideActorError
from actors.shared_memory import (
    ChangesMissed,
    InvalidEntryError,
    MemoryEntries,
    Namespace,
    SharedMemory,
    SharedMemoryClient,
)
from actors.shared_memory.legacy import legacy_of
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import ActorRef, ActorSystem

GLOBAL = Namespace.GLOBAL


def watching(pattern: str = "", **options: Any) -> Callable[[Probe], Any]:
    def watch(me: Probe) -> Any:
        return SharedMemoryClient(me.system.named("shared_memory"), "probe").watch_actor(GLOBAL, pattern, **options)

    return watch


async def told(probe: ActorRef) -> list[object]:
    got: list[Any] = await probe.call(received)
    return [change if isinstance(change, ChangesMissed) else (change.key, change.version) for change in got]


async def test_an_actor_is_sent_what_is_there_and_then_every_change(
    system: ActorSystem, ann: SharedMemoryClient
) -> None:
    probe = await system.start(Probe)
    value = b"tea " * 1000
    await ann.put(GLOBAL, "b", value)
    await ann.put(GLOBAL, "a", b"")
    await ann.put(GLOBAL, "x.y", b"")

    await probe.call(watching("*", initial=True, tombstones=True))
    await ann.put(GLOBAL, "b", value)
    await ann.put(GLOBAL, "x.y", b"")
    await ann.delete(GLOBAL, "a")

    assert await told(probe) == [("a", 1), ("b", 1), ("b", 2), ("a", 1)]
    got: list[Any] = await probe.call(received)
    assert [got[1].value, got[2].value] == [value, value]
    assert repr(got[3]) == "<Tombstone 'a' of global: version 1 deleted>"


async def test_an_actor_that_is_behind_is_sent_none_and_learns_how_many_it_missed(
    system: ActorSystem, ann: SharedMemoryClient
) -> None:
    probe = await system.start(Probe)
    watch = await probe.call(watching("*", buffer=2))

    for number in range(5):
        await ann.put(GLOBAL, f"k{number}", b"")
    await probe.call(received)
    await ann.put(GLOBAL, "k5", b"")

    assert await told(probe) == [("k0", 1), ("k1", 1), ChangesMissed(GLOBAL, "", "*", 3), ("k5", 1)]
    assert watch.dropped == 3


async def test_a_full_mailbox_drops_changes(system: ActorSystem, ann: SharedMemoryClient) -> None:
    probe = await system.start(Probe, mailbox=Mailbox(max_messages=1, overflow="reject"))
    watch = await probe.call(watching())

    for key in "abc":
        await ann.put(GLOBAL, key, b"")

    assert watch.dropped == 2


async def test_a_watch_of_an_actor_ends_with_it_and_when_it_is_closed(
    system: ActorSystem, ann: SharedMemoryClient
) -> None:
    probe, other = await system.start(Probe), await system.start(Probe)
    ended, closed = await probe.call(watching()), await other.call(watching())

    closed.close()
    probe.kill()
    await probe.wait()
    await ann.put(GLOBAL, "a", b"")

    assert await told(other) == []
    assert (ended.closed, repr(closed)) == (True, "<ActorWatch of all in global: closed>")
    assert (await ann.statistics())[GLOBAL].watcher_count == 0


async def test_nothing_is_left_of_watches_that_an_actor_closes_while_it_lives_on(
    system: ActorSystem, ann: SharedMemoryClient
) -> None:
    probe = await system.start(Probe)
    watches = [await probe.call(watching(f"k{number}")) for number in range(3)]
    last = await probe.call(watching("k3"))
    closed = [weakref.ref(watch) for watch in watches]

    while watches:
        watches.pop().close()
    assert (await ann.statistics())[GLOBAL].watcher_count == 1
    await probe.call(received)
    gc.collect()

    assert [watch() for watch in closed] == [None] * 3
    probe.kill()
    await probe.wait()
    assert (await ann.statistics())[GLOBAL].watcher_count == 0
    assert last.closed


async def test_a_restart_of_the_shared_memory_ends_no_watch_of_an_actor(system: ActorSystem) -> None:
    store = MemoryEntries()
    spec = ChildSpec("shared_memory", SharedMemory, (store,), name="shared_memory")
    shop = await system.start(Supervisor, SupervisorSpec([spec], intensity=10))
    ann = SharedMemoryClient(system.named("shared_memory"), "ann")
    probe = await system.start(Probe)
    await probe.call(watching("a", initial=True))

    await ann.put(GLOBAL, "a", b"")
    system.named("shared_memory").kill()
    await which_children(shop)
    await ann.put(GLOBAL, "a", b"")

    assert await told(probe) == [("a", 1), ("a", 2)]
    probe.kill()
    await probe.wait()
    assert (await ann.statistics())[GLOBAL].watcher_count == 0
    assert len(legacy_of(store).watches) == 0


async def test_a_watch_that_is_begun_twice_sends_nothing_twice(
    system: ActorSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler fails when it has sent the initial values, and is asked again."""
    from actors.shared_memory.legacy import Legacy  # noqa: PLC0415 -- for this test alone

    spec = ChildSpec("shared_memory", SharedMemory, (MemoryEntries(),), name="shared_memory")
    await system.start(Supervisor, SupervisorSpec([spec], intensity=10))
    ann = SharedMemoryClient(system.named("shared_memory"), "ann")
    await ann.put(GLOBAL, "a", b"")
    failures = [RuntimeError("half-way")]
    add = Legacy.add

    def add_later(self: Legacy, watch: Any) -> None:
        if failures:
            raise failures.pop()
        add(self, watch)

    monkeypatch.setattr(Legacy, "add", add_later)
    probe = await system.start(Probe)

    await probe.call(watching(initial=True))
    await ann.put(GLOBAL, "a", b"")

    assert failures == []
    assert await told(probe) == [("a", 1), ("a", 2)]


async def test_only_an_actor_can_be_sent_changes(ann: SharedMemoryClient) -> None:
    with pytest.raises(OutsideActorError):
        await ann.watch_actor(GLOBAL)


@pytest.mark.parametrize("buffer", [0, True, "3"])
async def test_a_buffer_that_is_none_is_refused(ann: SharedMemoryClient, buffer: Any) -> None:
    with pytest.raises(InvalidEntryError, match="the buffer of a watch is"):
        await ann.watch_actor(GLOBAL, buffer=buffer)
