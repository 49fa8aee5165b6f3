"""OpenTelemetry: every span of the program recorded as one of its own, with its ids.

It makes the contexts of spans while it is attached. So what messages carry, in memory or stored as ``traceparent``, are
the ids that it records, and a trace goes on in another process, and in a program that is no part of this one.
"""

from __future__ import annotations

import enum
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from actors.show import shown
from actors.telemetry.dispatch import attach, detach
from actors.telemetry.errors import HandlerNotFoundError
from actors.telemetry.extra import load
from actors.telemetry.span import SpanContext, current_span, drop_origin, new_context, set_origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

HANDLER_ID: Final = "opentelemetry"

KINDS: Final = {
    "actor.call": "CLIENT",
    "actor.handle": "CONSUMER",
    "bus.publish": "PRODUCER",
    "queue.enqueue": "PRODUCER",
    "queue.send_and_receive": "CLIENT",
    "router.send": "PRODUCER",
}
"""What kinds of spans they are to OpenTelemetry; all others are internal."""

logger: Final = logging.getLogger("actors.telemetry")

_left: Final[WeakKeyDictionary[SpanContext, Span]] = WeakKeyDictionary()
"""What recorders have left open: whoever is attached when it ends records it, as after a restart."""


class OpenTelemetry:
    """What records spans with *provider*; by default that of the program, which says where they go.

    There is one in a program at a time. What is told of that is no span is an event of the span it happens in.

    Raises `MissingExtraError` without the extra ``telemetry``.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._trace = load("opentelemetry", "opentelemetry.trace")
        self._context = load("opentelemetry", "opentelemetry.context")
        self._tracer = self._trace.get_tracer("trio-actors", tracer_provider=provider)
        self._spans: WeakKeyDictionary[SpanContext, Span] = WeakKeyDictionary()
        self._failures = 0

    def __repr__(self) -> str:
        return f"<OpenTelemetry: {len(self._spans)} spans in use>"

    def attach(self) -> None:
        """Record what begins from now on. Raises `HandlerTakenError` if one is attached already."""
        attach(HANDLER_ID, "**", self._tell)
        set_origin(self._begin)

    def detach(self) -> None:
        """Record nothing more, and no span that is open, unless another is attached when it ends.

        Raises `HandlerNotFoundError`.
        """
        drop_origin(self._begin)
        _left.update(self._spans)
        detach(HANDLER_ID, self._tell)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Be attached for the block."""
        self.attach()
        try:
            yield
        finally:
            try:
                self.detach()
            except HandlerNotFoundError:
                logger.warning("%r had failed, and was detached before the end of its block", self)

    @contextmanager
    def within(self) -> Iterator[None]:
        """Have spans that other libraries begin in the block be parts of the current span."""
        token = self._context.attach(self._context_of(current_span()))
        try:
            yield
        finally:
            self._context.detach(token)

    # -- what is told

    def _begin(self, name: str, parent: SpanContext | None) -> SpanContext:
        """Begin to record a span, and return its context, by its own ids."""
        try:
            return self._begun(name, parent)
        except Exception as error:  # noqa: BLE001 -- who is traced must not fail because of the provider
            self._complain(f"OpenTelemetry did not begin a span {name}", error)
            return new_context(name, parent)

    def _begun(self, name: str, parent: SpanContext | None) -> SpanContext:
        context = self._context_of(parent)
        kind = self._trace.SpanKind[KINDS.get(name, "INTERNAL")]
        span = self._tracer.start_span(name, context, kind)
        told = span.get_span_context()
        if not told.is_valid:
            return new_context(name, parent)  # a program without a provider records nothing
        outer = self._trace.get_current_span(context).get_span_context()
        parent_id = f"{outer.span_id:016x}" if outer.is_valid else None
        begun = SpanContext(f"{told.trace_id:032x}", f"{told.span_id:016x}", parent_id, told.trace_flags.sampled)
        self._spans[begun] = span
        return begun

    def _open(self, context: SpanContext) -> Span | None:
        found = self._spans.get(context)
        return _left.get(context) if found is None else found

    def _context_of(self, parent: SpanContext | None) -> Context:
        """Return *parent* as OpenTelemetry knows it; without one, what is current there."""
        current: Context = self._context.get_current()
        if parent is None:
            return current
        span = self._open(parent)
        if span is None:
            flags = self._trace.TraceFlags(parent.sampled)
            ids = int(parent.trace_id, 16), int(parent.span_id, 16)
            span = self._trace.NonRecordingSpan(self._trace.SpanContext(*ids, is_remote=True, trace_flags=flags))
        found: Context = self._trace.set_span_in_context(span, current)
        return found

    def _complain(self, what: str, error: Exception) -> None:
        """Log a failure of the provider, and fewer and fewer of them: each span of a busy program could be one."""
        self._failures += 1
        if self._failures.bit_count() == 1:
            told = "%s: failure %d; the next that is told is %d"
            logger.error(told, what, self._failures, 2 * self._failures, exc_info=error)

    def _tell(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        """Record what is told; a provider that fails on one span may do better with the next."""
        try:
            self._record(name, measurements, metadata)
        except Exception as error:  # noqa: BLE001 -- as above
            self._complain(f"OpenTelemetry did not record {name}", error)

    def _record(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        context = metadata.get("span")
        part = name.rpartition(".")[2]
        if not isinstance(context, SpanContext):
            self._add_event(name, measurements, metadata)
        elif (span := self._open(context)) is not None:
            span.set_attributes(_attributes(measurements if part == "stop" else {}, metadata))
            if part == "exception":
                self._fail(span, metadata)
            if part != "start":
                span.end()

    def _add_event(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        context = current_span()
        span = None if context is None else self._open(context)
        if span is not None and span.is_recording():
            span.add_event(name, _attributes(measurements, metadata))

    def _fail(self, span: Span, metadata: Mapping[str, Any]) -> None:
        error = metadata["error"]
        span.record_exception(error)
        if not metadata["canceled"]:
            span.set_status(self._trace.StatusCode.ERROR, type(error).__name__)


def _attributes(measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told in the words of OpenTelemetry, which knows numbers and texts."""
    told = {**measurements, **metadata}
    return {f"actors.{key}": _plain(value) for key, value in told.items() if value is not None and key not in UNTOLD}


UNTOLD: Final = frozenset({"span", "error", "latency_us", "system_time"})
"""What OpenTelemetry has in other forms."""


def _plain(value: object) -> str | bool | int | float:
    if isinstance(value, enum.Enum):
        return value.name.lower()
    return value if isinstance(value, str | bool | int | float) else shown(value)
