"""Span: something that takes its time, told of when it begins and when it ends, and part of a trace."""

from __future__ import annotations

import os
import random
import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from time import perf_counter_ns, time
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import attrs
import trio

from actors.telemetry.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextvars import Token
    from types import TracebackType

    from actors.telemetry.dispatch import Attachment

Origin: TypeAlias = "Callable[[str, SpanContext | None], SpanContext]"
"""What makes the context of a span from its name and the span that it is within."""

TRACEPARENT: Final = "traceparent"
"""What a context is called in the metadata of a message, as the W3C has it."""
FORM: Final = re.compile(r"(?!ff|00-.{52}-)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
"""There is no version ff, and 00 has these four parts only; a later one may have more."""

ENDS: Final = ("success", "timeout", "canceled")
LATE: Final = (TimeoutError, trio.TooSlowError)

# The operating system's would take a microsecond each.
_ids: Final = random.Random()  # noqa: S311 -- they must differ, and need not be secret
os.register_at_fork(after_in_child=_ids.seed)


@attrs.frozen
class SpanContext:
    """Which span of which trace; a frozen value that can be sent in any message."""

    trace_id: str
    """32 hexadecimal digits, the same for all spans of a trace."""
    span_id: str
    """16 hexadecimal digits."""
    parent_id: str | None = None
    """The span it is a part of; None for the first of a trace."""
    sampled: bool = True
    """Whether whoever records traces was to record this one."""

    @property
    def traceparent(self) -> str:
        """Itself as a text, as the W3C has it, for messages that hold only texts.

        >>> SpanContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331").traceparent
        '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
        """
        return f"00-{self.trace_id}-{self.span_id}-{self.sampled:02x}"

    @classmethod
    def from_traceparent(cls, text: object) -> SpanContext | None:
        """Return what such a text means; None if it means nothing.

        >>> SpanContext.from_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").span_id
        'b7ad6b7169203331'
        """
        found = FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None or not (int(found[1], 16) and int(found[2], 16)):
            return None
        return cls(found[1], found[2], sampled=bool(int(found[3], 16) & 1))


_current: Final[ContextVar[SpanContext | None]] = ContextVar("current_span", default=None)

current_span: Final = _current.get
"""Return the span that the running code is within; None if it is within none, or if nobody listens to any."""


@contextmanager
def within(context: SpanContext | None) -> Iterator[None]:
    """Have the spans that begin in the block be parts of *context*, which came with a message, say."""
    if not isinstance(context, SpanContext | None):
        raise TypeError(f"what spans are within is a SpanContext, or None; got {context!r}")
    token = _current.set(context)
    try:
        yield
    finally:
        _leave(token)


def _leave(token: Token[SpanContext | None]) -> None:
    # A generator may be entered in one task and left in another, which is not within the span and need not leave it.
    with suppress(ValueError):
        _current.reset(token)


def span_in(metadata: Mapping[Any, Any]) -> SpanContext | None:
    """Return the span in which a message of a topic or a queue was sent, by its *metadata*, if somebody listened.

    It is handled as a part of that ``with within(span_in(message.metadata))``.
    """
    return SpanContext.from_traceparent(metadata.get(TRACEPARENT))


class Spans:
    """Several spans that are looked at together: whether any of them has listeners is one look."""

    __slots__ = ("_spans", "listened_to")

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self.listened_to = False
        """Whether a handler is called with one of their events; no tuple, which takes longer to look at."""

    def __repr__(self) -> str:
        names = ", ".join(span.name for span in self._spans)
        return f"<Spans {names}: {'listened to' if self.listened_to else 'nobody listens'}>"

    def add(self, span: Span) -> None:
        """Look at *span*, too."""
        self._spans.append(span)
        self.look()

    def look(self) -> None:
        """Find out who listens."""
        self.listened_to = any(span.listeners for span in self._spans)


class Span:
    """Three events under one name: *name*.start, and *name*.stop or *name*.exception.

    All tell *metadata* and ``span``, a `SpanContext`. The first measures ``system_time``, the others ``latency_us``;
    they tell ``success``, ``timeout`` and ``canceled``, and an exception its ``error``. A stop measures what *measured*
    and tells what *noted* name, too.
    """

    __slots__ = ("about", "exception", "listeners", "name", "start", "stop", "together")

    def __init__(
        self,
        name: str,
        about: str,
        *,
        metadata: tuple[str, ...],
        measured: tuple[str, ...] = (),
        noted: tuple[str, ...] = (),
        together: Spans | None = None,
    ) -> None:
        self.name = name
        self.about = about
        self.listeners: tuple[Attachment, ...] = ()
        """The handlers that are called with one of its events."""
        self.together = together
        """The spans that it is looked at with."""
        told = (*metadata, "span")
        self.start = Part(self, "start", ("system_time",), told)
        self.stop = Part(self, "stop", ("latency_us", *measured), (*told, *noted, *ENDS))
        self.exception = Part(self, "exception", ("latency_us",), (*told, *ENDS, "error"))
        if together is not None:
            together.add(self)

    def __repr__(self) -> str:
        return f"<Span {self.name}: {len(self.listeners)} listeners>"

    def begin(self, **metadata: Any) -> OpenSpan:
        """Tell that it begins; what is returned is used in a ``with`` statement, or told when it ends."""
        return OpenSpan(self, metadata)


class Part(Event):
    """One of the events of a span."""

    __slots__ = ("span",)

    def __init__(self, span: Span, name: str, measurements: tuple[str, ...], metadata: tuple[str, ...]) -> None:
        self.span = span
        super().__init__(f"{span.name}.{name}", span.about, measurements=measurements, metadata=metadata)

    def listen(self, listeners: tuple[Attachment, ...]) -> None:
        """Have *listeners* called, and have the span know of them."""
        super().listen(listeners)
        span = self.span
        parts = [getattr(span, name, None) for name in ("start", "stop", "exception")]
        others = [one for part in parts if part is not None and part is not self for one in part.listeners]
        span.listeners = tuple(dict.fromkeys((*listeners, *others)))
        if span.together is not None:
            span.together.look()


class OpenSpan:
    """A span that has begun. Within its ``with`` block, spans that begin are parts of it; the end of that ends it."""

    __slots__ = ("_began", "_kind", "_measured", "_metadata", "_token", "context")

    def __init__(self, kind: Span, metadata: dict[str, Any]) -> None:
        self.context = _origin(kind.name, _current.get())
        self._kind = kind
        self._metadata = {**metadata, "span": self.context}
        self._measured: dict[str, float] = {}
        self._token: Token[SpanContext | None] | None = None
        kind.start.emit({"system_time": time()}, self._metadata.copy())
        self._began = perf_counter_ns()

    def __repr__(self) -> str:
        return f"<OpenSpan {self._kind.name}: {self.context.span_id}>"

    def measure(self, **numbers: float) -> None:
        """Have its stop measure these as well."""
        self._measured.update(numbers)

    def note(self, **facts: Any) -> None:
        """Have its stop tell these as well."""
        self._metadata.update(facts)

    def stop(self) -> None:
        """Tell that it has ended well."""
        latency = (perf_counter_ns() - self._began) / 1000
        metadata = {**self._metadata, "success": True, "timeout": False, "canceled": False}
        self._kind.stop.emit({"latency_us": latency, **self._measured}, metadata)

    def fail(self, error: BaseException) -> None:
        """Tell that it has ended with *error*."""
        latency = (perf_counter_ns() - self._began) / 1000
        kept = {name: self._metadata[name] for name in self._kind.start.metadata if name in self._metadata}
        causes = set(map(_cause_of, _parts_of(error)))
        ends = {"success": False, "timeout": causes - {"canceled"} == {"timeout"}, "canceled": causes == {"canceled"}}
        metadata = {**kept, **ends, "error": error}
        self._kind.exception.emit({"latency_us": latency}, metadata)

    def __enter__(self) -> Self:
        self._token = _current.set(self.context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._token is not None
        _leave(self._token)
        if error is None:
            self.stop()
        else:
            self.fail(error)


def _parts_of(error: BaseException) -> Iterator[BaseException]:
    """Yield *error*, or what it is a group of: a nursery has one of all that were cancelled in it."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _parts_of(part)
    else:
        yield error


def _cause_of(error: BaseException) -> str:
    # A coroutine that is closed, and not run to its end, is one that nobody waits for any more.
    if isinstance(error, trio.Cancelled | GeneratorExit):
        return "canceled"
    return "timeout" if isinstance(error, LATE) or isinstance(error.__cause__, LATE) else "error"


def new_context(_name: str, parent: SpanContext | None) -> SpanContext:
    """Return the context of a span that begins within *parent*, or is the first of a trace."""
    span_id = f"{_ids.getrandbits(64) or 1:016x}"
    if parent is None:
        return SpanContext(f"{_ids.getrandbits(128) or 1:032x}", span_id)
    return SpanContext(parent.trace_id, span_id, parent.span_id, parent.sampled)


_origin: Origin = new_context


def drop_origin(origin: Origin) -> None:
    """Have the contexts of spans made as at first, if *origin* is what makes them."""
    if _origin == origin:
        set_origin(new_context)


def set_origin(origin: Origin) -> None:
    """Have the contexts of all spans made by *origin*, so that who records traces gives them its own ids."""
    global _origin  # noqa: PLW0603 -- there is one for all spans
    _origin = origin
