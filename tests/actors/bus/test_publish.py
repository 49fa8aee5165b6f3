"""Who receives what is published, and what becomes of the rest."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from actors import ActorSystem, PatternError, open_system
from actors.bus import (
    BadTopicError,
    BusClient,
    BusRequestError,
    Subscription,
    TopicBus,
    TopicFilter,
    TopicMessage,
    UnknownSubscriptionError,
)
from actors.bus.subscription import AT_ONCE


def payloads(subscription: Subscription) -> list[Any]:
    """Return what waits."""
    return [subscription.receive_nowait().payload for _ in range(subscription.waiting)]


async def test_a_message_reaches_all_who_subscribed_and_nobody_else(bus: BusClient) -> None:
    first, second = await bus.subscribe("orders.new"), await bus.subscribe("orders.*")
    other = await bus.subscribe("orders.old")

    published = await bus.publish("orders.new", "tea")

    assert published == (2, 0)
    assert [payloads(each) for each in (first, second, other)] == [["tea"], ["tea"], []]


async def test_a_message_says_all_that_was_said_and_the_rest_by_itself(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    before = (await bus.subscribe("x")).created_at

    await bus.publish("orders", "tea", metadata={"shop": "left"}, ttl=5)
    await bus.publish("orders", "milk", from_agent="mill", id="7", time=12.5)

    first, second = await anext(orders), await anext(orders)
    assert (first.topic, first.payload, first.from_agent, first.metadata) == ("orders", "tea", "shop", {"shop": "left"})
    assert first.time == pytest.approx(before)
    assert first.ttl == 5
    assert first.id
    assert (second.from_agent, second.id, second.time) == ("mill", "7", 12.5)


async def test_metadata_that_are_changed_later_reach_nobody(bus: BusClient) -> None:
    orders = await bus.subscribe("orders", filter=TopicFilter(metadata={"shop": "left"}))
    metadata = {"shop": "left"}
    await bus.publish("orders", "tea", metadata=metadata)
    metadata["shop"] = "right"

    assert (await anext(orders)).metadata == {"shop": "left"}


async def test_messages_without_metadata_share_none(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    for _ in range(2):
        await bus.publish("orders", "tea")
    first, second = orders.receive_nowait(), orders.receive_nowait()

    assert first.metadata == second.metadata == {}
    assert first.metadata is not second.metadata


async def test_what_nobody_subscribed_to_is_counted_all_the_same(bus: BusClient) -> None:
    assert await bus.publish("orders", "tea") == (0, 0)
    assert (await bus.topic_statistics("orders")).published == 1


async def test_two_subscriptions_of_one_agent_get_a_copy_each_and_publishers_their_own(bus: BusClient) -> None:
    exact, wide = await bus.subscribe("orders"), await bus.subscribe("**")

    assert await bus.publish("orders", "tea") == (2, 0)
    assert payloads(exact) == payloads(wide) == ["tea"]


async def test_what_finds_no_room_is_dropped_for_that_subscription_only(bus: BusClient) -> None:
    small, large = await bus.subscribe("orders", buffer_size=2), await bus.subscribe("orders")

    published = [await bus.publish("orders", number) for number in range(4)]

    assert published == [(2, 0), (2, 0), (1, 1), (1, 1)]
    assert (payloads(small), payloads(large)) == ([0, 1], [0, 1, 2, 3])
    assert (small.dropped, large.dropped) == (2, 0)


async def test_the_oldest_gives_way_where_that_was_chosen(bus: BusClient) -> None:
    latest = await bus.subscribe("orders", buffer_size=2, overflow="drop_oldest")

    published = [await bus.publish("orders", number) for number in range(4)]

    assert published == [(1, 0), (1, 0), (1, 1), (1, 1)]
    assert (payloads(latest), latest.dropped) == ([2, 3], 2)


async def test_a_filter_counts_neither_as_delivered_nor_as_dropped(bus: BusClient) -> None:
    mine = await bus.subscribe("orders", filter=TopicFilter(from_agents=["mill"], max_size=3), buffer_size=1)

    assert await bus.publish("orders", "tea") == (0, 0)
    assert await bus.publish("orders", "coffee", from_agent="mill") == (0, 0)
    assert await bus.publish("orders", "tea", from_agent="mill") == (1, 0)
    assert await bus.publish("orders", "rye", from_agent="mill") == (0, 1)
    assert payloads(mine) == ["tea"]


async def test_a_message_whose_time_is_over_is_dropped_when_it_is_to_be_received(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.publish("orders", "short", ttl=5)
    await bus.publish("orders", "long", ttl=50)
    await bus.publish("orders", "for ever")

    await trio.sleep(10)

    assert (await anext(orders)).payload == "long"
    assert (orders.expired, orders.dropped) == (1, 0)
    await trio.sleep(1_000)
    assert (await anext(orders)).payload == "for ever"


def test_a_message_is_received_until_the_very_end_of_its_time() -> None:
    """Y8: expired means strictly later."""
    message = TopicMessage("orders", "tea", "shop", {}, 1_000.0, 5.0, "1")

    assert [message.expired(now) for now in (1_004.0, 1_005.0, 1_005.000001)] == [False, False, True]


async def test_who_waits_goes_on_when_a_message_comes(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    got: list[object] = []

    async def receive() -> None:
        async for message in orders:
            got.append(message.payload)  # noqa: PERF401 -- it is looked at meanwhile

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await wait_all_tasks_blocked()
        await bus.publish("orders", "tea")
        await wait_all_tasks_blocked()
        assert got == ["tea"]
        await bus.publish("orders", "milk")
        await orders.aclose()

    assert got == ["tea", "milk"]


async def test_a_receiver_that_is_cancelled_has_taken_nothing(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    with trio.move_on_after(1) as scope:
        await anext(orders)

    await bus.publish("orders", "tea")

    assert scope.cancelled_caught
    assert payloads(orders) == ["tea"]


async def test_only_one_task_can_wait(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(anext, orders)
        await wait_all_tasks_blocked()

        with pytest.raises(trio.BusyResourceError, match="another task waits"):
            await anext(orders)

        assert await bus.publish("orders", "tea") == (1, 0)


async def test_a_receiver_lets_others_have_their_turn(bus: BusClient) -> None:
    orders = await bus.subscribe("orders", buffer_size=1_000)
    for number in range(1_000):
        await bus.publish("orders", number)
    seen_after: list[int] = []

    async def count() -> None:
        seen_after.append(1_000 - orders.waiting)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        for _ in range(1_000):
            await anext(orders)

    # Trio runs those who are ready in any order, so the receiver may have two turns in a row.
    assert 0 <= seen_after[0] <= 2 * (AT_ONCE + 1)


async def test_ten_publishers_lose_nothing_and_keep_their_order(bus: BusClient) -> None:
    orders = await bus.subscribe("orders.*", buffer_size=1_000)

    async def publish(publisher: int) -> None:
        for number in range(10):
            await bus.publish(f"orders.{publisher}", number)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for publisher in range(10):
            nursery.start_soon(publish, publisher)

    got = [orders.receive_nowait() for _ in range(orders.waiting)]
    assert len(got) == 100
    for publisher in range(10):
        assert [each.payload for each in got if each.topic == f"orders.{publisher}"] == list(range(10))


async def test_a_subscription_says_what_it_is_for_and_takes_nothing_itself(bus: BusClient) -> None:
    """L-BUS-5, 25."""
    mine = TopicFilter(from_agents=["mill"])

    orders = await bus.subscribe("orders.*", agent="till", filter=mine)

    assert (orders.agent, orders.pattern, orders.filter) == ("till", "orders.*", mine)
    assert orders.id == (await bus.subscriptions("till"))[0].id
    assert orders.created_at == (await bus.subscriptions("till"))[0].created_at
    assert [name for name in dir(orders) if "send" in name or "put" in name or "publish" in name] == []


# -- ending


async def test_what_is_in_the_buffer_can_be_received_after_the_end(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.publish("orders", "tea")

    await bus.unsubscribe(orders.id)

    assert await bus.publish("orders", "milk") == (0, 0)
    assert [message.payload async for message in orders] == ["tea"]
    with pytest.raises(trio.EndOfChannel):
        orders.receive_nowait()


async def test_a_subscription_is_ended_by_its_block(bus: BusClient) -> None:
    async with await bus.subscribe("orders") as orders:
        with pytest.raises(trio.WouldBlock):
            orders.receive_nowait()

    assert orders.ended
    assert await bus.subscriptions() == ()
    await orders.aclose()


async def test_who_ends_a_subscription_is_told_what_there_was_of_it(bus: BusClient) -> None:
    """L-BUS-24."""
    orders = await bus.subscribe("orders", buffer_size=3)
    await bus.publish("orders", "short", ttl=5)
    for number in range(4):
        await bus.publish("orders", number)
    await trio.sleep(10)
    await anext(orders)

    assert await bus.unsubscribe(orders.id) == (1, 2, 1)
    assert orders.waiting == 1


async def test_who_subscribes_is_told_how_many_have_subscribed_to_the_same(bus: BusClient) -> None:
    """L-BUS-24."""
    patterns = ["orders", "orders.*", "orders", "or*s"]

    made = [await bus.subscribe(pattern) for pattern in patterns]
    await made[0].aclose()

    assert [each.subscribers for each in [*made, await bus.subscribe("orders")]] == [1, 1, 2, 1, 2]


async def test_a_subscription_cannot_be_ended_twice_by_its_id(bus: BusClient) -> None:
    orders = await bus.subscribe("orders")
    await bus.unsubscribe(orders.id)

    for unknown in (orders.id, "unknown"):
        with pytest.raises(UnknownSubscriptionError, match=f"<bus #2> has no subscription '{unknown}'") as refused:
            await bus.unsubscribe(unknown)
        assert refused.value.subscription_id == unknown


async def test_the_end_of_the_system_ends_subscriptions(autojump_clock: trio.testing.MockClock) -> None:
    async with open_system() as system:
        await system.start(TopicBus, name="bus")
        orders = await BusClient(system.named("bus"), agent="shop").subscribe("orders")

    assert [message async for message in orders] == []


# -- what is refused


@pytest.mark.parametrize("topic", ["", "a..b", "orders.*", "t" * 10_000, 7, ["orders"]])
async def test_a_topic_that_is_none_is_refused_and_the_bus_lives(bus: BusClient, topic: Any) -> None:
    with pytest.raises(BadTopicError, match="topic"):
        await bus.publish(topic, "tea")

    assert (await bus.statistics()).published == 0


@pytest.mark.parametrize("pattern", ["", "a..b", "a**", "[", "t" * 10_000, None])
async def test_a_malformed_pattern_is_refused_when_it_is_subscribed_to(bus: BusClient, pattern: Any) -> None:
    with pytest.raises(PatternError, match="pattern"):
        await bus.subscribe(pattern)

    assert await bus.topics() == ()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"metadata": {"shop": 7}}, "metadata of a message to orders is {'shop': 7}"),
        ({"metadata": ["shop"]}, "allowed is a dict of str to str"),
        ({"ttl": -1}, "ttl of a message to orders is -1"),
        ({"ttl": float("nan")}, "ttl of a message to orders is nan"),
        ({"ttl": "5"}, "ttl of a message to orders is '5'"),
        ({"time": "now"}, "time of a message to orders is 'now'"),
        ({"id": ""}, "id of a message to orders is ''"),
        ({"from_agent": 7}, "agent of a message to orders is 7"),
    ],
)
async def test_a_message_that_makes_no_sense_is_refused(bus: BusClient, given: dict[str, Any], why: str) -> None:
    with pytest.raises(BusRequestError, match=why):
        await bus.publish("orders", "tea", **given)


async def test_who_publishes_has_to_be_said(system: ActorSystem, bus: BusClient) -> None:
    """L-BUS-23."""
    nobody = BusClient(system.named("bus"))

    with pytest.raises(BusRequestError, match="a message to 'orders' needs the name of an agent; got ''"):
        await nobody.publish("orders", "tea")
    assert await nobody.publish("orders", "tea", from_agent="mill") == (0, 0)
    with pytest.raises(BusRequestError, match="needs the name of an agent"):
        await bus.publish("orders", "tea", from_agent="")
    assert (await bus.statistics()).published == 1


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"agent": ""}, "subscription to 'orders' needs the name of an agent; got ''"),
        ({"agent": 7}, "got 7"),
        ({"filter": {}}, "is a TopicFilter, or None; got {}"),
        ({"buffer_size": 1.5}, "for 1.5 messages"),
        ({"buffer_size": True}, "for True messages"),
        ({"overflow": "wait"}, "is 'wait'; allowed is 'drop_newest' or 'drop_oldest', for nobody waits"),
        ({"overflow": "reject"}, "is 'reject'"),
    ],
)
async def test_a_subscription_that_makes_no_sense_is_refused(bus: BusClient, given: dict[str, Any], why: str) -> None:
    with pytest.raises(BusRequestError, match=why):
        await bus.subscribe("orders", **given)


async def test_a_buffer_of_no_size_has_the_usual_one(bus: BusClient) -> None:
    await bus.subscribe("orders", buffer_size=0)
    await bus.subscribe("orders", buffer_size=-3)

    assert [each.buffer_size for each in await bus.subscriptions()] == [100, 100]


@pytest.mark.parametrize("unknown", ["", None])
async def test_an_id_that_is_none_is_refused(bus: BusClient, unknown: Any) -> None:
    with pytest.raises(BusRequestError, match="id of a subscription"):
        await bus.unsubscribe(unknown)


async def test_a_client_says_what_it_is_made_of(system: ActorSystem) -> None:
    with pytest.raises(TypeError, match=r"BusClient is of an ActorRef or a NameRef \(system.named\(...\)\); got 'bus'"):
        BusClient("bus")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="agent of a BusClient is a str; got 7"):
        BusClient(system.named("bus"), agent=7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="TopicBus: max_topics is 0; allowed is an int of 1 or more"):
        await system.start(TopicBus, max_topics=0)


# -- the bus beside a model of it

TOPICS = ["a", "b", "a.a", "a.b", "b.a.a"]
PATTERNS = [*TOPICS, "*", "a.*", "**", "*.**", "**.a", "[ab].?"]
subscribing = st.tuples(st.just("subscribe"), st.sampled_from(PATTERNS), st.integers(1, 3))
steps = st.one_of(
    subscribing,
    st.tuples(st.just("publish"), st.sampled_from(TOPICS), st.just(0)),
    st.tuples(st.just("end"), st.integers(0, 9), st.just(0)),
    st.tuples(st.just("receive"), st.integers(0, 9), st.just(0)),
)


@pytest.mark.slow
@given(st.lists(steps, max_size=30))
def test_what_is_delivered_and_dropped_is_as_patterns_and_buffers_say(script: list[tuple[str, Any, int]]) -> None:
    trio.run(beside_a_model, script)


async def beside_a_model(script: list[tuple[str, Any, int]]) -> None:
    from actors.pattern import parse_pattern  # noqa: PLC0415 -- the model's own way to match

    async with open_system() as system:
        await system.start(TopicBus, name="bus")
        bus = BusClient(system.named("bus"), agent="shop")
        model: list[tuple[Subscription, int, list[int]]] = []
        for number, (what, argument, size) in enumerate(script):
            if what == "subscribe":
                model.append((await bus.subscribe(argument, buffer_size=size), size, []))
            elif what == "publish":
                meant = [each for each in model if parse_pattern(each[0].pattern).matches(argument)]
                fit = [each for each in meant if len(each[2]) < each[1]]
                for each in fit:
                    each[2].append(number)
                assert await bus.publish(argument, number) == (len(fit), len(meant) - len(fit))
            elif model:
                subscription, _, expected = model[argument % len(model)]
                assert payloads(subscription) == expected
                expected.clear()
                if what == "end":
                    del model[argument % len(model)]
                    await bus.unsubscribe(subscription.id)
        for subscription, _, expected in model:
            assert payloads(subscription) == expected


def test_messages_are_values() -> None:
    assert TopicMessage("t", 1, "", {}, 0.0, 0.0, "1") == TopicMessage("t", 1, "", {}, 0.0, 0.0, "1")
