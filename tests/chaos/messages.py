"""Those of the chaos tests who use the queue and the router."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import trio

from actors.delivery import DeliveryOptions, Guarantee, RouterRef
from actors.queue import LeaseLostError, QueueClient
from tests.chaos.asking import insist

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors import ActorSystem


class Producer:
    """It puts messages into the queue: one of two under ids of its own."""

    def __init__(self, system: ActorSystem, number: int) -> None:
        self.queue = QueueClient(system.named("queue"), sender=f"producer {number}")
        self.number = number
        self.put: list[str] = []

    async def step(self, round_number: int) -> None:
        for turn in range(2):
            text = f"{self.number} {round_number} {turn}"
            own_id = None if self.number else text
            await insist(partial(self.queue.put, "mill", text, id=own_id, max_retries=1_000))
            self.put.append(text)
            await trio.lowlevel.checkpoint()


class Consumer:
    """It leases what is there, and acknowledges it."""

    def __init__(self, system: ActorSystem) -> None:
        self.queue = QueueClient(system.named("queue"))
        self.leased: dict[str, str] = {}
        """What each id stands for."""
        self.acked: list[str] = []

    async def step(self, _round: int) -> None:
        for _ in range(3):
            for lease in await insist(partial(self.queue.lease_many, "mill", 3)):
                self.leased[lease.message.id] = lease.message.payload
                await trio.lowlevel.checkpoint()
                try:
                    await insist(partial(self.queue.ack, lease))
                except LeaseLostError:
                    continue
                self.acked.append(lease.message.payload)


class Sender:
    """It sends messages through the router, each exactly once."""

    def __init__(self, system: ActorSystem, number: int, *, durable: bool) -> None:
        self.router = RouterRef(system)
        self.number = number
        self.options = DeliveryOptions(guarantee=Guarantee.EXACTLY_ONCE, durable=durable, max_retries=100)
        self.sent: list[str] = []

    async def step(self, round_number: int) -> None:
        for turn in range(2):
            text = f"{self.number} {round_number} {turn}"
            receipt = await insist(partial(self.router.send, "receiver", text, self.options, id=text))
            await insist(receipt.acknowledged)
            self.sent.append(text)


async def check_messages(
    queue: QueueClient,
    producers: Sequence[Producer],
    consumers: Sequence[Consumer],
    senders: Sequence[Sender],
    handled: list[object],
) -> None:
    """All that was put was leased and acknowledged, once; all that was sent was handled, once."""
    put = Counter(text for producer in producers for text in producer.put)
    assert set(put.values()) == {1}
    leased = {message_id: text for consumer in consumers for message_id, text in consumer.leased.items()}
    assert Counter(leased.values()) == put
    assert Counter(text for consumer in consumers for text in consumer.acked) <= put
    assert await queue.depth("mill") == 0
    assert await queue.dead_letters() == ()
    assert Counter(handled) == Counter(text for sender in senders for text in sender.sent)
