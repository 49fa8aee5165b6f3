"""Let it crash is real: a service that fails half-way through a change, or whose index is damaged, is whole again.

The bus and the shared memory have such tests of their own, in their ``test_restarts.py``.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import trio

from actors import ActorSystem, open_system
from actors.delivery import DeliveryOptions, Guarantee, RouterConfig, RouterRef
from actors.delivery.exchange import Exchange
from actors.queue import LeaseLostError, MemoryStore, QueueClient, SqliteStore
from actors.queue.commits import Commits as QueueCommits
from actors.queue.consumers import Consumers
from actors.queue.ledger import Ledger as QueueLedger
from actors.sqlite import open_database
from actors.store import MemoryReferenceStore, ReferenceNotFoundError, SqliteReferenceStore, StoreClient
from actors.store.commits import Commits
from actors.store.ledger import Ledger
from actors.store.uploads import Uploads
from supervision import Supervisor, SupervisorSpec, service_tree
from tests.actors.delivery.receivers import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from trio.testing import MockClock

LARGE = bytes(range(256)) * 9_000


@pytest.fixture(params=["memory", "file"])
async def system(
    request: pytest.FixtureRequest, tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[ActorSystem]:
    """Start the tree of services, which keep their content in memory or in a file."""
    caplog.set_level(logging.CRITICAL)
    file = tmp_path / "shop.db" if request.param == "file" else None
    async with open_system() as system:
        if file is None:
            tree = service_tree(store=MemoryReferenceStore(), queue=MemoryStore())
        else:
            await open_database(system, file, inline=True)
            values, messages = SqliteReferenceStore(file, inline=True), SqliteStore(file, inline=True)
            tree = service_tree(RouterConfig(database=str(file)), store=values, queue=messages)
        await system.start(Supervisor, SupervisorSpec([tree]))
        yield system


class Once:
    """A method that raises before or after what it stands for, the first time it is called."""

    def __init__(self, original: Any, *, after: bool) -> None:
        self.original = original
        self.after = after
        self.failed = False

    def __get__(self, instance: object, owner: type) -> Any:
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        fails, self.failed = not self.failed, True
        if fails and not self.after:
            raise RuntimeError("half-way")
        found = self.original(*args, **kwargs)
        if fails:
            raise RuntimeError("half-way")
        return found


def as_name(value: str | type) -> str:
    """Return what a test is called by that is given *value*."""
    return value if isinstance(value, str) else value.__module__.rpartition(".")[2]


def damage(system: ActorSystem, service: str, attribute: str) -> None:
    """Put nonsense in the place of what a service has in memory."""
    ref = system.whereis(service)
    assert ref is not None
    setattr(ref._process.actor, attribute, "damaged")


async def use_store(store: StoreClient) -> None:
    """Do everything that changes what a store has, and see that it was done once."""
    tea = await store.store(b"tea")
    large = await store.store(LARGE, compression="none")
    await store.store(b"tea")
    await store.retain(tea)
    assert await store.release(tea) == 2
    assert await store.resolve(large) == LARGE
    assert await store.delete(large)
    with pytest.raises(ReferenceNotFoundError):
        await store.resolve(large)
    assert [await store.release(tea) for _ in range(2)] == [1, 0]
    assert await store.list() == []
    statistics = await store.stats()
    assert (statistics.active_refs, statistics.current_bytes, statistics.eviction_count) == (0, 0, 2)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("part", "method"),
    [
        (Ledger, "put"),
        (Ledger, "retain"),
        (Ledger, "release"),
        (Ledger, "delete"),
        (Ledger, "_change"),
        (Ledger, "_forget"),
        (Ledger, "take_batch"),
        (Commits, "submit"),
        (Uploads, "new_seq"),
    ],
    ids=as_name,
)
async def test_a_store_whose_handler_raises_half_way_does_everything_once(
    *, system: ActorSystem, monkeypatch: pytest.MonkeyPatch, part: type, method: str, after: bool
) -> None:
    once = Once(getattr(part, method), after=after)
    monkeypatch.setattr(part, method, once)

    await use_store(StoreClient(system.named("store")))

    assert once.failed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("system", ["file"], indirect=True)
@pytest.mark.parametrize(
    ("part", "method"),
    [(Commits, "flush"), (Commits, "submit_pieces"), (Uploads, "end"), (Ledger, "doom"), (Ledger, "drop_some")],
    ids=as_name,
)
async def test_a_store_whose_handler_raises_while_a_large_value_comes_or_goes_does_it_once(
    *, system: ActorSystem, monkeypatch: pytest.MonkeyPatch, part: type, method: str, after: bool
) -> None:
    once = Once(getattr(part, method), after=after)
    monkeypatch.setattr(part, method, once)

    await use_store(StoreClient(system.named("store")))

    assert once.failed


@pytest.mark.parametrize("attribute", ["ledger", "commits", "uploads", "_handlers"])
async def test_a_store_whose_index_is_damaged_has_it_again(system: ActorSystem, attribute: str) -> None:
    store = StoreClient(system.named("store"))
    reference = await store.store(b"tea")
    first = system.whereis("store")
    damage(system, "store", attribute)

    assert await store.store(b"tea") == reference
    await store.store(LARGE)

    assert system.whereis("store") is not first
    assert await store.resolve(reference) == b"tea"
    assert await store.release(reference) == 1


async def use_queue(queue: QueueClient) -> None:
    """Put, lease, give back and acknowledge, and see that nothing is lost or there twice."""
    for number in range(4):
        await queue.put("mill", number, id=f"{number}")
    leased, acked = set(), []
    for _ in range(10):
        for lease in await queue.lease_many("mill", 2):
            leased.add(lease.message.payload)
            with suppress(LeaseLostError):
                if lease.message.payload == 1 and lease.message.dequeue_count == 1:
                    await queue.nack(lease)
                else:
                    await queue.ack(lease)
                    acked.append(lease.message.payload)
        await trio.sleep(1)
    assert leased == {0, 1, 2, 3}
    assert len(acked) == len(set(acked))
    assert await queue.depth("mill") == 0
    assert await queue.lease_many("mill", 2) == ()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("part", "method"),
    [
        (QueueLedger, "admit"),
        (QueueLedger, "lease"),
        (QueueLedger, "give_back"),
        (QueueCommits, "settle"),
        (Consumers, "take"),
        (Consumers, "ack"),
    ],
    ids=as_name,
)
async def test_a_queue_whose_handler_raises_half_way_loses_and_doubles_nothing(
    *, system: ActorSystem, monkeypatch: pytest.MonkeyPatch, part: type, method: str, after: bool
) -> None:
    once = Once(getattr(part, method), after=after)
    monkeypatch.setattr(part, method, once)

    await use_queue(QueueClient(system.named("queue")))

    assert once.failed


@pytest.mark.parametrize("attribute", ["ledger", "consumers", "_handlers"])
async def test_a_queue_whose_index_is_damaged_has_it_again(system: ActorSystem, attribute: str) -> None:
    queue = QueueClient(system.named("queue"))
    await queue.put("mill", "beans")
    first = system.whereis("queue")
    damage(system, "queue", attribute)

    depth = await queue.depth("mill")
    lease = await queue.lease("mill")
    await queue.ack(lease)

    assert system.whereis("queue") is not first
    assert (depth, lease.message.payload) == (1, "beans")
    assert await queue.depth("mill") == 0


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_router_that_failed_half_way_through_a_message_delivers_it_once_when_it_is_restarted(
    *, system: ActorSystem, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    notes: list[object] = []
    once = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE)
    receiver = await system.start(Receiver, notes, name="receiver")
    router = RouterRef(system)
    monkeypatch.setattr(Exchange, "offer", Once(Exchange.offer, after=after))
    with pytest.raises(RuntimeError, match="half-way"):
        await router.send(receiver, "tea", once, id="tea")

    system.named("router").kill()
    await (await router.send(receiver, "tea", once, id="tea")).acknowledged()
    await router.drained()

    assert notes == ["tea"]


async def test_a_router_whose_lanes_are_damaged_has_them_again(system: ActorSystem) -> None:
    notes: list[object] = []
    receiver = await system.start(Receiver, notes, name="receiver")
    router = RouterRef(system)
    await (await router.send(receiver, "tea")).acknowledged()
    exchange: Any = router._ledger.exchange
    exchange.lanes.clear()
    exchange._lanes = None

    with pytest.raises(AttributeError):
        await router.send(receiver, "cup")
    system.named("router").kill()
    await (await router.send(receiver, "pot")).acknowledged()
    await router.drained()

    assert notes[0] == "tea"
    assert "pot" in notes
