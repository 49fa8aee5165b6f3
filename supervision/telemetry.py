"""Telemetry: the actor that has the events of a program logged, traced and scraped for as long as it lives."""

from __future__ import annotations

import logging
from contextlib import ExitStack, suppress
from errno import EADDRINUSE
from typing import TYPE_CHECKING, Final, Literal

import attrs
import trio

from actors import Actor, is_clean
from actors.telemetry import HandlerNotFoundError, HandlerTakenError, attach, detach
from actors.telemetry.endpoint import PORT, Endpoint, check_loopback, open_loopback
from actors.telemetry.log import PROBLEMS, LogHandler
from actors.telemetry.opentelemetry import OpenTelemetry
from actors.telemetry.prometheus import MOST_LABELS, Prometheus

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors import ActorRef, ActorSystem

LOG_ID: Final = "log of the configuration"

BETWEEN: Final = 0.02
INSIST_SECONDS: Final = 2.0
"""So long it is waited for what somebody else has: the last incarnation may just be letting go of it."""

HEIR_SECONDS: Final = 60.0
"""So long metrics go on counting after a crash or a kill: longer than a restart is delayed."""

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


@attrs.define(eq=False)
class Books:
    """The metrics of a system, which are kept from one incarnation to the next, and count in between."""

    system: ActorSystem
    metrics: Prometheus
    options: PrometheusOptions
    keeper: ActorRef | None = None
    """Who serves them, or has done so last."""


_books: Final[dict[ActorSystem, Books]] = {}
"""By systems, for as long as their actors live."""


class Telemetry(Actor):
    """Attaches the handlers of *options* when it starts, and serves metrics; when it is dead they are gone.

    Only the metrics go on counting when it has crashed or was killed, for the incarnation that follows: none of its
    counts is lost. There is one in a program at a time. Its start raises `MissingExtraError` without the extra
    ``telemetry``, and ``OSError`` for a port that somebody else has.
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
        options, scraped = self.options, self.options.prometheus
        recorder = OpenTelemetry() if options.opentelemetry else None
        books = None if scraped is None else _books_of(self.system, scraped)
        self.endpoint = None if books is None else Endpoint(books.metrics.text)
        with ExitStack() as undo:
            listeners = await self._listen(scraped, undo)
            if (log := options.log) is not None:
                handler = LogHandler(log.level)
                await _insist(lambda: attach(LOG_ID, log.events, handler))
                undo.callback(_detach, lambda: detach(LOG_ID, handler))
            if recorder is not None:
                await _insist(recorder.attach)
                undo.callback(_detach, recorder.detach)
            if books is not None:
                await _take_over(books, self.ref)
            with ExitStack() as unserved:
                unserved.callback(_let_go, books, self.ref)
                arguments = self.ref, self.endpoint, listeners, books, undo.pop_all()
                self.system.context.run(self.system.start_soon, _serve_until_dead, *arguments)
                unserved.pop_all()

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


def _books_of(system: ActorSystem, options: PrometheusOptions) -> Books:
    """Return what was counted so far; from zero if other things are to be counted now."""
    books = _books.get(system)
    if books is not None and books.keeper is not None and books.keeper.alive:
        raise HandlerTakenError(f"the metrics of this program are served by {books.keeper} already", "prometheus")
    if books is not None and _counted(books.options) == _counted(options):
        return books
    metrics = Prometheus(system, max_labels=options.max_labels, messages=options.messages)
    if books is None:
        system.context.run(system.start_soon, _forget_at_end, system)
    else:
        _detach(books.metrics.detach)
    books = _books[system] = Books(system, metrics, options)
    return books


def _counted(options: PrometheusOptions) -> tuple[int, bool]:
    return options.max_labels, options.messages


async def _forget_at_end(system: ActorSystem) -> None:
    try:
        await system.stopped.wait()
    finally:
        del _books[system]


async def _take_over(books: Books, keeper: ActorRef) -> None:
    if not books.metrics.attached:
        await _insist(books.metrics.attach)
    books.keeper = keeper


async def _serve_until_dead(
    ref: ActorRef,
    endpoint: Endpoint | None,
    listeners: list[trio.SocketListener],
    books: Books | None,
    undo: ExitStack,
) -> None:
    try:
        with undo:
            async with trio.open_nursery() as nursery:
                if endpoint is not None:
                    nursery.start_soon(_serve, ref, endpoint, listeners)
                reason = await ref.wait()
                nursery.cancel_scope.cancel()
        if books is not None and not is_clean(reason):
            with trio.move_on_after(HEIR_SECONDS):
                await books.system.stopped.wait()
    finally:
        _let_go(books, ref)


async def _serve(ref: ActorRef, endpoint: Endpoint, listeners: list[trio.SocketListener]) -> None:
    try:
        await endpoint.serve(listeners)
    except Exception:
        logger.exception("%s can be scraped no more, and is killed, to be restarted", ref)
        ref.kill()


def _let_go(books: Books | None, ref: ActorRef) -> None:
    """Have nothing more counted, unless somebody else has taken the books over."""
    if books is not None and books.keeper is ref:
        _detach(books.metrics.detach)


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
