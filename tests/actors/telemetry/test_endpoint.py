"""The endpoint answers scrapers by plain HTTP; slow and malformed ones cost the node nothing."""

from __future__ import annotations

import socket
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from trio.testing import wait_all_tasks_blocked

from actors import open_system
from actors.telemetry import InvalidHandlerError
from actors.telemetry.endpoint import Endpoint, ScrapeLimits, open_loopback
from actors.telemetry.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LARGE = 50_000_000
AT_ONCE = struct.pack("ii", 1, 0)
"""Close without a farewell."""
GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def two_lines() -> bytes:
    return b"# TYPE tills gauge\ntills 2.0\n"


class Served:
    """An endpoint that is served, and how it is reached."""

    def __init__(self, endpoint: Endpoint, port: int) -> None:
        self.endpoint = endpoint
        self.port = port

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Return the first line and the body of the answer."""
        stream = await self.connect()
        async with stream:
            await stream.send_all(request)
            answer = b"".join([chunk async for chunk in stream])
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.partition(b"\r\n")[0], body


@asynccontextmanager
async def served(text: Any = two_lines, **limits: Any) -> AsyncIterator[Served]:
    endpoint = Endpoint(text, ScrapeLimits(**limits))
    listeners = await open_loopback("127.0.0.1", 0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(endpoint.serve, listeners)
        yield Served(endpoint, listeners[0].socket.getsockname()[1])
        nursery.cancel_scope.cancel()


async def test_a_system_is_scraped_by_plain_http() -> None:
    async with open_system() as system:
        metrics = Prometheus(system)
        metrics.attach()
        async with served(metrics.text) as node:
            status, body = await node.ask(GET)
        metrics.detach()

    assert status == b"HTTP/1.1 200 "
    names = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"actors_alive", "actors_mailbox_messages", "actors_dead_letters", "actors_restarts"} <= names


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (GET, b"200", b"# TYPE tills gauge\ntills 2.0\n"),
        (b"GET /?name=tills HTTP/1.0\r\n\r\n", b"200", b"# TYPE tills gauge\ntills 2.0\n"),
        (
            b"GET http://localhost:9464/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"200",
            b"# TYPE tills gauge\ntills 2.0\n",
        ),
        (b"GET http://[/metrics HTTP/1.0\r\n\r\n", b"404", b"the metrics are at /metrics\n"),
        (b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", b"200", b""),
        (b"GET /secrets HTTP/1.0\r\n\r\n", b"404", b"the metrics are at /metrics\n"),
        (b"DELETE /metrics HTTP/1.0\r\n\r\n", b"405", b"the metrics can only be read\n"),
        (b"tea, please\r\n\r\n", b"400", b"this is no request that can be answered\n"),
        (b"GET /metrics HTTP/1.1\r\n\r\n", b"400", b"this is no request that can be answered\n"),
        (b"GET /" + b"x" * 9000, b"431", b"this is no request that can be answered\n"),
    ],
    ids=["get", "root", "whole address", "no address", "head", "elsewhere", "delete", "no HTTP", "no host", "too long"],
)
async def test_a_request_is_answered(request_: bytes, status: bytes, body: bytes) -> None:
    async with served() as node:
        found = await node.ask(request_)

    assert found == (b"HTTP/1.1 " + status + b" ", body)
    assert (node.endpoint.counters.served, node.endpoint.counters.refused) == (status == b"200", status != b"200")


async def test_who_says_nothing_or_reads_nothing_is_cut_off() -> None:
    async def much() -> bytes:
        return b"#" * LARGE

    async with served(much, seconds=0.05) as node:
        silent, deaf = await node.connect(), await node.connect()
        await deaf.send_all(GET)
        assert await silent.receive_some(1) == b""
        assert len(b"".join([chunk async for chunk in deaf])) < LARGE
        await silent.aclose()
        await deaf.aclose()

    assert node.endpoint.counters.slow == 2
    assert repr(node.endpoint) == "<Endpoint: 0 scrapers, 0 served>"


@pytest.mark.parametrize("request_", [GET[:9], GET], ids=["of its request", "of the answer"])
async def test_who_goes_in_the_middle_is_counted(request_: bytes) -> None:
    async def much() -> bytes:
        return b"#" * LARGE

    async with served(much) as node:
        going = await node.connect()
        await going.send_all(request_)
        await wait_all_tasks_blocked()
        going.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        await going.aclose()
        await wait_all_tasks_blocked()

        assert repr(node.endpoint) == "<Endpoint: 0 scrapers, 0 served>"

    assert (node.endpoint.counters.broken, node.endpoint.counters.slow) == (1, 0)


async def test_who_is_silent_does_not_keep_others_out() -> None:
    async with served(clients=8) as node:
        silent = [await node.connect() for _ in range(8)]
        await wait_all_tasks_blocked()
        with trio.fail_after(5):
            answers = [await node.ask(GET) for _ in range(3)]

        assert await silent[0].receive_some(1) == b""
        assert repr(node.endpoint) == "<Endpoint: 7 scrapers, 3 served>"
        for stream in silent:
            await stream.aclose()

    assert [status for status, _ in answers] == [b"HTTP/1.1 200 "] * 3
    assert node.endpoint.counters.too_many == 1


@pytest.mark.slow
async def test_who_reads_nothing_is_cut_off_for_another_and_who_only_waits_before_that() -> None:
    sizes = [LARGE, LARGE]

    async def much() -> bytes:
        return b"#" * (sizes.pop() if sizes else 1)

    async with served(much, clients=2) as node:
        deaf = await node.connect()
        await deaf.send_all(GET)
        await wait_all_tasks_blocked()
        silent, second = await node.connect(), await node.connect()
        assert await silent.receive_some(1) == b""
        await second.send_all(GET)
        await wait_all_tasks_blocked()
        assert await node.ask(GET) == (b"HTTP/1.1 200 ", b"#")
        assert node.endpoint.counters.too_many == 2
        for stream in (deaf, silent, second):
            await stream.aclose()

    assert node.endpoint.counters.slow == 0


async def test_who_still_sends_what_is_refused_reads_why() -> None:
    async with served() as node:
        status, _ = await node.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 900_000)
        posted, _ = await node.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000)

    assert (status, posted) == (b"HTTP/1.1 431 ", b"HTTP/1.1 405 ")
    assert node.endpoint.counters.broken == 0


async def test_metrics_that_fail_are_logged_and_the_next_are_served(caplog: pytest.LogCaptureFixture) -> None:
    failures = [RuntimeError("no ink")]

    async def text() -> bytes:
        if failures:
            raise failures.pop()
        return b"tills 2.0\n"

    async with served(text) as node:
        assert await node.ask(GET) == (b"", b"")
        assert (await node.ask(GET))[1] == b"tills 2.0\n"

    assert node.endpoint.counters.failed == 1
    assert "could not answer a scraper" in caplog.text


@pytest.mark.slow
@given(st.lists(st.binary(max_size=200), max_size=5))
async def test_no_bytes_end_it(noise: list[bytes]) -> None:
    async with served(seconds=0.5) as node:
        stream = await node.connect()
        for part in noise:
            try:
                await stream.send_all(part)
            except trio.BrokenResourceError:
                break
        await stream.aclose()

        assert (await node.ask(GET))[0] == b"HTTP/1.1 200 "

    assert node.endpoint.counters.failed == 0


@pytest.mark.parametrize("host", ["192.168.0.1", "localhost", "", None, "::"])
async def test_only_loopback_is_listened_at(host: Any) -> None:
    with pytest.raises(InvalidHandlerError, match="allowed is an address of loopback"):
        await open_loopback(host, 0)
