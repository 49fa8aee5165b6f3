"""What the services answer to each of their words: in which order, and only what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors import Actor
from actors.bus import BusClient
from actors.delivery import DeliveryFailedError, DeliveryOptions, RouterConfig, RouterRef
from actors.delivery.offers import RouterOffers
from actors.delivery.router import ledger_of
from actors.foremost import AT_ONCE
from actors.name_ref import process_of
from actors.queue import MemoryStore, Queue, QueueClient
from actors.queue.offers import QueueOffers
from actors.shared_memory import MemoryEntries, Namespace, SharedMemoryClient
from actors.store import MemoryReferenceStore, StoreClient
from supervision import Supervisor, SupervisorSpec
from supervision.services import service_tree
from tests.actors.shell.conversation import Client, rows

if TYPE_CHECKING:
    from actors import ActorSystem
    from actors.shell import Node
    from tests.actors.shell.conversation import Connect


class Reader(Actor):
    """Watches what it is told to."""

    async def handle_call(self, pattern: str, caller: object) -> None:
        """Watch the keys that a pattern means."""
        notes = SharedMemoryClient(self.system.named("shared_memory"), "reader")
        await notes.watch_actor(Namespace.GLOBAL, pattern)


@pytest.fixture
async def client(connect: Connect, node: Node, real_system: ActorSystem) -> Client:
    """Return a client of a node with full services."""
    services = service_tree(
        RouterConfig(breaker=None),
        store=MemoryReferenceStore(),
        shared_memory=MemoryEntries(),
        bus=True,
        queue=MemoryStore(),
    )
    await real_system.start(Supervisor, SupervisorSpec([services]))
    for fill in (fill_queue, fill_bus, fill_memory, fill_store, fill_router):
        await fill(real_system)
    return await connect(node)


async def fill_queue(system: ActorSystem) -> None:
    """Have three messages wait for the anvil, one for the bench and none for the clamp, of which some are in flight."""
    queue = QueueClient(system.named("queue"))
    for recipient, waiting, flying in (("anvil", 3, 0), ("bench", 1, 2), ("clamp", 0, 1)):
        for _ in range(waiting + flying):
            await queue.put(recipient, "x")
        if flying:
            await queue.lease_many(recipient, flying)
    await queue.put("drill", "x")
    await queue.ack(await queue.lease("drill"))


async def fill_bus(system: ActorSystem) -> None:
    """Publish to three topics, and subscribe to three patterns; one has too little room, and one is for nothing."""
    bus = BusClient(system.named("bus"), agent="ada")
    await bus.subscribe("b.*", buffer_size=1)
    await bus.subscribe("c", agent="joe")
    await bus.subscribe("d.[xy]")
    for topic in ("a", "b.x", "b.x", "b.x", "c", "c"):
        await bus.publish(topic, "x")


async def fill_memory(system: ActorSystem) -> None:
    """Write notes of different sizes and versions, in two namespaces, and one that is deleted again."""
    notes = SharedMemoryClient(system.named("shared_memory"), "ada")
    await notes.put(Namespace.GLOBAL, "a", b"xxx")
    await notes.put(Namespace.GLOBAL, "b.y", b"x")
    await notes.put(Namespace.GLOBAL, "b.y", b"x")
    await notes.put(Namespace.SESSION, "c", b"xx", scope="s1")
    await notes.put(Namespace.GLOBAL, "d", b"x")
    await notes.delete(Namespace.GLOBAL, "d", tombstone=True)
    reader = await system.start(Reader)
    await reader.call("b.*")


async def fill_router(system: ActorSystem) -> None:
    """Send two messages to nobody."""
    router = RouterRef(system)
    for name in ("first", "second"):
        receipt = await router.send("nobody", "x", DeliveryOptions(max_retries=1, retry_delay=0.001), id=name)
        with pytest.raises(DeliveryFailedError):
            await receipt.acknowledged()


async def fill_store(system: ActorSystem) -> None:
    """Store three values of different sizes; the second is held twice."""
    store = StoreClient(system.named("store"))
    for size in (10, 30, 20):
        reference = await store.store(b"x" * size)
        if size == 30:
            await store.retain(reference)


QUEUE: dict[str, tuple[dict[str, Any], list[tuple[str, int, int]]]] = {
    "those for whom most waits": ({}, [("anvil", 3, 0), ("bench", 1, 2), ("clamp", 0, 1)]),
    "those with most in flight": ({"order": "in_flight"}, [("bench", 1, 2), ("clamp", 0, 1), ("anvil", 3, 0)]),
    "by their names": ({"order": "name"}, [("anvil", 3, 0), ("bench", 1, 2), ("clamp", 0, 1)]),
    "so many": ({"order": "in_flight", "most": 2}, [("bench", 1, 2), ("clamp", 0, 1)]),
    "one": ({"recipient": "bench"}, [("bench", 1, 2)]),
    "one that only has some in flight": ({"recipient": "clamp"}, [("clamp", 0, 1)]),
    "one for whom there is nothing": ({"recipient": "drill"}, []),
}


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize(("arguments", "expected"), QUEUE.values(), ids=QUEUE.keys())
async def test_the_recipients_of_a_queue_are_listed(
    client: Client,
    real_system: ActorSystem,
    arguments: dict[str, Any],
    expected: list[tuple[str, int, int]],
    *,
    forgotten: bool,
) -> None:
    if forgotten:
        queue_of(real_system).ledger.forget_empty_boxes()

    listed = rows(await client.ask("queue.recipients", arguments))

    assert [(row["recipient"], row["ready"], row["in_flight"]) for row in listed] == expected
    assert [row["oldest_seconds"] is None for row in listed] == [ready == 0 for _, ready, _ in expected]


def queue_of(system: ActorSystem) -> Queue:
    """Return the queue itself."""
    queue = system.named("queue").whereis()
    process = None if queue is None else process_of(queue)
    assert process is not None
    assert isinstance(process.actor, Queue)
    return process.actor


async def test_a_recipient_whose_messages_went_while_it_was_listed_is_left_out(real_system: ActorSystem) -> None:
    queue = QueueClient(await real_system.start(Queue, MemoryStore(), name="queue"))
    for number in range(2 * AT_ONCE):
        await queue.put(f"mill {number}", "x")
    listing = QueueOffers(queue_of(real_system)).recipients({"order": "name", "most": 1000})
    assert next(row for row in listing if row is None) is None

    await queue.ack(*await queue.lease_many("mill 0", 1))
    listed = [row["recipient"] for row in listing if row is not None]

    assert "mill 0" not in listed
    assert len(listed) == 2 * AT_ONCE - 1


LISTS: dict[str, tuple[str, str, dict[str, Any], list[Any]]] = {
    "topics by messages": ("bus.topics", "topic", {}, ["b.x", "c", "a", "b.*", "d.[xy]"]),
    "topics by losses": ("bus.topics", "topic", {"order": "dropped"}, ["b.x", "a", "b.*", "c", "d.[xy]"]),
    "topics by names": ("bus.topics", "topic", {"order": "name"}, ["a", "b.*", "b.x", "c", "d.[xy]"]),
    "the latest topics": ("bus.topics", "topic", {"order": "last"}, ["c", "b.x", "a", "b.*", "d.[xy]"]),
    "topics of a pattern": ("bus.topics", "topic", {"pattern": "b.*"}, ["b.x", "b.*"]),
    "a pattern itself": ("bus.topics", "topic", {"pattern": "d.[xy]"}, ["d.[xy]"]),
    "one topic": ("bus.topics", "topic", {"most": 1}, ["b.x"]),
    "subscriptions by what waits": ("bus.subscriptions", "pattern", {}, ["c", "b.*", "d.[xy]"]),
    "subscriptions by losses": ("bus.subscriptions", "pattern", {"order": "dropped"}, ["b.*", "c", "d.[xy]"]),
    "subscriptions by age": ("bus.subscriptions", "pattern", {"order": "age"}, ["b.*", "c", "d.[xy]"]),
    "subscriptions of an agent": ("bus.subscriptions", "pattern", {"agent": "joe"}, ["c"]),
    "subscriptions to a pattern": ("bus.subscriptions", "pattern", {"pattern": "b.*"}, ["b.*"]),
    "the latest keys": ("memory.keys", "key", {}, ["c", "b.y", "a"]),
    "keys by names": ("memory.keys", "key", {"order": "name"}, ["a", "b.y", "c"]),
    "keys by sizes": ("memory.keys", "key", {"order": "size"}, ["a", "c", "b.y"]),
    "keys by versions": ("memory.keys", "key", {"order": "version"}, ["b.y", "a", "c"]),
    "keys of a namespace": ("memory.keys", "key", {"namespace": "GLOBAL", "order": "name"}, ["a", "b.y"]),
    "keys of a scope": ("memory.keys", "key", {"scope": "s1"}, ["c"]),
    "keys of another scope": ("memory.keys", "key", {"scope": "s2"}, []),
    "keys of a pattern": ("memory.keys", "key", {"pattern": "b.*"}, ["b.y"]),
    "a key": ("memory.keys", "key", {"pattern": "a"}, ["a"]),
    "watchers": ("memory.watchers", "keys", {}, ["b.*"]),
    "watchers of a namespace": ("memory.watchers", "keys", {"namespace": "session"}, []),
    "the latest references": ("store.references", "bytes", {}, [20, 30, 10]),
    "the oldest references": ("store.references", "bytes", {"order": "old"}, [10, 30, 20]),
    "references by sizes": ("store.references", "bytes", {"order": "size"}, [30, 20, 10]),
    "references by holders": ("store.references", "bytes", {"order": "holders"}, [30, 10, 20]),
    "references set apart": ("store.references", "bytes", {"quarantined": True}, []),
    "letters of the router": ("router.dead_letters", "id", {}, ["second", "first"]),
    "the latest letter of the router": ("router.dead_letters", "id", {"most": 1}, ["second"]),
    "references with an id": ("store.references", "bytes", {"id": "nothing"}, []),
}


@pytest.mark.parametrize(("word", "column", "arguments", "expected"), LISTS.values(), ids=LISTS.keys())
async def test_a_list_is_in_order_and_has_what_is_asked_for(
    client: Client, word: str, column: str, arguments: dict[str, Any], expected: list[object]
) -> None:
    assert [row[column] for row in rows(await client.ask(word, arguments))] == expected


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "queue.recipients": ({"order": "size"}, "the order is 'size'; allowed is ready or in_flight or name"),
    "bus.topics": ({"most": 0}, "most is 0; allowed is an int from 1 to 1000"),
    "bus.subscriptions": ({"pattern": 7}, "a pattern is a text; got 7"),
    "memory.keys": ({"namespace": "cellar"}, "'cellar' is no namespace; there are"),
    "queue.pending": ({"recipient": "anvil", "timeout": -1}, "the timeout is -1; allowed are more than 0"),
    "queue.replay": ({}, "say which dead letter is meant, by its id, or that all are"),
    "router.breakers": ({}, "the router has no circuit breakers; they are an option of its RouterConfig"),
}


@pytest.mark.parametrize("word", WRONG)
async def test_what_is_asked_wrongly_is_refused_with_what_is_allowed(client: Client, word: str) -> None:
    arguments, error = WRONG[word]

    [refusal] = await client.ask(word, arguments)

    assert refusal.word == "error"
    assert error in refusal.content[1]


@pytest.mark.parametrize("word", ["router.replay", "router.discard"])
async def test_a_letter_of_the_router_that_was_discarded_meanwhile_is_passed_over(
    client: Client, real_system: ActorSystem, word: str
) -> None:
    commands = RouterOffers(ledger_of(real_system, "router")).commands()
    acting: Any = commands[word]({"all": True, "to": "elsewhere"})
    first = next(acting)

    await client.ask("router.discard", {"all": True})

    assert first["id"] == "first"
    assert list(acting) == []
