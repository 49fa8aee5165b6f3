"""Publishers and subscribers of the chaos tests."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Final

import trio

from actors import Actor
from actors.bus import BusClient, OutcomeUnknownError, TopicMessage
from tests.chaos.asking import insist, within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors import ActorSystem
    from actors.bus import Subscription

PATTERNS: Final = {
    "news.*": range(8),
    "news.**": range(8),
    "**": range(8),
    "news.0": [0],
    "news.?": range(8),
    "news.[0-3]": range(4),
    "*.7": [7],
    "news.**.5": [5],
}
"""One for each subscriber, and which publishers it stands for."""


class Publisher:
    """It publishes one number after the other, and notes what it was told about each."""

    def __init__(self, system: ActorSystem, number: int) -> None:
        self.bus = BusClient(system.named("bus"), agent=f"publisher {number}")
        self.topic = f"news.{number}"
        self.numbers = count()
        self.given: list[int] = []
        self.unknown: set[int] = set()
        self.expected = sum(number in publishers for publishers in PATTERNS.values())

    async def step(self, _round: int) -> None:
        for _ in range(3):
            number = next(self.numbers)
            try:
                published = await within(partial(self.bus.publish, self.topic, number))
            except OutcomeUnknownError:
                self.unknown.add(number)
            else:
                assert published == (self.expected, 0)
                self.given.append(number)
            await trio.lowlevel.checkpoint()


class Subscriber:
    """One subscription, and what came of it; now and then another one beside it."""

    def __init__(self, system: ActorSystem, pattern: str) -> None:
        self.bus = BusClient(system.named("bus"), agent=f"subscriber to {pattern}")
        self.pattern = pattern
        self.got: list[TopicMessage] = []
        self.stream: Subscription | None = None

    async def read(self, *, task_status: trio.TaskStatus[None]) -> None:
        self.stream = await self.bus.subscribe(self.pattern)
        async with self.stream:
            task_status.started()
            async for message in self.stream:
                self.got.append(message)

    async def step(self, _round: int) -> None:
        beside = await insist(partial(self.bus.subscribe, f"else.{self.pattern}"))
        await trio.lowlevel.checkpoint()
        await insist(beside.aclose)


class Reader(Actor):
    """A subscriber that is sent the messages."""

    def __init__(self, pattern: str, got: list[TopicMessage]) -> None:
        self.pattern = pattern
        self.got = got

    async def init(self) -> None:
        await BusClient(self.system.named("bus"), agent=self.pattern).subscribe_actor(self.pattern)

    def handle_info(self, message: object) -> None:
        assert isinstance(message, TopicMessage)
        self.got.append(message)


def check_topics(publishers: Sequence[Publisher], subscribers: Sequence[Subscriber]) -> None:
    """Each subscriber has what it was to have: all that was acknowledged, once and in order, and nothing else."""
    for subscriber in subscribers:
        for number, publisher in enumerate(publishers):
            numbers = [message.payload for message in subscriber.got if message.topic == publisher.topic]
            wanted = number in PATTERNS[subscriber.pattern]
            assert numbers == sorted(set(numbers))
            assert set(numbers) >= (set(publisher.given) if wanted else set())
            assert set(numbers) <= (set(publisher.given) | publisher.unknown if wanted else set())
