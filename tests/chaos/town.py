"""The town of the chaos tests: a tree of all services, a crowd that uses them, and who kills the services."""

from __future__ import annotations

import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors.bus import BusClient
from actors.delivery import RouterConfig, RouterRef
from actors.queue import MemoryStore, QueueClient, SqliteStore
from actors.shared_memory import MemoryEntries, SharedMemoryClient, SqliteEntries
from actors.sqlite import open_database
from actors.store import MemoryReferenceStore, SqliteReferenceStore, StoreClient
from supervision import Supervisor, SupervisorSpec, service_tree, which_children
from tests.actors.delivery.receivers import Receiver
from tests.chaos.census import Incarnations, take_census
from tests.chaos.late import Late
from tests.chaos.messages import Consumer, Producer, Sender, check_messages
from tests.chaos.notes import COUNTER, Watcher, Writer, check_notes
from tests.chaos.topics import PATTERNS, Publisher, Reader, Subscriber, check_topics
from tests.chaos.values import Storer, check_values

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorRef, ActorSystem
    from supervision import ChildSpec

SERVICES: Final = ("store", "shared_memory", "bus", "queue", "router")
CROWD: Final = 8
REST: Final = 61.0
"""Seconds between two rounds: after so many without a failure, a service is restarted at once again."""


@attrs.frozen
class Kind:
    """What the services keep their content in, and whether a thread writes that."""

    file: Path | None
    late: bool = False
    inline: bool = True


async def make_tree(system: ActorSystem, kind: Kind, chance: Random, nursery: trio.Nursery) -> ChildSpec:
    """Return the services; what is in a file is in one for all."""
    stores: list[Any]
    if kind.file is None:
        stores = [MemoryReferenceStore(), MemoryEntries(), MemoryStore()]
    else:
        await open_database(system, kind.file, inline=kind.inline)
        makers: list[Any] = [SqliteReferenceStore, SqliteEntries, SqliteStore]
        stores = [make(kind.file, inline=kind.inline) for make in makers]
    if kind.late:
        stores = [Late(store, chance, nursery) for store in stores]
    values, notes, messages = stores
    config = RouterConfig(database=None if kind.file is None else str(kind.file))
    return service_tree(config, store=values, shared_memory=notes, bus=True, queue=messages)


class Town:
    """Eight of each who use the services, and what they were told."""

    def __init__(self, system: ActorSystem, kind: Kind, seed: int = 0) -> None:
        self.system = system
        self.kind = kind
        self.chance = Random(seed)  # noqa: S311 -- it only has to repeat itself
        self.publishers = [Publisher(system, number) for number in range(CROWD)]
        self.subscribers = [Subscriber(system, pattern) for pattern in PATTERNS]
        self.storers = [Storer(system, number, self.chance) for number in range(CROWD)]
        self.writers = [Writer(system, number) for number in range(CROWD)]
        self.watchers = [Watcher(system, key) for key in (COUNTER, *(writer.note for writer in self.writers))]
        self.producers = [Producer(system, number) for number in range(2)]
        self.consumers = [Consumer(system) for _ in range(2)]
        self.senders = [Sender(system, number, durable=kind.file is not None) for number in range(2)]
        self.handled: list[object] = []
        self.readers: list[ActorRef] = []
        self.kills: Counter[str] = Counter()
        self.incarnations = Incarnations(system)

    async def open(self, nursery: trio.Nursery, *, delays: bool = True) -> ActorRef:
        """Start the services and those who wait for something; return the supervisor of the tree."""
        tree = await make_tree(self.system, self.kind, self.chance, nursery)
        if not delays:
            (spec,) = tree.args
            assert isinstance(spec, SupervisorSpec)
            tree = attrs.evolve(tree, args=(attrs.evolve(spec, backoff=None, intensity=1_000_000),))
        top = await self.system.start(Supervisor, SupervisorSpec([tree], intensity=0))
        await self.system.start(Receiver, self.handled, name="receiver")
        for number, subscriber in enumerate(self.subscribers):
            if number % 2:
                self.readers.append(await self.system.start(Reader, subscriber.pattern, subscriber.got))
            else:
                await nursery.start(subscriber.read)
        for watcher in self.watchers:
            await nursery.start(watcher.watch)
        return top

    async def live(self, rounds: int, rest: float = REST) -> None:
        """Have everybody do something, and every service killed meanwhile; and again."""
        crowd = [
            *(self.publishers + self.subscribers + self.storers),
            *(self.writers + self.producers + self.consumers + self.senders),
        ]
        for number in range(rounds):
            async with trio.open_nursery() as nursery:
                for one in crowd:
                    nursery.start_soon(one.step, number)
                for service in SERVICES:
                    nursery.start_soon(self.kill, service)
            await trio.sleep(rest)
        put = {text for one in self.producers for text in one.put}
        while {text for one in self.consumers for text in one.leased.values()} != put:
            await self.consumers[0].step(rounds)
            await trio.sleep(1)

    async def kill(self, service: str) -> None:
        """Kill a service at some moment of this round."""
        for _ in range(self.chance.randrange(60)):
            await trio.lowlevel.checkpoint()
        while (ref := self.system.whereis(service)) is None:
            await trio.lowlevel.checkpoint()
        self.incarnations.note(ref)
        ref.kill()
        self.kills[service] += 1

    async def census(self, top: ActorRef, expected: list[object] | None = None) -> list[object]:
        """Return what there is, once nobody is about to end; what is not as *expected* is given some real time.

        The thread of a file is not waited for by virtual time, and somebody may be waiting for it.
        """
        await trio.sleep(1)
        looks = 100
        while True:
            found = [take_census(self.system), len(self.system.processes), await which_children(top)]
            looks -= 1
            if expected is None or found == expected or not looks:
                return found
            await trio.to_thread.run_sync(time.sleep, 0.05)

    async def check(self) -> None:
        """Everybody has what was promised."""
        bus = BusClient(self.system.named("bus"))
        assert sorted(info.pattern for info in await bus.subscriptions()) == sorted(PATTERNS)
        check_topics(self.publishers, self.subscribers)
        await check_notes(SharedMemoryClient(self.system.named("shared_memory")), self.writers, self.watchers)
        await check_messages(
            QueueClient(self.system.named("queue")), self.producers, self.consumers, self.senders, self.handled
        )
        await RouterRef(self.system).drained()
        await check_values(StoreClient(self.system.named("store")), self.storers)
