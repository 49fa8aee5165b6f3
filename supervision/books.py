"""Books: what a `Telemetry` counts and where it is scraped, kept by the system from one incarnation to the next.

They are no heirloom. Its records never change, but every event changes a count, also while nobody lives who could put
another record there. And a heirloom ends with the system only, but somebody must let go of a handler and of a port.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final

import attrs
import trio

from actors import is_clean
from actors.telemetry import HandlerNotFoundError, HandlerTakenError
from actors.telemetry.endpoint import open_loopback
from actors.telemetry.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from actors import ActorRef, ActorSystem
    from supervision.telemetry import PrometheusOptions

HEIR_SECONDS: Final = 60.0
"""So long books stay open after a crash or a kill: longer than a restart is delayed."""


@attrs.define(eq=False)
class Books:
    """The metrics of a system, and the sockets at which they are served.

    While they are open, metrics count, and whoever connects waits there for the next incarnation if there is none.
    What was counted stays when they are closed.
    """

    options: PrometheusOptions
    metrics: Prometheus
    listeners: list[trio.SocketListener] = attrs.field(factory=list)

    @property
    def port(self) -> int:
        """Where they are scraped."""
        port: int = self.listeners[0].socket.getsockname()[1]
        return port

    def doubles(self) -> list[trio.SocketListener]:
        """Return listeners at the same sockets, for one incarnation, which closes them at its end."""
        with ExitStack() as failed:
            sockets = [failed.enter_context(listener.socket.dup()) for listener in self.listeners]
            doubles = [trio.SocketListener(it) for it in sockets]
            failed.pop_all()
        return doubles

    def attach(self, undo: ExitStack) -> None:
        """Count from now on, unless that is done already."""
        if not self.metrics.attached:
            self.metrics.attach()
            undo.callback(detach_if_there, self.metrics.detach)

    def unlisten(self) -> None:
        """Listen no more, until they are opened again."""
        for listener in self.listeners:
            listener.socket.close()
        self.listeners = []

    def close(self) -> None:
        """Count and listen no more."""
        detach_if_there(self.metrics.detach)
        self.unlisten()


@attrs.define(eq=False)
class Tenure:
    """The time of one incarnation, and what it has."""

    keeper: ActorRef
    books: Books | None
    duties: ExitStack = attrs.field(factory=ExitStack)
    """What is undone when the keeper is dead, by whoever comes first: the system or the next incarnation."""
    vigil: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    """What waits for another incarnation when the keeper is dead."""


_tenures: Final[dict[ActorSystem, Tenure]] = {}
"""By systems, the latest; each is let go by its task, `_see_out`."""


def last_tenure(system: ActorSystem) -> Tenure | None:
    """Return what the last incarnation has left. Raises `HandlerTakenError` if it lives."""
    last = _tenures.get(system)
    if last is not None and last.keeper.alive:
        told = f"the log, spans and metrics of this program are served by {last.keeper} already"
        raise HandlerTakenError(told, "telemetry")
    return last


async def open_books(system: ActorSystem, options: PrometheusOptions, undo: ExitStack) -> Books:
    """Return the books that there are, or others if *options* are.

    It waits only where it has to open sockets. Raises ``OSError`` for a port that somebody else has.
    """
    last = last_tenure(system)
    books = None if last is None else last.books
    if books is None or books.options != options:
        metrics = Prometheus(system, max_labels=options.max_labels, messages=options.messages)
        if books is not None:
            books.close()  # its port may be wanted
        books = Books(options, metrics)
    if not books.listeners:
        listeners = await _listen(options)
        for listener in listeners:
            undo.callback(listener.socket.close)
        last_tenure(system)  # another may have started meanwhile
        books.listeners = listeners
        undo.callback(books.unlisten)
    return books


async def _listen(options: PrometheusOptions) -> list[trio.SocketListener]:
    try:
        return await open_loopback(options.host, options.port)
    except OSError as error:
        where = f"metrics cannot be served at {options.host}:{options.port}"
        raise OSError(error.errno, f"{where}: {error.strerror}") from error


def begin_tenure(system: ActorSystem, tenure: Tenure, serve: Callable[[], Awaitable[None]]) -> None:
    """Have *serve* run for as long as the keeper lives, and its tenure seen out by the system, however it ends."""
    system.context.run(system.start_soon, _see_out, system, tenure, serve)
    last = _tenures.get(system)
    _tenures[system] = tenure
    if last is not None:
        last.vigil.cancel()


async def _see_out(system: ActorSystem, tenure: Tenure, serve: Callable[[], Awaitable[None]]) -> None:
    try:
        with tenure.duties:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serve)
                reason = await tenure.keeper.wait()
                nursery.cancel_scope.cancel()
        with tenure.vigil:
            if not is_clean(reason):
                with trio.move_on_after(HEIR_SECONDS):
                    await system.stopped.wait()
            _let_go(system, tenure)
            await system.stopped.wait()
    finally:
        _let_go(system, tenure)
        if _tenures.get(system) is tenure:
            del _tenures[system]


def _let_go(system: ActorSystem, tenure: Tenure) -> None:
    """Close the books of *tenure*, which is over, unless the next has taken them over."""
    latest = _tenures.get(system, tenure)
    if tenure.books is not None and (latest is tenure or latest.books is not tenure.books):
        tenure.books.close()


def detach_if_there(detach: Callable[[], None]) -> None:
    """Call *detach*; a handler that has failed meanwhile is detached already."""
    with suppress(HandlerNotFoundError):
        detach()
