"""A post office: parcels that durable stations hand on to each other, letters that clerks read, and a depot.

Whoever handles something tells the parent process before it returns, so before anything is acknowledged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import trio
from attrs import evolve, frozen

from actors import Actor, Continue
from actors.delivery import DeliveryOptions, DurableActor, Guarantee, RouterRef
from actors.queue import QueueClient

if TYPE_CHECKING:
    from actors import ActorSystem

STATIONS: Final = tuple(f"station {number}" for number in range(5))
CLERKS: Final = ("clerk 0", "clerk 1")
DEPOT: Final = "depot"
PORTERS: Final = ("porter 0", "porter 1")
HOPS: Final = 3
DELAY: Final = 1800.0
DELAYED: Final = 25
"""One in so many parcels is sent so many seconds later: it comes with the simulated hour."""

GRACE: Final = 0.02
"""Seconds that whoever is killed has to end."""

MANY: Final = 10_000
ONCE: Final = DeliveryOptions(
    guarantee=Guarantee.EXACTLY_ONCE, durable=True, max_retries=MANY, retry_delay=0.002, max_retry_delay=0.02
)
LEAST: Final = DeliveryOptions(durable=True, max_retries=MANY, retry_delay=0.002, max_retry_delay=0.02)


def tell(*words: object) -> None:
    """Write a line to the parent, whole and at once: what was written is there even if this process is killed now."""
    os.write(1, " ".join(map(str, words)).encode() + b"\n")


@frozen
class Parcel:
    """The parcel *number* of a producer, on its way through the stations."""

    producer: str
    number: int
    hop: int = 0

    @property
    def station(self) -> str:
        """Where it goes next."""
        first = sum(self.producer.encode())
        return STATIONS[(first + self.hop) % len(STATIONS)]

    @property
    def id(self) -> str:
        """Under which id it is sent to its first station."""
        return f"{self.producer}-{self.number}"


@frozen
class Letter:
    """The letter *number* of a producer, for a clerk."""

    producer: str
    number: int


class Station(DurableActor):
    """It keeps which parcels it has seen, as ranges of their numbers, and hands them on.

    Now and then it *lingers*: then a kill leaves it behind, and it wants to store something when it has a successor.
    """

    def __init__(self, *, lingers: bool) -> None:
        self._lingers = lingers
        self.seen: dict[str, list[list[int]]] = {}
        self.twice: list[str] = []

    async def handle_cast(self, parcel: Parcel) -> None:
        tell("handled", f"{parcel.producer}/{parcel.hop}", parcel.number)
        if not add(self.seen.setdefault(f"{parcel.producer}/{parcel.hop}", []), parcel.number):
            self.twice.append(f"{parcel.producer}/{parcel.hop}/{parcel.number}")
        if parcel.hop + 1 < HOPS:
            await trio.lowlevel.checkpoint()
            onward = evolve(parcel, hop=parcel.hop + 1)
            await RouterRef(self.system).send(onward.station, onward, ONCE)
        if self._lingers and parcel.number % 50 == 0:
            with trio.CancelScope(shield=True):
                await trio.sleep(4 * GRACE)


class Clerk(Actor):
    """It keeps nothing: what it has read is known to the parent."""

    async def handle_cast(self, letter: Letter) -> None:
        await trio.lowlevel.checkpoint()
        tell("handled", letter.producer, letter.number)


class Porter(Actor):
    """It carries parcels from the depot to their first station, under the ids they have."""

    def init(self) -> Any:
        return Continue("carry")

    async def handle_continue(self, message: str) -> Any:
        queue = QueueClient(self.system.named("queue"))
        for lease in await queue.lease_many(DEPOT, 8, seconds=30, wait=True):
            parcel = Parcel(*lease.message.payload)
            await RouterRef(self.system).send(parcel.station, parcel, ONCE, id=parcel.id)
            await queue.ack(lease)
        return Continue("carry")


def add(ranges: list[list[int]], number: int) -> bool:
    """Add *number* to *ranges*, which are in order; return False if it is there.

    >>> ranges = [[0, 3], [5, 9]]
    >>> add(ranges, 4), add(ranges, 7), ranges
    (True, False, [[0, 9]])
    """
    if any(first <= number <= last for first, last in ranges):
        return False
    ranges.append([number, number])
    ranges.sort()
    joined = [ranges[0]]
    for first, last in ranges[1:]:
        if first == joined[-1][1] + 1:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    ranges[:] = joined
    return True


async def idle(system: ActorSystem) -> None:
    """Wait until nothing is under way any more."""
    queue, router = QueueClient(system.named("queue")), RouterRef(system)
    while True:
        statistics = await queue.statistics()
        await router.drained()
        if statistics.ready + statistics.in_flight == 0 and not router.statistics().pending:
            return
        await trio.sleep(0.01)
