"""A bus with many topics and subscriptions: what it looks at, counted and not timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors.bus import BusClient, TopicBus
from actors.bus.trie import Node, Trie
from actors.pattern import parse_pattern

if TYPE_CHECKING:
    from actors import ActorSystem


@pytest.mark.parametrize("others", ["other.{}", "room{}.*", "news.t?-{}", "news.x{}*", "**.room{}.late"])
def test_patterns_that_do_not_match_are_not_looked_at(monkeypatch: pytest.MonkeyPatch, others: str) -> None:
    looks: list[object] = []
    follow = Node.follow

    def counted(self: Node[Any], item: str, found: dict[Node[Any], None]) -> None:
        looks.append(item)
        follow(self, item, found)

    monkeypatch.setattr(Node, "follow", counted)
    costs = []
    for count in (10, 1_000):
        trie: Trie[str] = Trie()
        for number in range(count):
            trie.add(parse_pattern(others.format(number)).steps, number, "other")
        trie.add(parse_pattern("news.*").steps, "mine", "mine")
        looks.clear()
        assert trie.find(["news", "today"]) == ["mine"]
        costs.append(len(looks))

    assert costs[0] == costs[1]


async def test_who_has_the_messages_of_a_topic_is_found_once(
    system: ActorSystem, bus: BusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    finds: list[object] = []
    find = Trie.find

    def counted(self: Trie[Any], items: Any) -> Any:
        finds.append(items)
        return find(self, items)

    monkeypatch.setattr(Trie, "find", counted)
    await bus.subscribe("orders.*")

    for _ in range(3):
        await bus.publish("orders.new", "tea")
    before = len(finds)
    await bus.subscribe("bills")
    await bus.publish("orders.new", "tea")

    assert (before, len(finds)) == (1, 2)


@pytest.mark.slow
async def test_topics_without_end_are_forgotten_but_not_the_one_in_use(system: ActorSystem) -> None:
    await system.start(TopicBus, max_topics=100, name="bus")
    bus = BusClient(system.named("bus"), agent="shop")
    hot = await bus.subscribe("hot", buffer_size=10_000)

    for number in range(3_000):
        await bus.publish(f"once.{number}", number)
        await bus.publish("hot", number)

    assert len(await bus.topics()) == 100
    assert (await bus.topic_statistics("hot")).delivered == 3_000
    assert hot.waiting == 3_000
    assert (await bus.statistics()).published == 6_000


async def test_of_subscriptions_that_ended_nothing_is_left(system: ActorSystem, bus: BusClient) -> None:
    for pattern in ("a.b", "a.*", "**.c", "x[ab]?.*.d"):
        async with await bus.subscribe(pattern):
            await bus.publish("a.b", 1)
    ref = system.whereis("bus")
    assert ref is not None
    index = ref._process.actor.index  # type: ignore[attr-defined]

    assert len(index) == 0
    assert index._trie.bare
    assert index.entries == {}
    assert system.heirlooms["bus: subscriptions"].length == 0
