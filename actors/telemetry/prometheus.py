"""Prometheus: events counted and timed, and live actors counted by their classes, as metrics of bounded numbers.

No label is a name of one actor or the id of one message. Classes and targets beyond a bound are ``other`` together.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from contextvars import ContextVar
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from actors.telemetry.census import Census
from actors.telemetry.dispatch import attach, detach, handlers
from actors.telemetry.errors import InvalidHandlerError
from actors.telemetry.extra import load
from actors.telemetry.labels import OTHER, Labels
from actors.telemetry.series import Numbers, Timings, Totals, written
from actors.telemetry.span import SpanContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.registry import CollectorRegistry

    from actors.system import ActorSystem
    from actors.telemetry.series import Family, Values

PER_MESSAGE: Final = ("actor.call.*", "actor.handle.*")
"""The spans of messages, which are measured only if that is asked for: they cost every message something."""

MOST_LABELS: Final = 100
MOST_BREAKERS: Final = 1000

HANDLER_ID: Final = "prometheus"

_apart: Final[ContextVar[bool]] = ContextVar("apart", default=False)
"""Whether only what others have registered is wanted."""


class Prometheus:
    """The metrics of one system, in a *registry* of their own unless there is another, whose others are told as well.

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
        self._kinds = load("prometheus", "prometheus_client.core")
        self._messages = messages
        self._classes, self._targets = Labels(max_labels), Labels(max_labels)
        self._names = Labels(max_labels)
        self._census = Census(system, self._classes)
        self._breakers: OrderedDict[tuple[str, str], tuple[str, str]] = OrderedDict()
        self._families: tuple[Family, ...] = (*self._make_counted(), *self._make_looked_at())
        self._shared = registry is not None
        self.registry = self._client.CollectorRegistry() if registry is None else registry
        self.registry.register(self)

    def __repr__(self) -> str:
        return f"<Prometheus: {self._census}>"

    def attach(self) -> None:
        """Count and time from now on. Raises `HandlerTakenError` if another is attached already."""
        unless = ("**.start",) if self._messages else ("**.start", *PER_MESSAGE)
        attach(HANDLER_ID, "**", self._tell, unless=unless)

    @property
    def attached(self) -> bool:
        """Whether it counts."""
        return any(one.handler == self._tell for one in handlers())

    def detach(self) -> None:
        """Count nothing more. Raises `HandlerNotFoundError`."""
        detach(HANDLER_ID, self._tell)

    async def text(self) -> bytes:
        """Return all metrics as Prometheus reads them; they are counted in slices, and others work meanwhile."""
        await self._census.take()
        text = await written(self._families, self._client.generate_latest)
        return text + self._text_of_others() if self._shared else text

    def collect(self) -> Iterator[Any]:
        """Yield all families; for the registry. Of live actors it has what was found when `text` was asked for."""
        if not _apart.get():
            for family in self._families:
                yield family.metric(family.rows())

    def _text_of_others(self) -> bytes:
        token = _apart.set(True)
        try:
            text: bytes = self._client.generate_latest(self.registry)
            return text
        finally:
            _apart.reset(token)

    # -- what is told

    def _make_counted(self) -> tuple[Family, ...]:
        counter, histogram = self._kinds.CounterMetricFamily, self._kinds.HistogramMetricFamily

        def total(name: str, about: str, *labels: str) -> Totals:
            return Totals(counter, name, about, labels)

        def seconds(name: str, about: str, *labels: str) -> Timings:
            return Timings(histogram, name, about, labels)

        self._events = total("actors_events", "Events that are no spans.", "event")
        self._restarts = total("actors_restarts", "Restarts by supervisors.", "actor_class")
        self._dropped = total("actors_bus_dropped", "Messages of topics that subscriptions dropped.")
        self._spans = seconds("actors_span_seconds", "How long spans took.", "span", "outcome")
        self._handlers = seconds("actors_handler_seconds", "How long handlers took.", "actor_class", "callback")
        self._waits = seconds("actors_queue_wait_seconds", "How long messages of a queue could be leased.")
        self._deliveries = seconds("actors_router_delivery_seconds", "From sending to handling.", "guarantee")
        return (
            *(self._events, self._restarts, self._dropped),
            *(self._spans, self._handlers, self._waits, self._deliveries),
        )

    def _make_looked_at(self) -> Iterator[Family]:
        gauge, counter = self._kinds.GaugeMetricFamily, self._kinds.CounterMetricFamily
        for field, kind, name, about in (
            ("alive", gauge, "actors_alive", "Actors that live."),
            ("waiting", gauge, "actors_mailbox_messages", "Messages that wait in mailboxes."),
            ("deepest", gauge, "actors_mailbox_deepest", "Messages that wait in the fullest mailbox."),
            ("handled", counter, "actors_messages_handled", "Messages that were handled."),
        ):
            yield Numbers(kind, name, about, ("actor_class",), self._counted(attrgetter(field)))
        letters = "actors_dead_letters", "Messages that nobody handled."
        yield Numbers(counter, *letters, (), lambda: {(): self._census.dead_letters})
        breakers = "actors_breakers", "Circuit breakers that are not closed."
        yield Numbers(gauge, *breakers, ("state", "target"), lambda: Counter(self._breakers.values()))

    def _counted(self, field: Callable[[Any], float]) -> Callable[[], Mapping[Values, float]]:
        return lambda: {(name,): field(count) for name, count in self._census.counts.items()}

    def _tell(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        if isinstance(metadata.get("span"), SpanContext) and "latency_us" in measurements:
            self._time(name, measurements, metadata)
            return
        self._events.add(self._names.of(name))
        match name:
            case "actor.exited":
                self._census.bury(metadata["actor"])
            case "supervisor.restarted":
                self._restarts.add(self._class_of(metadata["actor"]))
            case "bus.deliver":
                self._dropped.add(amount=measurements["dropped"])
            case "queue.dequeue":
                self._waits.observe(seconds=measurements["waited_us"] / 1e6)
            case "router.acknowledge":
                self._deliveries.observe(metadata["guarantee"].value, seconds=measurements["delivery_seconds"])
            case "router.breaker":
                self._note_breaker(metadata)

    def _time(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        span, _, part = name.rpartition(".")
        seconds = measurements["latency_us"] / 1e6
        ends = (end for end in ("timeout", "canceled") if metadata.get(end))
        outcome = "ok" if part == "stop" else next(ends, "error")
        self._spans.observe(self._names.of(span), outcome, seconds=seconds)
        if span == "actor.handle":
            self._handlers.observe(self._class_of(metadata["actor"]), metadata["callback"], seconds=seconds)

    def _class_of(self, ref: Any) -> str:
        return self._classes.of(ref._process.kind)  # noqa: SLF001 -- the runtime's own

    def _note_breaker(self, metadata: Mapping[str, Any]) -> None:
        """Keep which breakers are not closed: of so many the latest."""
        target = metadata["target"]
        name = target if isinstance(target, str) else target.name or OTHER
        key = metadata["router"], str(target)
        self._breakers.pop(key, None)
        if (state := metadata["after"].value) != "closed":
            self._breakers[key] = state, self._targets.of(name)
            if len(self._breakers) > MOST_BREAKERS:
                self._breakers.popitem(last=False)
