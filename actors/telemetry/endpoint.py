"""Endpoint: the metrics of a system over HTTP, on loopback, as a scraper asks for them.

h11 reads the requests, and trio serves them in the node's own thread: a library that serves in threads could not look
at actors, and would be starved by a busy node. Each connection has one request, and little time for it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs
import trio

from actors.telemetry.errors import InvalidHandlerError
from actors.telemetry.extra import load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
PORT: Final = 9464
"""Where exporters of metrics listen that are no others."""

READ_BYTES: Final = 4096
OK: Final = 200

REST_BYTES: Final = 1 << 20
"""So much of what is refused is read to its end, for who still sends would not read why it was."""

logger: Final = logging.getLogger("actors.telemetry")


@attrs.frozen
class ScrapeLimits:
    """What an endpoint allows its scrapers."""

    clients: int = 8
    """So many at once; one more, and who has not asked for the longest time is cut off, or else who reads."""
    seconds: float = 10.0
    """From when one connects until it has read the answer."""
    request_bytes: int = 8192


@attrs.define
class ScrapeCounters:
    """What has become of the connections to an endpoint."""

    served: int = 0
    refused: int = 0
    """Those whose requests were malformed, too long, or for something else."""
    too_many: int = 0
    """Those that were cut off to make room for another."""
    slow: int = 0
    broken: int = 0
    """Those that went away before they had their answer."""
    failed: int = 0
    """Those to whom no metrics could be told."""


@attrs.define(eq=False)
class Scraper:
    """One connection to an endpoint."""

    scope: trio.CancelScope
    asked: bool = False
    """Whether its request has been read."""


class Endpoint:
    """Where one system is scraped; *text* returns the metrics."""

    def __init__(self, text: Callable[[], Awaitable[bytes]], limits: ScrapeLimits | None = None) -> None:
        self._h11 = load("prometheus", "h11")
        self._text = text
        self._limits = limits or ScrapeLimits()
        self._scrapers: dict[Scraper, None] = {}
        """Who is connected, the oldest first."""
        self.counters = ScrapeCounters()

    def __repr__(self) -> str:
        return f"<Endpoint: {len(self._scrapers)} scrapers, {self.counters.served} served>"

    async def serve(self, listeners: list[trio.SocketListener]) -> None:
        """Serve whoever connects, for ever; then close *listeners*."""
        await trio.serve_listeners(self._serve_client, listeners)

    async def _serve_client(self, stream: trio.SocketStream) -> None:
        self._make_room()
        scraper = Scraper(trio.move_on_after(self._limits.seconds))
        self._scrapers[scraper] = None
        try:
            with scraper.scope:
                await self._answer(stream, scraper)
            self.counters.slow += scraper.scope.cancelled_caught and scraper in self._scrapers
        except trio.BrokenResourceError:
            self.counters.broken += 1
        except Exception:
            self.counters.failed += 1
            logger.exception("%r could not answer a scraper", self)
        finally:
            self._scrapers.pop(scraper, None)
            with suppress(trio.BrokenResourceError):
                await trio.aclose_forcefully(stream)

    def _make_room(self) -> None:
        """Cut off the oldest that has not asked yet, or else the oldest, for one that comes."""
        if len(self._scrapers) >= self._limits.clients:
            oldest = min(self._scrapers, key=lambda scraper: scraper.asked)
            del self._scrapers[oldest]
            oldest.scope.cancel()
            self.counters.too_many += 1

    async def _answer(self, stream: trio.SocketStream, scraper: Scraper) -> None:
        connection = self._h11.Connection(self._h11.SERVER, max_incomplete_event_size=self._limits.request_bytes)
        try:
            request = await self._read(connection, stream)
        except self._h11.RemoteProtocolError as error:
            status, text, bodiless = error.error_status_hint, b"this is no request that can be answered\n", False
        else:
            if request is None:
                self.counters.broken += 1
                return
            (status, text), bodiless = _refusal_of(request.method, request.target), request.method == b"HEAD"
        if status == OK:
            scraper.asked = True
            text = await self._text()
        for part in self._response(connection, status, text, bodiless=bodiless):
            await stream.send_all(part)
        await stream.send_eof()
        self.counters.served += status == OK
        self.counters.refused += status != OK
        if status != OK:
            await _read_rest(stream)

    async def _read(self, connection: Any, stream: trio.SocketStream) -> Any:
        """Return the request, or None if nobody has asked for anything."""
        while (event := connection.next_event()) is self._h11.NEED_DATA:
            connection.receive_data(await stream.receive_some(READ_BYTES))
        return event if isinstance(event, self._h11.Request) else None

    def _response(self, connection: Any, status: int, text: bytes, *, bodiless: bool) -> list[bytes]:
        """Return what is to be sent; *text*, which may be megabytes, is not copied."""
        headers = [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(text))), ("Connection", "close")]
        sent: list[bytes] = [connection.send(self._h11.Response(status_code=status, headers=headers))]
        if not bodiless:
            sent += connection.send_with_data_passthrough(self._h11.Data(data=text))
        sent += connection.send_with_data_passthrough(self._h11.EndOfMessage())
        return sent


async def _read_rest(stream: trio.SocketStream) -> None:
    left = REST_BYTES
    with suppress(trio.BrokenResourceError):  # it was answered, and has gone
        while left > 0 and (some := await stream.receive_some(REST_BYTES >> 4)):
            left -= len(some)


def _refusal_of(method: bytes, target: bytes) -> tuple[int, bytes]:
    r"""Return how a request is answered, and why it is refused if it is.

    >>> _refusal_of(b"POST", b"/metrics")
    (405, b'the metrics can only be read\n')
    """
    if method not in {b"GET", b"HEAD"}:
        return 405, b"the metrics can only be read\n"
    if _path_of(target) not in {b"/metrics", b"/"}:
        return 404, b"the metrics are at /metrics\n"
    return OK, b""


def _path_of(target: bytes) -> bytes:
    """Return the path that is asked for; a proxy may ask for the whole address."""
    try:
        return urlsplit(target).path
    except ValueError:
        return b""


async def open_loopback(host: str, port: int) -> list[trio.SocketListener]:
    """Return what listens at *port*, any for 0, of an address of this machine that no other can reach."""
    check_loopback(host)
    return await trio.open_tcp_listeners(port, host=host)


def check_loopback(host: object) -> None:
    """Refuse what is no address of loopback: whoever reaches the endpoint can read it."""
    try:
        loopback = isinstance(host, str) and ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise InvalidHandlerError(f"Prometheus: host is {host!r}; allowed is an address of loopback, as '127.0.0.1'")
