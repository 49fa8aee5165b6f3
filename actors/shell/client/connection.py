"""The client's side of a node's socket: finding nodes, and asking one of them.

It blocks and needs no trio: whoever looks at a node is another program.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import attrs

from actors.shell import directory
from actors.shell.client.view import ActorView, view_of
from actors.shell.errors import (
    CommandError,
    FrameError,
    NoActorError,
    NoNodeError,
    RefusedError,
    SeveralNodesError,
    UnreachableError,
)
from actors.shell.frame import HEADER, MAX_REPLY_BYTES, Frame, decode, encode, length_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NodeFacts: TypeAlias = Mapping[str, Any]
"""What a node tells of itself."""

DEFAULT_SECONDS: Final = 5.0


@attrs.frozen
class Reply:
    """What a node answered to a command: rows of plain data."""

    node: NodeFacts
    rows: list[Any]


@attrs.frozen
class Answer:
    """What a node said of its actors."""

    node: NodeFacts
    actors: list[ActorView]


def find_node(wanted: str | None) -> tuple[str, Path]:
    """Return the name and the socket of the node that is *wanted*, by its name with or without its number.

    Raises `NoNodeError`, or `SeveralNodesError` if more than one could be meant; None means any.
    """
    nodes = dict(directory.sockets())
    if wanted is None:
        found = list(nodes)
    elif wanted in nodes:
        found = [wanted]
    else:
        found = [name for name in nodes if wanted in name.rsplit(".", 1)]
    if len(found) == 1:
        return found[0], nodes[found[0]]
    if found:
        which = "" if wanted is None else f" called {wanted!r}"
        raise SeveralNodesError(f"{len(found)} nodes{which} run; say which", found)
    if wanted is None:
        raise NoNodeError(f"no node runs, as far as {directory.directories()[0]} tells")
    without_numbers = sorted({name.rpartition(".")[0] for name in nodes})
    raise NoNodeError(f"no node is called {wanted!r}{nearest(wanted, without_numbers)}")


def nearest(wanted: str, names: list[str]) -> str:
    """Return a question whether one of *names* is meant, the nearest, or nothing.

    >>> nearest("offise", ["office", "pool"])
    '; did you mean office?'
    """
    found = get_close_matches(wanted, names, n=3)
    return f"; did you mean {' or '.join(found)}?" if found else ""


class Connection:
    """A conversation with one node, which blocks; a context manager."""

    def __init__(self, name: str, path: Path, seconds: float = DEFAULT_SECONDS) -> None:
        self.name = name
        self.facts: NodeFacts = {}
        """What the node told of itself with its last answer."""
        self._seconds = seconds
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(seconds)
        try:
            self._socket.connect(os.fspath(path))
        except OSError as error:
            self._socket.close()
            raise self._unreachable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def about(self) -> NodeFacts:
        """Ask for what the node tells of itself."""
        [facts] = self._ask("node", {})
        known: NodeFacts = facts
        return known

    def actors(self) -> Answer:
        """Ask for all actors."""
        *parts, node = self._ask("actors", {})
        return Answer(node, [view_of(row, now) for now, rows in parts for row in rows])

    def actor(self, wanted: str) -> tuple[NodeFacts, list[tuple[ActorView, dict[str, Any]]]]:
        """Ask for all that is known of the actors called *wanted*: a name, or ``#`` and an id."""
        *parts, node = self._ask("actor", {"name": wanted})
        if not parts:
            raise self._no_actor(wanted)
        return node, [(view_of(row, now), detail) for now, [row], detail in parts]

    def ask(self, word: str, /, *, wait: float = 0.0, **arguments: Any) -> Reply:
        """Ask what the command *word* answers; it may take *wait* seconds longer than any other.

        Raises `NoActorError`, with the nearest name there is, if the one in *arguments* is nobody's.
        """
        rows = [row for part in self.follow(word, wait=wait, **arguments) for row in part]
        return Reply(self.facts, rows)

    def follow(self, word: str, /, *, wait: float = 0.0, **arguments: Any) -> Iterator[list[Any]]:
        """Yield the rows of an answer as they come. Raises as `ask`."""
        self._socket.settimeout(self._seconds + wait)
        try:
            for frame in self._frames(word, arguments):
                if frame.word == "end":
                    self.facts = frame.content
                else:
                    yield frame.content[1]
        except RefusedError as error:
            if error.code != "no_actor":
                raise
            raise self._no_actor(
                next(str(arguments[it]) for it in ("name", "actor", "to") if it in arguments)
            ) from None

    def _no_actor(self, wanted: str) -> NoActorError:
        known = [name for _, names in self._ask("names", {})[:-1] for name in names]
        return NoActorError(f"node {self.name} has no actor {wanted!r}{nearest(wanted, known)}")

    def _ask(self, word: str, arguments: dict[str, Any]) -> list[Any]:
        """Return the contents of the frames that answer, in their order. Raises as `_frames`."""
        return [frame.content for frame in self._frames(word, arguments)]

    def _frames(self, word: str, arguments: dict[str, Any]) -> Iterator[Frame]:
        """Yield the frames that answer, down to the last.

        Raises `RefusedError` if the answer is an error, `CommandError` if what is asked can be sent to no node, and
        `UnreachableError`.
        """
        try:
            request = encode(word, arguments)
        except UnicodeEncodeError as error:
            raise CommandError(f"{error.object!r} is no text in UTF-8, as all names and messages are") from None
        try:
            self._socket.sendall(request)
        except BrokenPipeError:
            pass  # it has refused already, and says why
        except OSError as error:
            raise self._unreachable(error) from error
        while True:
            frame = self._receive()
            if frame.word == "error":
                code, text = frame.content
                raise RefusedError(f"node {self.name} refused: {text}", code)
            yield frame
            if frame.word == "end":
                return

    def _receive(self) -> Frame:
        try:
            header = self._receive_exactly(HEADER.size)
            return decode(self._receive_exactly(length_of(header, MAX_REPLY_BYTES)))
        except OSError as error:
            raise self._unreachable(error) from error
        except (FrameError, struct.error) as error:
            raise UnreachableError(f"node {self.name} does not speak as this shell does: {error}") from error

    def _receive_exactly(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            more = self._socket.recv(min(length - len(received), 1 << 20))
            if not more:
                raise ConnectionResetError("it has closed the connection")
            received += more
        return bytes(received)

    def _unreachable(self, error: OSError) -> UnreachableError:
        if isinstance(error, TimeoutError):
            return UnreachableError(
                f"node {self.name} did not answer within {self._socket.gettimeout():g} s; a handler may be blocking it"
            )
        return UnreachableError(f"node {self.name} cannot be reached: {error}")
