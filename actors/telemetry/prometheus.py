"""Prometheus: events counted and timed, and live actors counted by their classes, as metrics of bounded numbers.

No label is a name of one actor or the id of one message. Classes and targets beyond a bound are ``other`` together.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any, Final

from actors.telemetry.census import Census
from actors.telemetry.dispatch import attach, detach, events
from actors.telemetry.errors import InvalidHandlerError
from actors.telemetry.extra import load
from actors.telemetry.labels import OTHER, Labels

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.registry import CollectorRegistry

    from actors.system import ActorSystem

BUCKETS: Final = (0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Seconds: the upper bounds of the classes of a histogram."""

PER_MESSAGE: Final = ("actor.call", "actor.handle")
"""The spans of messages, which are measured only if that is asked for: they cost every message something."""

MOST_LABELS: Final = 100
MOST_BREAKERS: Final = 1000

HANDLER_ID: Final = "prometheus"


class Prometheus:
    """The metrics of one system, in a *registry* of their own unless there is another.

    A label has *max_labels* values at most, and ``other``. With *messages*, calls and handlers are timed, too.

    Raises `MissingExtraError` without the extra ``telemetry``.
    """

    def __init__(
        self,
        system: ActorSystem,
        *,
        registry: CollectorRegistry | None = None,
        max_labels: int = MOST_LABELS,
        messages: bool = False,
    ) -> None:
        if not isinstance(max_labels, int) or isinstance(max_labels, bool) or max_labels < 1:
            raise InvalidHandlerError(f"Prometheus: max_labels is {max_labels!r}; allowed is an int of 1 or more")
        self._client = load("prometheus", "prometheus_client")
        self._families = load("prometheus", "prometheus_client.core")
        self.registry = self._client.CollectorRegistry() if registry is None else registry
        self._messages = messages
        self._classes, self._targets = Labels(max_labels), Labels(max_labels)
        self._names = Labels(max_labels)
        self._census = Census(system, self._classes)
        self._breakers: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._make_metrics()
        self.registry.register(self)

    def __repr__(self) -> str:
        return f"<Prometheus: {self._census}>"

    def attach(self) -> None:
        """Count and time from now on. Raises `HandlerTakenError` if another is attached already."""
        spans = [event.name for event in events() if event.name.endswith((".stop", ".exception"))]
        others = [event.name for event in events() if not event.name.endswith((".start", ".stop", ".exception"))]
        timed = [name for name in spans if self._messages or name.rpartition(".")[0] not in PER_MESSAGE]
        attach(HANDLER_ID, (*others, *timed), self._tell)

    def detach(self) -> None:
        """Count nothing more. Raises `HandlerNotFoundError`."""
        detach(HANDLER_ID)

    async def text(self) -> bytes:
        """Return all metrics as Prometheus reads them; actors are counted in slices, and others work meanwhile."""
        await self._census.take()
        text: bytes = self._client.generate_latest(self.registry)
        return text

    def collect(self) -> Iterator[Any]:
        """Yield what was counted of live actors; for the registry."""
        counts = self._census.counts
        gauge, counter = self._families.GaugeMetricFamily, self._families.CounterMetricFamily
        for field, family, name, about in (
            ("alive", gauge, "actors_alive", "Actors that live."),
            ("waiting", gauge, "actors_mailbox_messages", "Messages that wait in mailboxes."),
            ("deepest", gauge, "actors_mailbox_deepest", "Messages that wait in the fullest mailbox."),
            ("handled", counter, "actors_messages_handled", "Messages that were handled."),
        ):
            metric = family(name, about, labels=["actor_class"])
            for label, count in counts.items():
                metric.add_metric([label], getattr(count, field))
            yield metric
        yield counter("actors_dead_letters", "Messages that nobody handled.", value=self._census.dead_letters)
        yield self._of_breakers(gauge)

    # -- what is told

    def _make_metrics(self) -> None:
        client, registry = self._client, self.registry

        def counter(name: str, about: str, *labels: str) -> Any:
            return client.Counter(name, about, labels, registry=registry)

        def seconds(name: str, about: str, *labels: str) -> Any:
            return client.Histogram(name, about, labels, buckets=BUCKETS, registry=registry)

        self._events = counter("actors_events", "Events that are no spans.", "event")
        self._restarts = counter("actors_restarts", "Restarts by supervisors.", "actor_class")
        self._dropped = counter("actors_bus_dropped", "Messages of topics that subscriptions dropped.")
        self._spans = seconds("actors_span_seconds", "How long spans took.", "span", "outcome")
        self._handlers = seconds("actors_handler_seconds", "How long handlers took.", "actor_class", "callback")
        self._waits = seconds("actors_queue_wait_seconds", "How long messages of a queue could be leased.")
        self._deliveries = seconds("actors_router_delivery_seconds", "From sending to handling.", "guarantee")

    def _tell(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        if "span" in metadata:
            self._time(name, measurements, metadata)
            return
        self._events.labels(self._names.of(name)).inc()
        match name:
            case "actor.exited":
                self._census.bury(metadata["actor"])
            case "supervisor.restarted":
                self._restarts.labels(self._class_of(metadata["actor"])).inc()
            case "bus.deliver":
                self._dropped.inc(measurements["dropped"])
            case "queue.dequeue":
                self._waits.observe(measurements["waited_us"] / 1e6)
            case "router.acknowledge":
                guarantee = metadata["guarantee"].value
                self._deliveries.labels(guarantee).observe(measurements["delivery_seconds"])
            case "router.breaker":
                self._note_breaker(metadata)

    def _time(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        span, _, part = name.rpartition(".")
        seconds = measurements["latency_us"] / 1e6
        outcome = "ok" if part == "stop" else "timeout" if metadata["timeout"] else "canceled"
        if outcome == "canceled" and not metadata["canceled"]:
            outcome = "error"
        self._spans.labels(self._names.of(span), outcome).observe(seconds)
        if span == "actor.handle":
            self._handlers.labels(self._class_of(metadata["actor"]), metadata["callback"]).observe(seconds)

    def _class_of(self, ref: Any) -> str:
        return self._classes.of(ref._process.kind)  # noqa: SLF001 -- the runtime's own

    def _note_breaker(self, metadata: Mapping[str, Any]) -> None:
        """Keep which breakers are not closed: of so many the latest."""
        target = metadata["target"]
        name = target if isinstance(target, str) else target.name or OTHER
        key = metadata["router"], str(target)
        self._breakers.pop(key, None)
        if (state := metadata["after"].value) != "closed":
            self._breakers[key] = f"{state} {self._targets.of(name)}"
            if len(self._breakers) > MOST_BREAKERS:
                self._breakers.popitem(last=False)

    def _of_breakers(self, gauge: Any) -> Any:
        about = "Circuit breakers that are not closed."
        metric = gauge("actors_breakers", about, labels=["state", "target"])
        for text, number in Counter(self._breakers.values()).items():
            metric.add_metric(text.split(" ", 1), number)
        return metric
