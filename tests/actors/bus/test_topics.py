"""What can be learned of topics, and what closing does."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio

from actors import PatternError, UndefinedHandlerError
from actors.bus import BusClient, BusClosedError, TopicBus, TopicInfo, UnknownSubscriptionError, UnknownTopicError

if TYPE_CHECKING:
    from actors import ActorSystem


async def test_topics_are_what_was_published_and_subscribed_to(bus: BusClient) -> None:
    await bus.subscribe("orders.*")
    await bus.subscribe("bills")
    await bus.publish("orders.new", "tea")

    assert await bus.topics() == (
        TopicInfo("bills", is_pattern=False),
        TopicInfo("orders.*", is_pattern=True),
        TopicInfo("orders.new", is_pattern=False),
    )


async def test_topics_are_listed_by_a_pattern(bus: BusClient) -> None:
    """L-BUS-24; patterns that were subscribed to are names as well."""
    await bus.subscribe("orders.*")
    for topic in ("orders.new", "orders.new.7", "bills"):
        await bus.publish(topic, "tea")

    async def names(pattern: str) -> list[str]:
        return [topic.name for topic in await bus.topics(pattern)]

    assert await names("orders.*") == ["orders.*", "orders.new"]
    assert await names("orders.**") == ["orders.*", "orders.new", "orders.new.7"]
    assert await names("bills") == ["bills"]
    assert len(await names("**")) == 4
    with pytest.raises(PatternError, match=r"'a\.\.b' is no pattern: segment 2 is empty"):
        await bus.topics("a..b")


async def test_topics_that_nobody_has_subscribed_to_now_can_be_left_out(bus: BusClient) -> None:
    """L-BUS-24."""
    ended = await bus.subscribe("bills.*")
    await bus.subscribe("orders.*")
    for topic in ("orders.new", "bills.new", "news"):
        await bus.publish(topic, "tea")
    await ended.aclose()

    assert [topic.name for topic in await bus.topics(include_inactive=False)] == ["orders.*", "orders.new"]
    assert [topic.name for topic in await bus.topics("*.new", include_inactive=False)] == ["orders.new"]


async def test_the_subscribers_of_a_topic_are_those_of_its_patterns_too(bus: BusClient) -> None:
    await bus.subscribe("orders.*")
    await bus.subscribe("**", buffer_size=1)
    await bus.subscribe("orders.new")
    for _ in range(2):
        await bus.publish("orders.new", "tea")

    topic, pattern = await bus.topic_statistics("orders.new"), await bus.topic_statistics("orders.*")

    assert (topic.published, topic.delivered, topic.dropped, topic.active_subscriptions) == (2, 5, 1, 3)
    assert (pattern.published, pattern.delivered, pattern.active_subscriptions) == (0, 0, 1)


async def test_a_topic_knows_when_it_was_first_heard_of_and_last_published_to(bus: BusClient) -> None:
    await bus.subscribe("orders")
    silent = await bus.topic_statistics("orders")
    await trio.sleep(10)
    await bus.publish("orders", "tea")
    loud = await bus.topic_statistics("orders")

    assert silent.last_publish_at == 0
    assert loud.last_publish_at - loud.created_at == pytest.approx(10)
    assert loud.created_at == silent.created_at


async def test_an_unknown_topic_is_an_error(bus: BusClient) -> None:
    await bus.subscribe("**")

    with pytest.raises(UnknownTopicError, match="nothing was published or subscribed to 'orders'") as refused:
        await bus.topic_statistics("orders")

    assert refused.value.topic == "orders"


async def test_of_too_many_topics_the_oldest_are_forgotten(system: ActorSystem) -> None:
    await system.start(TopicBus, max_topics=2, name="bus")
    bus = BusClient(system.named("bus"), agent="shop")
    for topic in "abc":
        await bus.publish(topic, "tea")

    assert [topic.name for topic in await bus.topics()] == ["b", "c"]
    await bus.publish("a", "tea")
    assert (await bus.topic_statistics("a")).published == 1
    assert (await bus.statistics()).published == 4


async def test_totals_are_of_all_topics(bus: BusClient) -> None:
    await bus.subscribe("**", buffer_size=1)
    await bus.publish("a", 1)
    await bus.publish("b", 2)

    totals = await bus.statistics()

    assert (totals.published, totals.delivered, totals.dropped, totals.subscriptions, totals.topics) == (2, 1, 1, 1, 3)


async def test_the_subscriptions_of_an_agent_are_its_own(bus: BusClient) -> None:
    mine = await bus.subscribe("orders", agent="till")
    await bus.subscribe("orders", agent="mill")

    (info,) = await bus.subscriptions("till")

    assert (info.id, info.agent, info.overflow, info.buffer_size) == (mine.id, "till", "drop_newest", 100)
    assert await bus.subscriptions("bill") == ()
    assert len(await bus.subscriptions()) == 2


async def test_a_closed_bus_ends_its_subscriptions_and_refuses_more(
    bus: BusClient, caplog: pytest.LogCaptureFixture
) -> None:
    orders = await bus.subscribe("orders")
    await bus.publish("orders", "tea")
    with caplog.at_level(logging.INFO, "actors"):
        await bus.close()
    await bus.close()

    assert [message.payload async for message in orders] == ["tea"]
    for refused in (bus.publish("orders", "milk"), bus.subscribe("orders")):
        with pytest.raises(BusClosedError, match="is closed"):
            await refused
    assert await bus.subscriptions() == ()
    assert await bus.topics() == ()
    assert (await bus.statistics()).closed
    assert caplog.messages == ["<bus #2> is closed; 1 messages were published, 1 delivered and 0 dropped"]


async def test_a_subscription_can_be_ended_once_after_the_bus_was_closed(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.close()

    await bus.unsubscribe(orders.id)
    with pytest.raises(UnknownSubscriptionError):
        await bus.unsubscribe(orders.id)


async def test_a_bus_refuses_what_it_does_not_know_and_lives(system: ActorSystem, bus: BusClient) -> None:
    ref = system.named("bus")

    with pytest.raises(UndefinedHandlerError, match="is a topic bus, and knows no 'what'"):
        await ref.call("what")
    ref.cast("what")
    ref.send("what")

    assert await bus.publish("orders", "tea") == (0, 0)
    assert ref.alive
