"""A mill that grinds what is in a queue: the queue outlives a kill of its actor, and the end of the program."""

import logging

import trio

from actors import open_system
from actors.queue import MessageStatus, Queue, QueueClient, SqliteStore
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children

TREE = SupervisorSpec([ChildSpec("queue", Queue, (SqliteStore("mill.db"),), name="queue")])


async def mill(queue: QueueClient) -> None:
    while True:
        lease = await queue.lease("mill", seconds=10)
        beans = lease.message.payload
        if beans["kind"] == "stone":
            status = await queue.nack(lease, delay=0, error="the mill does not grind stones")
            print("a stone" + (", for good" if status is MessageStatus.FAILED else ", again later"))
            continue
        print("ground:", beans["grams"], "g of", beans["kind"])
        await queue.ack(lease)


async def first_run() -> None:
    async with open_system() as system:
        shop = await system.start(Supervisor, TREE)
        queue = QueueClient(system.named("queue"), sender="shop")
        await queue.put("mill", {"kind": "arabica", "grams": 250})
        await queue.put("mill", {"kind": "robusta", "grams": 500}, priority=5)
        await queue.put("mill", {"kind": "stone", "grams": 80}, max_retries=2)

        system.named("queue").kill()
        await which_children(shop)
        print(system.whereis("queue"), "has", await queue.depth("mill"), "messages")


async def second_run() -> None:
    async with open_system() as system:
        await system.start(Supervisor, TREE)
        queue = QueueClient(system.named("queue"), sender="shop")
        print("after the program has ended:", await queue.depth("mill"), "messages")

        with trio.move_on_after(1):
            await mill(queue)

        for dead in await queue.dead_letters():
            print("dead letter:", dead.message.payload, "after", dead.message.dequeue_count, "leases:", dead.error)


if __name__ == "__main__":
    logging.disable()  # the kill would be told
    trio.run(first_run)
    trio.run(second_run)
