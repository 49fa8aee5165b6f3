"""One client's conversation with a node, frame by frame."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import trio

from actors.shell.frame import HEADER, Frame, decode, encode

if TYPE_CHECKING:
    from actors.shell import Node


class Client:
    """A client that may do what no client should."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = bytearray()

    async def send(self, data: bytes | bytearray) -> None:
        await self.stream.send_all(data)

    async def receive(self) -> Frame | None:
        """Return the next frame, or None if the node has closed the connection."""
        header = await self._exactly(HEADER.size)
        if not header:
            return None
        return decode(await self._exactly(HEADER.unpack(header)[0]))

    async def receive_some(self) -> bytes:
        """Return what has come, nothing if the node has closed the connection, whatever it left unread."""
        try:
            return bytes(await self.stream.receive_some())
        except trio.BrokenResourceError:
            return b""

    async def _exactly(self, length: int) -> bytes:
        while len(self._received) < length:
            more = await self.receive_some()
            if not more:
                return b""
            self._received += more
        taken = bytes(self._received[:length])
        del self._received[:length]
        return taken

    async def ask(self, word: str, arguments: object = None) -> list[Frame]:
        """Ask, and return the frames of the answer."""
        await self.send(encode(word, {} if arguments is None else arguments))
        frames = []
        while (frame := await self.receive()) is not None:
            frames.append(frame)
            if frame.word != "part":
                break
        return frames

    async def refusal(self) -> str:
        """Return the code of the error that the node sends before it closes the connection."""
        frame = await self.receive()
        assert frame is not None
        assert frame.word == "error"
        assert await self.receive() is None
        code: str = frame.content[0]
        return code


Connect: TypeAlias = Callable[["Node"], Awaitable[Client]]
"""What connects to a node; the connection is closed at the end of the test."""


def rows(frames: list[Frame]) -> list[Any]:
    """Return the rows in the parts of an answer."""
    return [row for frame in frames[:-1] for row in frame.content[1]]
