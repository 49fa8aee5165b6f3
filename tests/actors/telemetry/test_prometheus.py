"""Metrics: what is counted and timed, under labels of which there are only so many."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import prometheus_client
import pytest
import trio
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import wait_all_tasks_blocked

from actors import Actor
from actors.bus import BusClient, TopicBus
from actors.delivery import BreakerOptions, DeliveryFailedError, DeliveryOptions, Router, RouterConfig, RouterRef
from actors.queue import MemoryStore, Queue, QueueClient
from actors.telemetry import (
    MESSAGES,
    QUEUE_DEQUEUE,
    Event,
    HandlerNotFoundError,
    HandlerTakenError,
    InvalidHandlerError,
    Span,
    new_context,
)
from actors.telemetry.census import AT_ONCE
from actors.telemetry.prometheus import Prometheus
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.delivery.receivers import Fragile, Receiver
from tests.actors.turns import another_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors import ActorSystem, Caller


@contextmanager
def scraped(system: ActorSystem, **options: Any) -> Iterator[Prometheus]:
    metrics = Prometheus(system, **options)
    metrics.attach()
    try:
        yield metrics
    finally:
        metrics.detach()


async def samples(metrics: Prometheus) -> dict[tuple[str, ...], float]:
    """Return the metrics by their names and the values of their labels, in the order of the labels' names."""
    text = (await metrics.text()).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Till(Actor):
    """Handles what it is sent, at once or when it is told to."""

    def __init__(self, gate: trio.Event | None = None) -> None:
        self.gate = gate

    async def handle_cast(self, message: object) -> None:
        if self.gate is not None:
            await self.gate.wait()

    def handle_call(self, message: object, caller: Caller) -> object:
        return message


async def test_mailboxes_and_throughput_are_told_by_class(system: ActorSystem) -> None:
    gate = trio.Event()
    with scraped(system) as metrics:
        full, half = await system.start(Till, gate), await system.start(Till, gate)
        for number in range(5):
            full.cast(number)
        for number in range(3):
            half.cast(number)
        await wait_all_tasks_blocked()
        found = await samples(metrics)
        gate.set()
        await wait_all_tasks_blocked()
        later = await samples(metrics)

    assert found["actors_alive", "Till"] == 2
    assert found["actors_mailbox_messages", "Till"] == 6
    assert found["actors_mailbox_deepest", "Till"] == 4
    assert later["actors_mailbox_messages", "Till"] == 0
    assert later["actors_messages_handled_total", "Till"] == 8


async def test_a_total_counts_the_dead_and_never_falls(system: ActorSystem) -> None:
    before: dict[tuple[str, ...], float] = {}
    with scraped(system) as metrics:
        for _ in range(3):
            till = await system.start(Till)
            await till.call("ring")
            await till.call("ring")
            before = await samples(metrics)
            till.kill()
            await till.wait()
        found = await samples(metrics)

    assert before["actors_messages_handled_total", "Till"] == 6
    assert found["actors_messages_handled_total", "Till"] == 6
    assert found["actors_alive", "Till"] == 0


async def test_restarts_and_dead_letters_are_counted(system: ActorSystem) -> None:
    with scraped(system) as metrics:
        shop = await system.start(Supervisor, SupervisorSpec([ChildSpec("till", Till, name="till")]))
        till = system.whereis("till")
        assert till is not None
        till.kill()
        await which_children(shop)
        till.cast("too late")
        found = await samples(metrics)

    assert found["actors_restarts_total", "Till"] == 1
    assert found["actors_dead_letters_total",] == 1
    assert found["actors_events_total", "supervisor.restarted"] == 1


async def test_a_breaker_that_is_open_is_shown_until_it_is_closed(system: ActorSystem) -> None:
    config = RouterConfig(breaker=BreakerOptions(failure_threshold=1, reset_timeout=1.0))
    with scraped(system) as metrics:
        await system.start(Router, config, name="router")
        fragile = ChildSpec("fragile", Fragile, args=([], 1), name="fragile")
        await system.start(Supervisor, SupervisorSpec([fragile]))
        with pytest.raises(DeliveryFailedError):
            await (await RouterRef(system).send("fragile", "tea", DeliveryOptions(max_retries=1))).acknowledged()
        found = await samples(metrics)
        await trio.sleep(2)
        await (await RouterRef(system).send("fragile", "tea")).acknowledged()
        later = await samples(metrics)

    assert found["actors_breakers", "open", "fragile"] == 1
    assert not [key for key in later if key[0] == "actors_breakers"]
    assert later["actors_events_total", "router.give_up"] == 1


async def test_latencies_are_histograms(system: ActorSystem) -> None:
    with scraped(system, messages=True) as metrics:
        await system.start(Router, name="router")
        await system.start(Queue, MemoryStore(), name="queue")
        await system.start(TopicBus, name="bus")
        await system.start(Receiver, [], name="mill")
        await (await RouterRef(system).send("mill", "rye")).acknowledged()
        queue = QueueClient(system.named("queue"))
        await queue.put("mill", "grind")
        await trio.sleep(2)
        await queue.lease("mill")
        bus = BusClient(system.named("bus"), agent="shop")
        await bus.subscribe("bread.*", buffer_size=1)
        await bus.publish("bread.rye", 1)
        await bus.publish("bread.rye", 2)
        found = await samples(metrics)

    assert found["actors_router_delivery_seconds_count", "at_least_once"] == 1
    assert found["actors_queue_wait_seconds_count",] == 1
    assert found["actors_bus_dropped_total",] == 1
    assert found["actors_span_seconds_count", "ok", "bus.publish"] == 2
    assert found["actors_span_seconds_bucket", "+Inf", "ok", "queue.enqueue"] == 1
    assert found["actors_handler_seconds_count", "Receiver", "handle_cast"] == 1


