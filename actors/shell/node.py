"""Node: one running system, as it is seen through its socket.

Whoever connects is one client: it asks, and is answered, one request after the other. Nothing that a client sends,
leaves unread or leaves unsaid reaches an actor; it is refused, cut off and counted.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

import attrs
import trio

from actors.errors import ActorError
from actors.shell import directory
from actors.shell.answer import answer
from actors.shell.chronicle import Chronicle
from actors.shell.errors import CommandError, DirectoryError, FrameError, RefusedError
from actors.shell.frame import HEADER, MAX_REQUEST_BYTES, Frame, decode, encode, length_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from actors.system import ActorSystem
    from actors.trace import Trace

logger: Final = logging.getLogger("actors.shell")

CREDENTIALS: Final = struct.Struct("3i")
"""The process, user and group of a peer."""


@attrs.frozen
class Limits:
    """What a node allows its clients."""

    clients: int = 8
    """So many at once."""
    request_bytes: int = MAX_REQUEST_BYTES
    idle_seconds: float = 30.0
    """A client may take so long from the end of an answer to the end of its next request."""
    send_seconds: float = 10.0
    """A client may take so long to read one frame."""
    answer_seconds: float = 3600.0
    """An answer that has to be waited for may take so long."""


REFUSALS: Final = {"oversized": "oversized", "stranger": "strangers", "too_many": "too_many"}
"""Where the codes of errors are counted; all others are malformed."""


@attrs.define
class Counters:
    """What has come through a node's socket since it was opened, and what was wrong with it."""

    connections: int = 0
    requests: int = 0
    malformed: int = 0
    """Frames that were not of this protocol, of its version, or no known request."""
    oversized: int = 0
    strangers: int = 0
    """Connections of other users."""
    too_many: int = 0
    """Connections beyond the number that is allowed at once."""
    timed_out: int = 0
    """Clients that took too long to ask, or to read."""
    broken: int = 0
    """Clients that went in the middle of a request or of an answer."""
    refused: int = 0
    """Commands that could not be done: their clients were told why, and may go on."""
    failed: int = 0
    """Answers that could not be made, which is a bug: it is logged."""

    def count(self, code: str) -> None:
        """Count a client that was refused with *code*."""
        name = REFUSALS.get(code, "malformed")
        setattr(self, name, getattr(self, name) + 1)

    def as_mapping(self) -> dict[str, int]:
        """Return the numbers by their names."""
        return attrs.asdict(self)


