"""A node with every service, in each of which there is something to see."""

import sys
from contextlib import suppress

from actors import Actor
from actors.bus import BusClient
from actors.delivery import BreakerOptions, DeliveryFailedError, DeliveryOptions, RouterConfig, RouterRef
from actors.queue import MemoryStore, QueueClient
from actors.shared_memory import MemoryEntries, Namespace, SharedMemoryClient
from actors.store import MemoryReferenceStore, StoreClient
from supervision import ChildSpec, SupervisorSpec
from supervision.services import service_tree


class Till(Actor):
    """Takes orders."""

    async def init(self) -> None:
        """Subscribe to the stock."""
        self.orders = 0
        bus = BusClient(self.system.named("bus"), agent="till")
        await bus.subscribe_actor("stock.*")

    def handle_cast(self, order: object) -> None:
        """Count an order."""
        self.orders += 1


class Oven(Actor):
    """Fails at everything."""

    def handle_cast(self, loaf: object) -> None:
        """Fail."""
        raise ValueError("the oven is cold")


class Filler(Actor):
    """Puts something into every service."""

    async def init(self) -> None:
        """Fill them, and say so."""
        system = self.system
        queue = QueueClient(system.named("queue"), sender="filler")
        for number in range(3):
            await queue.put("mill", {"kind": "arabica"}, id=f"mill-{number}", type="grind")
        await queue.put("oven", {"loaf": 1}, id="oven-0", type="bake")
        self.lease = await queue.lease("mill", seconds=300.0)
        await queue.reject(await queue.lease("oven"), "the oven is cold")
        store = StoreClient(system.named("store"))
        for size in (100, 50_000):
            await store.store(b"x" * size)
        notes = SharedMemoryClient(system.named("shared_memory"), "filler")
        for text in (b"no", b"yes"):
            await notes.put(Namespace.GLOBAL, "open", text)
        await notes.put(Namespace.SESSION, "draft.one", b"...", scope="s1")
        await notes.watch_actor(Namespace.GLOBAL)
        bus = BusClient(system.named("bus"), agent="filler")
        self.subscription = await bus.subscribe("stock.*")
        for topic in ("stock.new", "stock.new", "news"):
            await bus.publish(topic, {"loaves": 3})
        router = RouterRef(system)
        await router.send("till", "good")
        await router.send("oven", "bad", DeliveryOptions(max_retries=1, expires_after=60.0), id="bad-one")
        lost = await router.send("nobody", "lost", DeliveryOptions(max_retries=1, retry_delay=0.001), id="lost-one")
        with suppress(DeliveryFailedError):
            await lost.acknowledged()
        sys.stdout.write("open\n")
        sys.stdout.flush()


tree = SupervisorSpec(
    [
        service_tree(
            RouterConfig(breaker=BreakerOptions(failure_threshold=1)),
            store=MemoryReferenceStore(),
            shared_memory=MemoryEntries(),
            bus=True,
            queue=MemoryStore(),
        ),
        ChildSpec("till", Till, name="till"),
        ChildSpec("oven", Oven, name="oven"),
        ChildSpec("filler", Filler, name="filler"),
    ],
    intensity=20,
)
