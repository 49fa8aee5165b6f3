"""A program with all services in one file, which may fail twice in a minute: ``python -m tests.chaos.shop FILE``.

What it finds of an earlier run it prints. Then it has something done by each service, prints what was acknowledged,
and kills one of them again and again, until the tree gives up.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

import trio

from actors import Actor, ActorSystem
from actors.bus import BusClient
from actors.delivery import DeliveryOptions, RouterConfig, RouterRef
from actors.queue import QueueClient, SqliteStore
from actors.shared_memory import Namespace, SharedMemoryClient, SqliteEntries
from actors.store import SqliteReferenceStore, StoreClient
from supervision import ChildSpec, SupervisorSpec, launch, service_tree

if TYPE_CHECKING:
    from os import PathLike

    from actors.bus import Subscription

INTENSITY: Final = 2
DURABLE: Final = DeliveryOptions(durable=True)
GLOBAL: Final = Namespace.GLOBAL


def services(file: str | PathLike[str], *, inline: bool = False) -> ChildSpec:
    """Return the tree of the services, which gives up at the third failure in a minute."""
    return service_tree(
        RouterConfig(database=str(file)),
        store=SqliteReferenceStore(file, inline=inline),
        shared_memory=SqliteEntries(file, inline=inline),
        bus=True,
        queue=SqliteStore(file, inline=inline),
        intensity=INTENSITY,
    )


async def do_something(system: ActorSystem) -> Subscription:
    """Have each service accept something, and return when all of that is acknowledged."""
    reference = await StoreClient(system.named("store")).store(b"tea")
    notes = SharedMemoryClient(system.named("shared_memory"), "clerk")
    await notes.put(GLOBAL, "stock", reference.id.encode())
    await notes.put(GLOBAL, "stock", reference.id.encode())
    await QueueClient(system.named("queue")).put("mill", "beans")
    await RouterRef(system).send("oven", "dough", DURABLE)
    return await BusClient(system.named("bus"), agent="clerk").subscribe("stock.*")


async def find(system: ActorSystem) -> list[object]:
    """Return what there is of that."""
    found = await SharedMemoryClient(system.named("shared_memory"), "clerk").get(GLOBAL, "stock")
    if found is None:
        return []
    store = StoreClient(system.named("store"))
    values = [
        await store.resolve(reference) for reference in await store.list() if reference.id == found.value.decode()
    ]
    lease = await QueueClient(system.named("queue")).lease("mill")
    return [found.version, *values, lease.message.payload, RouterRef(system).statistics().pending]


async def kill_again_and_again(system: ActorSystem, service: str) -> None:
    """Kill a service whenever it is there, for ever."""
    while True:
        if (ref := system.whereis(service)) is not None:
            ref.kill()
        await trio.sleep(0.001)


class Clerk(Actor):
    """The application."""

    def init(self) -> None:
        self.ref.send("work")

    async def handle_info(self, message: object) -> None:
        say("found", *await find(self.system))
        await do_something(self.system)
        say("acknowledged")
        await kill_again_and_again(self.system, "store")


def say(*words: object) -> None:
    """Tell the test at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def main(file: str) -> None:
    logging.basicConfig(format="%(message)s")
    launch(SupervisorSpec([services(file), ChildSpec("clerk", Clerk)], intensity=0), listen=False)


if __name__ == "__main__":
    main(sys.argv[1])