class Node:
    """A running system with a socket."""

    def __init__(self, system: ActorSystem, name: str, limits: Limits, user: int) -> None:
        self.system = system
        self.limits = limits
        self.user = user
        """Only whose connections are accepted."""
        self.counters = Counters()
        self.chronicle = Chronicle(system)
        self.traces: dict[Trace, int] = {}
        """Those that were started for a client, and how many clients look at each."""
        self.clients = 0
        """How many are connected."""
        self.opened = time.monotonic_ns()
        self._listener, self.path = directory.bind(directory.node_name(name))
        self._made = self.path.lstat()

    def __repr__(self) -> str:
        return f"<Node {self.name}: {self.clients} clients, {self.counters.requests} requests>"

    @property
    def name(self) -> str:
        """What it is found by: the name it was given, and the number of its operating system process."""
        return self.path.name.removesuffix(directory.SUFFIX)

    def remove(self) -> None:
        """Remove the socket's file."""
        try:
            directory.remove(self.path, self._made)
        except OSError as error:
            logger.warning("the socket of %s is left behind: %s", self.name, error)

    async def serve(self) -> None:
        """Serve clients until cancelled, or until the socket itself fails, which is logged."""
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(self._listener))
        self.chronicle.attach()
        try:
            await trio.serve_listeners(self._serve_client, [listener])
        except Exception:
            logger.exception("nobody can look at %s any more", self)
        finally:
            self.chronicle.detach()
            self.remove()

    async def _serve_client(self, stream: trio.SocketStream) -> None:
        self.counters.connections += 1
        self.clients += 1
        try:
            async with stream:
                await self._converse(stream)
        except trio.TooSlowError:
            self.counters.timed_out += 1
        except trio.BrokenResourceError:
            self.counters.broken += 1
        except Exception:
            self.counters.failed += 1
            logger.exception("%s could not answer", self)
        finally:
            self.clients -= 1

    async def _converse(self, stream: trio.SocketStream) -> None:
        """Answer the requests of one client until it goes; count what is wrong with it, and tell it."""
        try:
            self._admit(stream)
            while (frame := await self._receive(stream)) is not None:
                self.counters.requests += 1
                await self._answer(stream, frame)
        except (FrameError, RefusedError) as error:
            self.counters.count(error.code)
            with suppress(trio.BrokenResourceError, trio.TooSlowError):
                await self._send(stream, encode("error", [error.code, str(error)]))

    async def _answer(self, stream: trio.SocketStream, frame: Frame) -> None:
        """Send what answers *frame*, or why that cannot be done."""
        try:
            frames = answer(self, frame.word, frame.content)
            if isinstance(frames, Iterator):
                for it in frames:
                    await self._send(stream, it)
            else:
                await self._send_as_they_come(stream, frames)
        except (FrameError, RefusedError):
            raise
        except (ActorError, ValueError) as error:
            self.counters.refused += 1
            code = error.code if isinstance(error, CommandError) else type(error).__name__
            await self._send(stream, encode("error", [code, str(error)]))

    async def _send_as_they_come(self, stream: trio.SocketStream, frames: AsyncIterator[bytes]) -> None:
        """Send *frames*, which may take their time, and let go of them when the client goes."""
        failed: Exception | None = None
        async with trio.open_nursery() as nursery, aclosing(frames):  # type: ignore[type-var]
            watch = trio.CancelScope()
            nursery.start_soon(_watch, stream, watch)
            try:
                with watch, trio.fail_after(self.limits.answer_seconds):
                    async for it in frames:
                        await self._send(stream, it)
            except Exception as error:  # noqa: BLE001 -- raised again, without the group that a nursery makes of it
                failed = error
            nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed
        if watch.cancelled_caught:
            raise trio.BrokenResourceError("the client went before it was answered")

    def _admit(self, stream: trio.SocketStream) -> None:
        """Refuse a client that is somebody else's, or one too many."""
        user = user_of(stream)
        if user not in {None, self.user}:
            raise RefusedError(f"user {user} may not look at {self.name}, a node of user {self.user}", "stranger")
        if self.clients > self.limits.clients:
            raise RefusedError(
                f"{self.limits.clients} clients are connected to {self.name}, as many as may", "too_many"
            )

    async def _receive(self, stream: trio.SocketStream) -> Frame | None:
        """Wait for the next request; None if the client has gone."""
        with trio.fail_after(self.limits.idle_seconds):
            header = await _receive_exactly(stream, HEADER.size)
            if header is None:
                return None
            body = await _receive_exactly(stream, length_of(header, self.limits.request_bytes))
        if body is None:
            raise trio.BrokenResourceError
        return decode(body)

    async def _send(self, stream: trio.SocketStream, frame: bytes) -> None:
        with trio.fail_after(self.limits.send_seconds):
            await stream.send_all(frame)


async def serve_node(
    system: ActorSystem,
    name: str,
    limits: Limits | None = None,
    *,
    task_status: trio.TaskStatus[Node | None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Let the shell look at *system*, as the node *name*, until cancelled.

    Where the socket cannot be made that is logged, and this returns: the system runs on without it.
    """
    try:
        node = Node(system, name, limits or Limits(), os.geteuid())
    except (OSError, DirectoryError) as error:
        logger.warning("nobody can look at %s with the shell, since it has no socket: %s", name, error)
        task_status.started(None)
        return
    task_status.started(node)
    await node.serve()


def user_of(stream: trio.SocketStream) -> int | None:
    """Return whose process is at the other end; None where the platform does not tell, as only Linux does."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, user, _ = CREDENTIALS.unpack(stream.socket.getsockopt(socket.SOL_SOCKET, option, CREDENTIALS.size))
    return int(user)


async def _watch(stream: trio.SocketStream, scope: trio.CancelScope) -> None:
    """Cancel *scope* when the other end closes; not any more, once it has sent something that is still to be read."""
    await trio.lowlevel.wait_readable(stream.socket.fileno())
    try:
        gone = not await stream.socket.recv(1, socket.MSG_PEEK)
    except OSError:
        gone = True
    if gone:
        scope.cancel()


async def _receive_exactly(stream: trio.SocketStream, length: int) -> bytes | None:
    """Wait for *length* bytes; None if the other end closed before the first of them."""
    received = bytearray()
    while len(received) < length:
        more = await stream.receive_some(length - len(received))
        if not more and received:
            raise trio.BrokenResourceError("the client went in the middle of a frame")
        if not more:
            return None
        received += more
    return bytes(received)
