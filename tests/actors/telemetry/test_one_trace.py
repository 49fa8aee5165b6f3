"""One trace follows a request through attempts that fail, crashes, and the end of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from actors import Actor, open_system
from actors.bus import BusClient, TopicBus
from actors.delivery import DeliveryOptions, Router, RouterConfig, RouterRef
from actors.queue import Queue, QueueClient, SqliteStore
from actors.telemetry import Span, SpanContext, span_in, within
from actors.telemetry.opentelemetry import OpenTelemetry
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children

if TYPE_CHECKING:
    from pathlib import Path

    from actors import ActorSystem, Caller
    from actors.bus import TopicMessage

ORDER = Span("test.trace.order", "A customer orders.", metadata=("bread",))
BAKE = Span("test.trace.bake", "A baker bakes.", metadata=("bread",))


class Desk(Actor):
    """Is called, and sends through the router, durably."""

    async def handle_call(self, message: str, caller: Caller) -> str:
        await RouterRef(self.system).send("mill", message, DeliveryOptions(durable=True, max_retries=20))
        return "tomorrow"


class Mill(Actor):
    """Fails twice, and then puts two messages into the queue at once."""

    def __init__(self, failures: list[object]) -> None:
        self.failures = failures

    async def handle_cast(self, message: str) -> None:
        if len(self.failures) < 2:
            self.failures.append(message)
            raise RuntimeError("the stones are stuck")
        queue = QueueClient(self.system.named("queue"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(queue.put, "baker", message)
            nursery.start_soon(queue.put, "baker", f"{message} rolls")


class Customer(Actor):
    """Is told by the bus."""

    def __init__(self, eaten: list[object], full: trio.Event) -> None:
        self.eaten = eaten
        self.full = full

    async def init(self) -> None:
        await BusClient(self.system.named("bus")).subscribe_actor("bread.*", agent="customer")

    def handle_info(self, message: TopicMessage) -> None:
        self.eaten.append(message.payload)
        if len(self.eaten) == 2:
            self.full.set()


async def bake(system: ActorSystem) -> None:
    """Lease both messages, and publish what they order."""
    queue = QueueClient(system.named("queue"))
    for lease in await queue.lease_many("baker", 2):
        with within(span_in(lease.message.metadata)), BAKE.begin(bread=lease.message.payload):
            await BusClient(system.named("bus"), agent="baker").publish("bread.ready", lease.message.payload)
            await queue.ack(lease)


async def order(config: RouterConfig) -> SpanContext:
    """Order bread at a desk whose mill is not there yet."""
    async with open_system() as system:
        await system.start(Router, config, name="router")
        desk = await system.start(Desk)
        with ORDER.begin(bread="rye") as ordered:
            await desk.call("rye")
    return ordered.context


async def deliver(config: RouterConfig, folder: Path) -> list[object]:
    """Bring what was ordered to the customer, though the mill fails and the queue is killed."""
    eaten: list[object] = []
    full = trio.Event()
    shop = [
        ChildSpec("bus", TopicBus, name="bus"),
        ChildSpec("queue", Queue, args=(SqliteStore(folder / "queue.db"),), name="queue"),
        ChildSpec("mill", Mill, args=([],), name="mill"),
        ChildSpec("customer", Customer, args=(eaten, full), name="customer"),
        ChildSpec("router", Router, args=(config,), name="router"),
    ]
    async with open_system() as system:
        top = await system.start(Supervisor, SupervisorSpec(shop, intensity=5))
        # These leases are lost with the queue that gave them.
        for _ in range(2):
            await QueueClient(system.named("queue")).lease("baker")
        system.named("queue").kill()
        await which_children(top)
        await bake(system)
        await full.wait()
    return eaten


@pytest.mark.slow
async def test_one_trace_follows_a_request_through_failures_and_into_the_next_program(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    config = RouterConfig(database=tmp_path / "router.db", retry_delay=0.01, max_retry_delay=0.02)

    with OpenTelemetry(provider).attached():
        ordered = await order(config)
    with OpenTelemetry(provider).attached():
        eaten = await deliver(config, tmp_path)

    spans = [span for span in exporter.get_finished_spans() if f"{span.context.trace_id:032x}" == ordered.trace_id]
    ids = {span.context.span_id: span for span in spans}
    assert sorted(map(str, eaten)) == ["rye", "rye rolls"]
    assert [span.name for span in spans if span.parent is None] == ["test.trace.order"]
    assert all(span.parent.span_id in ids for span in spans if span.parent is not None)
    outcomes = [told(span, "success") for span in spans if told(span, "actor").startswith("<mill")]
    assert outcomes == ["False", "False", "True"]
    for last in [span for span in spans if told(span, "callback") == "handle_info"]:
        assert [span.name for span in line_of(last, ids) if span.name != "actor.call"] == [
            "actor.handle",  # of the customer
            "actor.handle",  # of the bus
            "bus.publish",
            "test.trace.bake",
            "queue.enqueue",
            "actor.handle",  # of the mill, in the next program
            "router.send",  # in the first
            "actor.handle",  # of the desk
            "test.trace.order",
        ]


def told(span: ReadableSpan, name: str) -> str:
    return str((span.attributes or {}).get(f"actors.{name}", ""))


def line_of(span: Any, spans: dict[int, ReadableSpan]) -> list[ReadableSpan]:
    """Return *span*, what it is a part of, what that is a part of, and so on."""
    line = [span]
    while line[-1].parent is not None:
        line.append(spans[line[-1].parent.span_id])
    return line
