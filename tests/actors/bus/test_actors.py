"""Subscriptions of actors: what they are sent, and when that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio.testing

from actors import ActorRef, ActorSystem, Mailbox, OutsideActorError
from actors.bus import BusClient, MessagesMissed, Subscription, TopicFilter, TopicMessage
from tests.actors.probe import Probe, received

if TYPE_CHECKING:
    from collections.abc import Callable


def subscribing(pattern: str, **options: Any) -> Callable[[Probe], Any]:
    return lambda me: BusClient(me.system.named("bus"), agent="probe").subscribe_actor(pattern, **options)


async def payloads(probe: ActorRef) -> list[object]:
    got = await probe.call(received)
    return [message.payload if isinstance(message, TopicMessage) else message for message in got]


async def test_an_actor_is_sent_what_is_published(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe)
    subscription_id = await probe.call(subscribing("orders.*", filter=TopicFilter(from_agents=["shop"])))

    assert await bus.publish("orders.new", "tea") == (1, 0)
    assert await bus.publish("orders.new", "rye", from_agent="mill") == (0, 0)

    assert await payloads(probe) == ["tea"]
    (info,) = await bus.subscriptions("probe")
    assert (info.id, info.owner, info.pattern) == (subscription_id, probe, "orders.*")


async def test_an_actor_has_the_name_of_its_subscriptions(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe, name="till")

    await probe.call(lambda me: BusClient(me.system.named("bus")).subscribe_actor("orders"))

    assert [each.agent for each in await bus.subscriptions()] == ["till"]


async def test_an_actor_that_is_behind_is_sent_none_and_learns_how_many_it_missed(
    system: ActorSystem, bus: BusClient
) -> None:
    probe = await system.start(Probe)
    subscription_id = await probe.call(subscribing("orders", buffer_size=2))

    published = [await bus.publish("orders", number) for number in range(5)]
    before = await payloads(probe)
    await bus.publish("orders", 5)
    await bus.publish("orders", 6)

    assert published == [(1, 0), (1, 0), (0, 1), (0, 1), (0, 1)]
    assert before == [0, 1]
    assert await payloads(probe) == [0, 1, MessagesMissed(subscription_id, 3), 5]
    assert [each.dropped for each in await bus.subscriptions()] == [4]


async def test_a_full_mailbox_drops_what_is_published(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe, mailbox=Mailbox(max_messages=1, overflow="reject"))
    await probe.call(subscribing("orders"))

    assert [await bus.publish("orders", number) for number in range(2)] == [(1, 0), (0, 1)]
    await trio.testing.wait_all_tasks_blocked()
    assert await payloads(probe) == [0]


async def test_a_message_whose_time_is_over_is_not_sent(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe)
    await probe.call(subscribing("orders"))

    assert await bus.publish("orders", "old", time=1_000.0, ttl=5) == (0, 0)

    assert await payloads(probe) == []
    assert [each.expired for each in await bus.subscriptions()] == [1]


async def test_a_subscription_ends_with_its_actor(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe)
    await probe.call(subscribing("orders"))
    stream: Subscription = await probe.call(
        lambda me: BusClient(me.system.named("bus"), agent="probe").subscribe("orders")
    )
    await bus.publish("orders", "tea")

    probe.kill()
    await probe.wait()

    assert await bus.subscriptions() == ()
    assert await bus.publish("orders", "milk") == (0, 0)
    assert [message.payload async for message in stream] == ["tea"]


async def test_an_actor_whose_subscriptions_have_ended_is_watched_no_more(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe)
    first, second = await probe.call(subscribing("a")), await probe.call(subscribing("b"))

    await bus.unsubscribe(first)
    watched = bool(probe._process.monitors)
    await bus.unsubscribe(second)

    assert watched
    assert not probe._process.monitors
    assert await bus.publish("a", 1) == (0, 0)


async def test_only_an_actor_can_be_sent_messages(bus: BusClient) -> None:
    with pytest.raises(OutsideActorError):
        await bus.subscribe_actor("orders")


async def test_an_actor_may_publish_to_itself(system: ActorSystem, bus: BusClient) -> None:
    probe = await system.start(Probe, name="till")
    await probe.call(subscribing("orders"))

    await probe.call(lambda me: BusClient(me.system.named("bus")).publish("orders", "tea"))

    (message,) = await probe.call(received)
    assert isinstance(message, TopicMessage)
    assert message.from_agent == "till"


async def test_who_gives_up_subscribing_has_subscribed_to_nothing(system: ActorSystem, bus: BusClient) -> None:
    from actors import resume, suspend  # noqa: PLC0415 -- for this test alone

    ref = system.whereis("bus")
    assert ref is not None
    await suspend(ref)
    with trio.move_on_after(1) as scope:
        await bus.subscribe("orders")
    await resume(ref)

    assert scope.cancelled_caught
    assert await bus.subscriptions() == ()
    assert await bus.publish("orders", "tea") == (0, 0)
