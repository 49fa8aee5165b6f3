"""Telemetry: the actor that has the events of a program logged, traced and scraped for as long as it lives."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Literal

import attrs

from actors import Actor
from actors.telemetry import attach, detach
from actors.telemetry.endpoint import PORT, Endpoint, check_loopback
from actors.telemetry.log import PROBLEMS, LogHandler
from actors.telemetry.opentelemetry import OpenTelemetry
from actors.telemetry.prometheus import MOST_LABELS
from supervision.books import Tenure, begin_tenure, detach_if_there, last_tenure, open_books

if TYPE_CHECKING:
    from supervision.books import Books

LOG_ID: Final = "log of the configuration"

logger: Final = logging.getLogger("actors.telemetry")


@attrs.frozen(kw_only=True)
class LogOptions:
    """What is logged, by the logger ``actors.telemetry``."""

    level: Literal["debug", "info", "warning", "error"] = "warning"
    events: tuple[str, ...] = PROBLEMS
    """Names of events, or patterns."""

    def __attrs_post_init__(self) -> None:
        LogHandler(self.level)
        if not self.events:
            raise ValueError("LogOptions: events is (); allowed are names of events, one or more")


@attrs.frozen(kw_only=True)
class PrometheusOptions:
    """Where metrics are scraped, and what they have."""

    host: str = "127.0.0.1"
    """An address of loopback: whoever reaches it can read the metrics."""
    port: int = PORT
    """0 for any that is free."""
    max_labels: int = MOST_LABELS
    """So many classes are told apart, and so many targets of messages."""
    messages: bool = False
    """Whether calls and handlers are timed, which costs each message some microseconds."""

    def __attrs_post_init__(self) -> None:
        check_loopback(self.host)
        for name, least, most in (("port", 0, 65_535), ("max_labels", 1, 10_000)):
            number = getattr(self, name)
            if not isinstance(number, int) or isinstance(number, bool) or not least <= number <= most:
                raise ValueError(f"PrometheusOptions: {name} is {number!r}; allowed is an int from {least} to {most}")


@attrs.frozen(kw_only=True)
class TelemetryOptions:
    """Which handlers there are; none by default."""

    log: LogOptions | None = None
    prometheus: PrometheusOptions | None = None
    opentelemetry: bool = False
    """Whether spans are recorded, with the tracer provider of the program."""

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.log or self.prometheus or self.opentelemetry)


class Telemetry(Actor):
    """Attaches the handlers of *options* when it starts, and serves metrics; when it is dead they are gone.

    Only the metrics go on counting when it has crashed or was killed, for the incarnation that follows: none of its
    counts is lost, and whoever scrapes meanwhile waits. There is one in a program at a time: its start raises
    `HandlerTakenError` if there is another, `MissingExtraError` without the extra ``telemetry``, and ``OSError`` for a
    port that somebody else has.
    """

    def __init__(self, options: TelemetryOptions) -> None:
        if not isinstance(options, TelemetryOptions):
            raise TypeError(f"a Telemetry is given TelemetryOptions; got {options!r}")
        self.options = options
        self.port: int | None = None
        """Where it is scraped."""
        self.endpoint: Endpoint | None = None
        self._books: Books | None = None

    async def init(self) -> None:
        """Open the port, attach the handlers, and have both undone when this is dead, however it ends."""
        system, scraped = self.system, self.options.prometheus
        recorder = OpenTelemetry() if self.options.opentelemetry else None
        with ExitStack() as failed:
            books = None if scraped is None else await open_books(system, scraped, failed)
            # From here on nothing waits, so nobody else comes in between.
            if (last := last_tenure(system)) is not None:
                last.duties.close()
            tenure = Tenure(self.ref, books)
            failed.enter_context(tenure.duties)
            self._attach(tenure.duties, recorder)
            if books is not None:
                books.attach(failed)
                self._books, self.port, self.endpoint = books, books.port, Endpoint(books.metrics.text)
            begin_tenure(system, tenure, self._serve)
            failed.pop_all()

    def _attach(self, duties: ExitStack, recorder: OpenTelemetry | None) -> None:
        if (log := self.options.log) is not None:
            handler = LogHandler(log.level)
            attach(LOG_ID, log.events, handler)
            duties.callback(detach_if_there, lambda: detach(LOG_ID, handler))
        if recorder is not None:
            recorder.attach()
            duties.callback(detach_if_there, recorder.detach)

    async def _serve(self) -> None:
        books, endpoint = self._books, self.endpoint
        if books is None or endpoint is None:
            return
        try:
            await endpoint.serve(books.doubles())
        except Exception:
            logger.exception("%s can be scraped no more, and is killed, to be restarted", self.ref)
            if self.ref.alive:
                books.unlisten()  # the fault may be that of a socket
                self.ref.kill()
