"""What a bus with a lot in it is asked, and how it is closed: everybody else has a turn meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from actors import Actor
from actors import pace as pace_module
from actors.bus import BusClient, BusClosedError, TopicBus, UnknownTopicError
from actors.bus.trie import Trie
from actors.pace import AT_ONCE
from actors.pattern import parse_pattern
from tests.actors.turns import turns_during

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors import ActorSystem

COUNT = 10 * AT_ONCE
TURNS = 5
"""Half of the slices: a task may have its first turn late."""


class Reader(Actor):
    """One actor that has many subscriptions."""

    async def init(self) -> None:
        bus = BusClient(self.system.named("bus"), agent="reader")
        self.subscriptions = [await bus.subscribe(f"orders.{number}") for number in range(COUNT)]

    def handle_call(self, message: object, caller: object) -> object:
        return self.subscriptions


@pytest.fixture(autouse=True)
def slices_of_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every slice be over when the time is looked at, however fast the machine is."""
    monkeypatch.setattr(pace_module, "SLICE_SECONDS", 0.0)


async def test_others_have_their_turn_while_topics_are_listed(bus: BusClient) -> None:
    for number in range(COUNT):
        await bus.publish(f"orders.{number}", "tea")

    assert await turns_during(bus.topics) >= TURNS
    assert await turns_during(lambda: bus.topics("orders.1*")) >= TURNS


async def test_others_have_their_turn_while_subscriptions_are_listed(bus: BusClient) -> None:
    for number in range(COUNT):
        await bus.subscribe(f"orders.{number}")

    assert await turns_during(bus.subscriptions) >= TURNS
    assert await turns_during(lambda: bus.topics(include_inactive=False)) >= TURNS


async def test_others_have_their_turn_while_a_bus_is_closed(bus: BusClient) -> None:
    made = [await bus.subscribe(f"orders.{number}") for number in range(COUNT)]

    assert await turns_during(bus.close) >= TURNS
    assert all(subscription.ended for subscription in made)


async def test_others_have_their_turn_while_an_actor_with_many_subscriptions_ends(
    system: ActorSystem, bus: BusClient
) -> None:
    reader = await system.start(Reader)
    made = await reader.call("subscriptions")
    of_another = await bus.subscribe("orders.*")

    async def end() -> None:
        reader.kill()
        await reader.wait()
        assert await bus.publish("orders.1", "tea") == (1, 0)

    assert await turns_during(end) >= TURNS
    assert all(subscription.ended for subscription in made)
    assert [each.id for each in await bus.subscriptions()] == [of_another.id]


async def test_a_bus_that_is_killed_while_it_ends_the_subscriptions_of_an_actor_ends_the_rest_when_it_is_back(
    system: ActorSystem,
) -> None:
    bus = await system.start(TopicBus, name="bus")
    reader = await system.start(Reader)
    made = await reader.call("subscriptions")

    reader.kill()
    while not made[0].ended:
        await trio.lowlevel.checkpoint()
    assert not made[-1].ended
    bus.kill()
    await bus.wait()
    await system.start(TopicBus, name="bus")

    client = BusClient(system.named("bus"), agent="shop")
    assert await client.publish("orders.1", "tea") == (0, 0)
    assert await client.subscriptions() == ()
    assert all(subscription.ended for subscription in made)


async def test_names_of_many_runs_are_sorted_and_each_is_listed_once(system: ActorSystem) -> None:
    """Also patterns that the bus counts for no more, because it was published to too many topics since."""
    await system.start(TopicBus, max_topics=1_100, name="small")
    small = BusClient(system.named("small"), agent="shop")
    for _ in range(2):
        await small.subscribe("orders.*")
    for number in range(1_200):
        await small.publish(f"bills.{number}", "tea")
    await small.subscribe("bills.1199")

    names = [topic.name for topic in await small.topics()]

    assert names == [*sorted(f"bills.{number}" for number in range(100, 1_200)), "orders.*"]
    assert (await small.topic_statistics("orders.*")).active_subscriptions == 2
    with pytest.raises(UnknownTopicError):
        await small.topic_statistics("orders..*")


async def test_a_listing_is_of_one_moment(bus: BusClient) -> None:
    for number in range(COUNT):
        await bus.publish(f"orders.{number}", "tea")
        await bus.subscribe(f"orders.{number}")
    listed: list[list[str]] = []

    async def list_all() -> None:
        listed.append([topic.name for topic in await bus.topics()])
        listed.append([each.pattern for each in await bus.subscriptions()])

    async def publish_meanwhile() -> None:
        for number in range(COUNT):
            await bus.publish(f"bills.{number}", "tea")
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        await bus.publish("orders.0", "tea")
        nursery.start_soon(list_all)
        await trio.lowlevel.checkpoint()
        nursery.start_soon(publish_meanwhile)

    bills = [name for name in listed[0] if name.startswith("bills")]
    assert sorted(set(listed[0]) - set(bills)) == sorted(f"orders.{number}" for number in range(COUNT))
    assert bills == sorted(f"bills.{number}" for number in range(len(bills)))
    assert listed[1] == [f"orders.{number}" for number in range(COUNT)]


async def test_who_closes_a_bus_that_is_killed_meanwhile_leaves_nobody_waiting(system: ActorSystem) -> None:
    bus = await system.start(TopicBus, name="bus")
    client = BusClient(system.named("bus"), agent="shop")
    made = [await client.subscribe(f"orders.{number}") for number in range(COUNT)]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.close)
        while not (await client.statistics()).closed:
            await trio.lowlevel.checkpoint()
        bus.kill()
    await bus.wait()
    await system.start(TopicBus, name="bus")
    await client.close()

    assert [[message async for message in subscription] for subscription in made] == [[]] * COUNT
    with pytest.raises(BusClosedError):
        await client.publish("orders.1", "tea")


async def test_a_subscription_may_be_ended_while_its_bus_is_being_closed(bus: BusClient) -> None:
    made = [await bus.subscribe(f"orders.{number}") for number in range(COUNT)]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bus.close)
        for subscription in reversed(made):
            nursery.start_soon(subscription.aclose)

    assert all(subscription.ended for subscription in made)
    assert await bus.subscriptions() == ()
    assert await bus.topics() == ()


def test_a_trie_that_is_dismantled_has_nothing_left() -> None:
    trie: Trie[str] = Trie()
    for text in ("a.b", "a.*.b", "a.**.c", "a.t?a*", "a.[x]y.d", "a.[x]z"):
        for key in range(2):
            trie.add(parse_pattern(text).steps, key, text)

    steps: Iterator[None] = trie.dismantle()
    taken = sum(1 for _ in steps)

    assert taken > 12
    assert trie.bare
    assert len(trie) == 0
    assert trie.find(["a", "b"]) == []
