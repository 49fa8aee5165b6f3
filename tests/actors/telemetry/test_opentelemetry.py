"""OpenTelemetry records the spans of a program, with its own ids, as one trace from actor to actor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import StatusCode

from actors import Actor, ActorExitedError
from actors.bus import BusClient, TopicBus
from actors.delivery import Router, RouterRef
from actors.queue import MemoryStore, Queue, QueueClient
from actors.telemetry import (
    HandlerNotFoundError,
    HandlerTakenError,
    Span,
    SpanContext,
    attached,
    current_span,
    handlers,
    span_in,
    within,
)
from actors.telemetry.opentelemetry import OpenTelemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors import ActorSystem, Caller
    from actors.bus import TopicMessage

BAKE = Span("test.bake", "A baker bakes.", metadata=("bread",))


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def recorder(exporter: InMemorySpanExporter) -> Iterator[OpenTelemetry]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    recorder = OpenTelemetry(provider)
    with recorder.attached():
        yield recorder


class Desk(Actor):
    """Is called, and casts."""

    async def handle_call(self, message: str, caller: Caller) -> str:
        self.system.named("mill").cast(message)
        return "it will be baked"


class Mill(Actor):
    """Is cast, and sends through the router."""

    def handle_cast(self, message: str) -> None:
        RouterRef(self.system).send_nowait("oven", message)


class Oven(Actor):
    """Is sent something through the router, and puts it into the queue."""

    async def handle_cast(self, message: str) -> None:
        await QueueClient(self.system.named("queue"), sender="oven").put("shop", message)


class Shop(Actor):
    """Leases from the queue, and publishes."""

    async def handle_cast(self, message: object) -> None:
        queue = QueueClient(self.system.named("queue"))
        lease = await queue.lease("shop")
        with within(span_in(lease.message.metadata)), BAKE.begin(bread=lease.message.payload):
            await BusClient(self.system.named("bus"), agent="shop").publish("bread.ready", lease.message.payload)
            await queue.ack(lease)


class Customer(Actor):
    """Is told of what is published."""

    def __init__(self, eaten: trio.Event) -> None:
        self.eaten = eaten
        self.contexts: list[tuple[SpanContext | None, SpanContext | None]] = []

    async def init(self) -> None:
        await BusClient(self.system.named("bus")).subscribe_actor("bread.*", agent="customer")

    def handle_info(self, message: TopicMessage) -> None:
        self.contexts.append((current_span(), span_in(message.metadata)))
        self.eaten.set()


async def test_one_trace_follows_a_request_through_five_actors(
    system: ActorSystem, recorder: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    eaten = trio.Event()
    await system.start(Router, name="router")
    await system.start(Queue, MemoryStore(), name="queue")
    await system.start(TopicBus, name="bus")
    for kind in (Desk, Mill, Oven, Shop):
        await system.start(kind, name=kind.__name__.lower())
    await system.start(Customer, eaten, name="customer")
    exporter.clear()

    system.named("shop").cast("open")
    with BAKE.begin(bread="rye") as bake:
        await system.named("desk").call("rye")
    await eaten.wait()
    await trio.testing.wait_all_tasks_blocked()

    ours = {span.context.span_id: span for span in exporter.get_finished_spans() if is_of(bake.context, span)}
    handled = {attribute(span, "actor").strip("<").split()[0] for span in ours.values() if span.name == "actor.handle"}
    assert handled >= {"desk", "mill", "oven", "customer"}
    assert {span.name for span in ours.values()} >= {
        "actor.call",
        "actor.handle",
        "bus.publish",
        "queue.enqueue",
        "router.send",
        "test.bake",
    }
    roots = [span for span in ours.values() if span.parent is None or span.parent.span_id not in ours]
    assert [span.context.span_id for span in roots] == [int(bake.context.span_id, 16)]
    (info,) = [span for span in ours.values() if span.attributes and attribute(span, "callback") == "handle_info"]
    assert [span.name for span in line_of(info, ours)] == [
        "actor.handle",  # of the customer, by the bus
        "actor.handle",  # of the bus
        "actor.call",
        "bus.publish",
        "test.bake",
        "queue.enqueue",
        "actor.handle",  # of the oven, by the router
        "router.send",
        "actor.handle",  # of the mill, by a cast
        "actor.handle",  # of the desk
        "actor.call",
        "test.bake",
    ]


def is_of(context: SpanContext, span: ReadableSpan) -> bool:
    return f"{span.context.trace_id:032x}" == context.trace_id


def attribute(span: ReadableSpan, name: str) -> str:
    return str((span.attributes or {}).get(f"actors.{name}", ""))


def line_of(span: ReadableSpan, spans: dict[int, ReadableSpan]) -> list[ReadableSpan]:
    """Return *span*, what it is a part of, what that is a part of, and so on."""
    line = [span]
    while (parent := line[-1].parent) is not None:
        line.append(spans[parent.span_id])
    return line


class Clumsy(Actor):
    """Fails."""

    async def handle_call(self, message: object, caller: Caller) -> None:
        raise ValueError("it is burnt")


async def test_what_fails_is_recorded_with_its_error(
    system: ActorSystem, recorder: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    clumsy = await system.start(Clumsy)

    with pytest.raises(ActorExitedError):
        await clumsy.call("bake")

    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert spans["actor.handle"].status.status_code is StatusCode.ERROR
    assert spans["actor.handle"].status.description == "ValueError"
    assert spans["actor.handle"].events[0].name == "exception"
    assert spans["actor.call"].status.description == "ActorExitedError"


async def test_what_is_no_span_is_an_event_of_the_one_it_happens_in(
    system: ActorSystem, recorder: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    with BAKE.begin(bread="rye"):
        await system.start(Desk)

    (span,) = exporter.get_finished_spans()
    assert [event.name for event in span.events] == ["actor.started"]


def test_a_trace_of_others_goes_on_in_ours_and_ours_in_that_of_others(
    recorder: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("a library")
    with (
        tracer.start_as_current_span("request"),
        BAKE.begin(bread="rye"),
        recorder.within(),
        tracer.start_as_current_span("query"),
    ):
        pass

    query, bake, request = exporter.get_finished_spans()
    assert request.parent is None
    assert bake.parent is not None
    assert query.parent is not None
    assert bake.parent.span_id == request.context.span_id
    assert query.parent.span_id == bake.context.span_id


def test_a_trace_goes_on_from_a_text_of_another_process(
    recorder: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    with within(SpanContext.from_traceparent(text)), BAKE.begin(bread="rye") as bake:
        pass

    (span,) = exporter.get_finished_spans()
    assert span.parent is not None
    assert (span.context.trace_id, span.parent.span_id) == (0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331)
    assert bake.context.trace_id == "0af7651916cd43dd8448eb211c80319c"


def test_a_trace_that_is_not_sampled_says_so_to_the_next_process(exporter: InMemorySpanExporter) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    with OpenTelemetry(provider).attached(), BAKE.begin(bread="rye") as bake:
        text = bake.context.traceparent

    assert text.endswith("-00")
    back = SpanContext.from_traceparent(text)
    assert back is not None
    assert not back.sampled


def test_a_program_without_a_provider_records_nothing_and_has_traces_all_the_same() -> None:
    with OpenTelemetry(trace.NoOpTracerProvider()).attached(), BAKE.begin(bread="rye") as bake:
        pass

    assert int(bake.context.trace_id, 16)


def test_there_is_one_at_a_time(recorder: OpenTelemetry) -> None:
    with pytest.raises(HandlerTakenError, match="'opentelemetry' is attached already"):
        OpenTelemetry(TracerProvider(shutdown_on_exit=False)).attach()


def test_what_is_detached_records_nothing_more(exporter: InMemorySpanExporter) -> None:
    recorder = OpenTelemetry(TracerProvider(shutdown_on_exit=False))
    with recorder.attached():
        pass

    with attached("test.bake.*", print), BAKE.begin(bread="rye"):
        pass

    assert exporter.get_finished_spans() == ()
    assert handlers() == ()
    assert repr(recorder) == "<OpenTelemetry: 0 spans in use>"


class Frail:
    """A provider whose tracer fails."""

    def get_tracer(self, *_: Any, **__: Any) -> Any:
        return self

    def start_span(self, *_: Any) -> Any:
        raise RuntimeError("the collector is gone")


def test_a_recorder_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with OpenTelemetry(Frail()).attached(), BAKE.begin(bread="rye") as bake:  # type: ignore[arg-type]
        pass

    assert int(bake.context.span_id, 16)
    assert "OpenTelemetry did not begin a span test.bake" in caplog.text


class Dropping(SpanProcessor):
    """Fails on the first spans that end, and exports the others."""

    def __init__(self, failures: int, exporter: InMemorySpanExporter) -> None:
        self.failures = failures
        self.exporter = exporter

    def on_end(self, span: ReadableSpan) -> None:
        self.failures -= 1
        if self.failures >= 0:
            raise OSError("the collector is away")
        self.exporter.export([span])


def test_spans_are_recorded_again_when_the_provider_has_recovered_and_few_failures_are_logged(
    exporter: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Dropping(100, exporter))

    with OpenTelemetry(provider).attached():
        for _ in range(101):
            with BAKE.begin(bread="rye"):
                pass

    assert [span.name for span in exporter.get_finished_spans()] == ["test.bake"]
    assert len(caplog.records) == 7
    assert caplog.records[-1].getMessage() == (
        "OpenTelemetry did not record test.bake.stop: failure 64; the next that is told is 128"
    )


def test_a_span_that_is_open_when_one_recorder_follows_another_is_recorded(exporter: InMemorySpanExporter) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with OpenTelemetry(provider).attached():
        outer = BAKE.begin(bread="rye")

    with OpenTelemetry(provider).attached(), outer, BAKE.begin(bread="roll"):
        pass

    inner, recorded = exporter.get_finished_spans()
    assert inner.parent is not None
    assert inner.parent.span_id == recorded.context.span_id == int(outer.context.span_id, 16)


def test_a_recorder_that_is_not_attached_does_not_detach_the_one_that_is(
    recorder: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    with pytest.raises(HandlerNotFoundError):
        OpenTelemetry(TracerProvider(shutdown_on_exit=False)).detach()

    with BAKE.begin(bread="rye"):
        pass

    assert [span.name for span in exporter.get_finished_spans()] == ["test.bake"]


def test_a_span_that_is_left_open_is_not_kept(recorder: OpenTelemetry) -> None:
    for _ in range(100):
        BAKE.begin(bread="left open")

    assert repr(recorder) == "<OpenTelemetry: 0 spans in use>"
