"""Telemetry: the actor that has the events of a program logged, traced and scraped for as long as it lives."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from errno import EADDRINUSE
from typing import TYPE_CHECKING, Final, Literal

import attrs
import trio

from actors import Actor
from actors.telemetry import HandlerNotFoundError, HandlerTakenError, attach, detach
from actors.telemetry.endpoint import PORT, Endpoint, check_loopback, open_loopback
from actors.telemetry.log import PROBLEMS, LogHandler
from actors.telemetry.opentelemetry import OpenTelemetry
from actors.telemetry.prometheus import MOST_LABELS, Prometheus

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import ActorRef

LOG_ID: Final = "log of the configuration"

BETWEEN: Final = 0.02
INSIST_SECONDS: Final = 2.0
"""So long it is waited for what somebody else has: the last incarnation may just be letting go of it."""


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

    There is one in a program at a time. Its start raises `MissingExtraError` without the extra ``telemetry``, and
    ``OSError`` for a port that somebody else has.
    """

    def __init__(self, options: TelemetryOptions) -> None:
        if not isinstance(options, TelemetryOptions):
            raise TypeError(f"a Telemetry is given TelemetryOptions; got {options!r}")
        self.options = options
        self.port: int | None = None
        """Where it is scraped."""
        self.endpoint: Endpoint | None = None

    async def init(self) -> None:
        """Open the port, attach the handlers, and have both undone when this is dead, however it ends."""
        options = self.options
        recorder = OpenTelemetry() if options.opentelemetry else None
        metrics = endpoint = None
        if (scraped := options.prometheus) is not None:
            metrics = Prometheus(self.system, max_labels=scraped.max_labels, messages=scraped.messages)
            endpoint = Endpoint(metrics.text)
        with ExitStack() as undo:
            listeners = await self._listen(scraped, undo)
            if (log := options.log) is not None:
                await _insist(lambda: attach(LOG_ID, log.events, LogHandler(log.level)))
                undo.callback(_detach, lambda: detach(LOG_ID))
            for handler in (recorder, metrics):
                if handler is not None:
                    await _insist(handler.attach)
                    undo.callback(_detach, handler.detach)
            self.endpoint = endpoint
            context = self.system.context
            context.run(self.system.start_soon, _serve_until_dead, self.ref, endpoint, listeners, undo.pop_all())

    async def _listen(self, scraped: PrometheusOptions | None, undo: ExitStack) -> list[trio.SocketListener]:
        if scraped is None:
            return []
        deadline = trio.current_time() + INSIST_SECONDS
        while True:
            try:
                listeners = await open_loopback(scraped.host, scraped.port)
            except OSError as error:
                if error.errno != EADDRINUSE or trio.current_time() >= deadline:
                    where = f"metrics cannot be served at {scraped.host}:{scraped.port}"
                    raise OSError(error.errno, f"{where}: {error.strerror}") from error
                await trio.sleep(BETWEEN)
            else:
                for listener in listeners:
                    undo.callback(listener.socket.close)
                self.port = listeners[0].socket.getsockname()[1]
                return listeners


async def _serve_until_dead(
    ref: ActorRef, endpoint: Endpoint | None, listeners: list[trio.SocketListener], undo: ExitStack
) -> None:
    with undo:
        async with trio.open_nursery() as nursery:
            if endpoint is not None:
                nursery.start_soon(endpoint.serve, listeners)
            await ref.wait()
            nursery.cancel_scope.cancel()


async def _insist(attach_one: Callable[[], None]) -> None:
    """Attach a handler as soon as the last incarnation has let go of it."""
    deadline = trio.current_time() + INSIST_SECONDS
    while True:
        try:
            attach_one()
        except HandlerTakenError:
            if trio.current_time() >= deadline:
                raise
            await trio.sleep(BETWEEN)
        else:
            return


def _detach(detach_one: Callable[[], None]) -> None:
    with suppress(HandlerNotFoundError):  # it has failed meanwhile
        detach_one()
