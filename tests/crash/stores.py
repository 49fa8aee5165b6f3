"""All that is stored before it returns, one after the other: ``python -m tests.crash.stores FILE``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import trio

from actors import open_system
from actors.delivery import DeliveryOptions, DurableActor, Router, RouterConfig, RouterRef
from actors.queue import Queue, QueueClient, SqliteStore
from tests.crash.post import tell

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import Caller

DURABLE: Final = DeliveryOptions(durable=True)
TIMES: Final = 5
HOUR: Final = 3600.0


class Till(DurableActor):
    """It is paid into by calls."""

    def __init__(self) -> None:
        self.balance = 0

    def handle_call(self, message: int, caller: Caller) -> int:
        self.balance += message
        return self.balance


async def main(file: str) -> None:
    async with open_system() as system:
        await system.start(Router, RouterConfig(database=file), name="router")
        await system.start(Queue, SqliteStore(file), name="queue")
        till = await system.start(Till, name="till")
        queue, router = QueueClient(system.named("queue")), RouterRef(system)
        works: dict[str, Callable[[], Awaitable[Any]]] = {
            "put": lambda: queue.put("nobody", "tea"),
            "send": lambda: router.send("till", "tea", DURABLE, delay=HOUR),
            "call": lambda: till.call(1),
        }
        for number in range(TIMES):
            for name, work in works.items():
                tell("begin", name, number)
                await work()
                tell("end", name, number)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