async def test_how_spans_ended_is_told_apart(system: ActorSystem) -> None:
    with scraped(system, messages=True) as metrics:
        slow = await system.start(Slow)
        with pytest.raises(TimeoutError):
            await slow.call("ring", timeout=1)
        with trio.move_on_after(1):
            await slow.call("ring")
        found = await samples(metrics)

    assert found["actors_span_seconds_count", "timeout", "actor.call"] == 1
    assert found["actors_span_seconds_count", "canceled", "actor.call"] == 1


class Slow(Actor):
    """Never answers."""

    async def handle_call(self, message: object, caller: Caller) -> object:
        await trio.sleep_forever()


async def test_messages_are_not_timed_unless_that_is_asked_for(system: ActorSystem) -> None:
    with scraped(system) as metrics:
        till = await system.start(Till)
        await till.call("ring")
        carried = MESSAGES.listened_to
        found = await samples(metrics)

    assert carried is False
    assert not [key for key in found if "actor.handle" in key]


async def test_many_classes_are_one_beyond_the_bound(system: ActorSystem) -> None:
    with scraped(system, max_labels=5) as metrics:
        for number in range(50):
            await system.start(type(f"Till{number}", (Till,), {}))
        found = await samples(metrics)

    alive = {key[1]: value for key, value in found.items() if key[0] == "actors_alive"}
    assert len(alive) == 6
    assert alive["other"] == 51 - 5
    assert len([key for key in found if key[0] == "actors_events_total"]) <= 6


async def test_many_actors_are_counted_in_slices(system: ActorSystem) -> None:
    with scraped(system) as metrics:
        for _ in range(2 * AT_ONCE):
            await system.start(Till)
        async with another_task() as turns:
            await trio.lowlevel.checkpoint()
            before = turns.taken
            found = await samples(metrics)
            assert turns.taken - before >= 2

    assert found["actors_alive", "Till"] == 2 * AT_ONCE


def histogram(found: dict[tuple[str, ...], float], name: str, *labels: str) -> list[float]:
    """Return the classes of a histogram, from the least bound to +Inf."""
    buckets = {key[1]: value for key, value in found.items() if key[0] == f"{name}_bucket" and key[2:] == labels}
    return [buckets[bound] for bound in sorted(buckets, key=float)]


async def test_a_histogram_is_cumulative_and_ends_with_all_of_its_observations(system: ActorSystem) -> None:
    with scraped(system) as metrics:
        for waited in (0.0, 100.0, 101.0, 2e6, 60e6):
            lease = {"recipient": "mill", "from_agent": None, "message_id": "1", "correlation_id": None, "priority": 0}
            QUEUE_DEQUEUE.emit({"dequeue_count": 1, "waited_us": waited}, lease)
        found = await samples(metrics)

    assert histogram(found, "actors_queue_wait_seconds") == [2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 5]
    assert found["actors_queue_wait_seconds_count",] == 5
    assert found["actors_queue_wait_seconds_sum",] == pytest.approx(62.000_201)


@pytest.mark.parametrize(
    ("name", "label"),
    [('T"i\\ll', 'T"i\\ll'), ("Käse", "Käse"), ("T\n\r\x7f", "T\\n\\r\\x7f"), ("T" * 500, "T" * 197 + "...")],
    ids=["quotes", "umlaut", "no line", "long"],
)
async def test_any_name_of_a_class_can_be_a_label(name: str, label: str, system: ActorSystem) -> None:
    with scraped(system) as metrics:
        await system.start(type(name, (Till,), {}))
        found = await samples(metrics)

    assert found["actors_alive", label] == 1


async def test_events_that_are_defined_later_are_counted(system: ActorSystem) -> None:
    with scraped(system) as metrics:
        Event("test.later.rung", "A till rings.").emit({}, {})
        with Span("test.later.sale", "A till sells.", metadata=()).begin():
            pass
        found = await samples(metrics)

    assert found["actors_events_total", "test.later.rung"] == 1
    assert found["actors_span_seconds_count", "ok", "test.later.sale"] == 1


ODD = Event("test.odd.stop", "Something tells of a span, and is none.", metadata=("span",))


async def test_an_event_that_tells_of_a_span_is_counted_as_an_event(system: ActorSystem) -> None:
    with scraped(system) as metrics:
        for span in ("the bridge", new_context("test", None)):
            ODD.emit({}, {"span": span})
        found = await samples(metrics)

    assert found["actors_events_total", "test.odd.stop"] == 2


async def test_what_others_have_in_the_registry_is_told_as_well(system: ActorSystem) -> None:
    registry = CollectorRegistry()
    prometheus_client.Gauge("tills", "Tills.", registry=registry).set(2)
    with scraped(system, registry=registry) as metrics:
        found = await samples(metrics)

    assert found["tills",] == 2
    assert found["actors_alive", "Root"] == 1
    assert b"actors_alive" in prometheus_client.generate_latest(registry)


async def test_one_that_is_not_attached_does_not_detach_the_one_that_is(system: ActorSystem) -> None:
    with scraped(system) as metrics:
        with pytest.raises(HandlerNotFoundError):
            Prometheus(system).detach()
        assert metrics.attached


async def test_there_is_one_at_a_time(system: ActorSystem) -> None:
    with scraped(system), pytest.raises(HandlerTakenError, match="'prometheus' is attached already"):
        Prometheus(system).attach()


@pytest.mark.parametrize("most", [0, True, "many"])
async def test_a_bound_is_a_number(most: Any, system: ActorSystem) -> None:
    with pytest.raises(InvalidHandlerError, match=r"max_labels is .*; allowed is an int of 1 or more"):
        Prometheus(system, max_labels=most)
