"""What a node answers: each request as frames, made one after the other in slices of time.

A request names a command. The node knows its own, which are `COMMANDS`; all others are offered by actors.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from actors.shell.errors import CommandError, FrameError
from actors.shell.frame import encode
from actors.shell.node_commands import COMMANDS
from actors.shell.offers import find_offer
from actors.shell.parts import in_parts, in_parts_as_they_come
from actors.shell.search import found
from actors.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.process import Process
    from actors.shell.node import Node

Frames: TypeAlias = Iterator[bytes] | AsyncIterator[bytes]

PAUSE: Final = b""
"""A frame of no bytes: nothing is sent, and others have their turn."""


def answer(node: Node, word: str, arguments: Any) -> Frames:
    """Return the frames that answer a request; making each is a slice.

    Raises `FrameError` if the arguments are no mapping by names.
    """
    if not isinstance(arguments, dict) or not all(isinstance(name, str) for name in arguments):
        raise FrameError(f"the arguments of {word!r} are no mapping of names", "malformed")
    if word in ABOUT:
        return ABOUT[word](node, arguments)
    command = COMMANDS.get(word)
    if command is None:
        return _offered(node, word, arguments)
    rows = command(node, arguments)
    return _in_frames(node, rows) if isinstance(rows, Iterator) else _as_they_come(node, rows)


def _in_frames(node: Node, rows: Iterator[Any]) -> Iterator[bytes]:
    yield from in_parts(rows)
    yield from about_node(node, {})


async def _as_they_come(node: Node, rows: Any) -> AsyncIterator[bytes]:
    async with aclosing(rows), aclosing(in_parts_as_they_come(rows)) as parts:  # type: ignore[type-var]
        async for part in parts:
            yield part
    for frame in about_node(node, {}):
        yield frame


async def _offered(node: Node, word: str, arguments: dict[str, Any]) -> AsyncIterator[bytes]:
    """Yield the frames of what an actor answers to a command that it offers."""
    arguments = dict(arguments)
    command = await find_offer(node.system, word, arguments.pop("actor", None))
    rows: Any = command(arguments)
    if isinstance(rows, AsyncIterator):
        async with aclosing(_as_they_come(node, rows)) as frames:  # type: ignore[type-var]
            async for frame in frames:
                yield frame
    elif isinstance(rows, Iterator):
        for frame in _in_frames(node, rows):
            yield frame
    else:
        raise CommandError(f"{word!r} returned a {type(rows).__name__}; a command yields its rows", "failed")


def about_node(node: Node, _: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield what is known of the node as a whole."""
    system = node.system
    yield encode(
        "end",
        {
            "name": node.name,
            "pid": os.getpid(),
            "python": sys.version.split()[0],
            "argv": [argument.encode("utf-8", "backslashreplace").decode() for argument in sys.argv],
            "up_seconds": (time.monotonic_ns() - node.opened) / 1e9,
            "stopping": system.closing,
            "actors": max(0, len(system.processes) - 1),
            "zombies": len(system.zombies),
            "dead_letters": system.dead_letters.count,
            "socket": node.counters.as_mapping(),
        },
    )


def about_actors(node: Node, _: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield a row of each actor, in parts."""
    yield from in_parts(Snapshot(node.system).rows())
    yield from about_node(node, {})


def about_actor(node: Node, arguments: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the rows of the actors of one name or id, nearly always one, with all that is known."""
    snapshot = Snapshot(node.system)
    processes: list[Process] = []
    for _ in found(snapshot, arguments, processes):
        yield PAUSE
    for process in processes:
        yield encode("part", [time.perf_counter_ns(), [snapshot.row(process)], snapshot.detail(process)])
    yield from about_node(node, {})


ABOUT: Final[dict[str, Callable[[Node, Mapping[str, Any]], Iterator[bytes]]]] = {
    "node": about_node,
    "actors": about_actors,
    "actor": about_actor,
}
"""The answers whose frames are their own."""
