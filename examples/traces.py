"""One request, followed from actor to actor by OpenTelemetry, and what Prometheus would scrape of it."""

import trio
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from actors import Actor, Caller, open_system
from actors.delivery import Router, RouterRef
from actors.queue import MemoryStore, Queue, QueueClient
from actors.telemetry import Span, span_in, within
from actors.telemetry.opentelemetry import OpenTelemetry
from actors.telemetry.prometheus import Prometheus

BAKE = Span("shop.bake", "A baker bakes what was ordered.", metadata=("bread",))


class Desk(Actor):
    def handle_call(self, message: str, caller: Caller) -> str:
        self.system.named("clerk").cast(message)
        return "tomorrow"


class Clerk(Actor):
    def handle_cast(self, message: str) -> None:
        RouterRef(self.system).send_nowait("ledger", message)


class Ledger(Actor):
    async def handle_cast(self, message: str) -> None:
        await QueueClient(self.system.named("queue"), sender="ledger").put("baker", message)


async def work(queue: QueueClient) -> None:
    lease = await queue.lease("baker")
    with within(span_in(lease.message.metadata)), BAKE.begin(bread=lease.message.payload):
        await queue.ack(lease)


def show(spans: dict[int, ReadableSpan], parent: int | None = None, depth: int = 0) -> None:
    for number, span in spans.items():
        above = None if span.parent is None else span.parent.span_id
        if above == parent:
            told = span.attributes or {}
            print("  " * depth + span.name, told.get("actors.callback") or told.get("actors.bread") or "")
            show(spans, number, depth + 1)


async def main() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    async with open_system() as system:
        metrics = Prometheus(system)
        metrics.attach()
        await system.start(Router, name="router")
        await system.start(Queue, MemoryStore(), name="queue")
        for kind in (Desk, Clerk, Ledger):
            await system.start(kind, name=kind.__name__.lower())

        with OpenTelemetry(provider).attached():
            print("it will be there", await system.named("desk").call("rye"))
            await work(QueueClient(system.named("queue")))
        spans = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
        asked = next(span for span in spans if span.name == "actor.call").context.trace_id
        show({span.context.span_id: span for span in spans if span.context.trace_id == asked})

        lines = (await metrics.text()).decode().splitlines()
        print(*[line for line in lines if line.startswith(("actors_alive{", "actors_span_seconds_count"))], sep="\n")
        metrics.detach()


if __name__ == "__main__":
    trio.run(main)
