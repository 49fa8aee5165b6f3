"""What a node answers: each request as frames, made one after the other in slices of time.

A slice takes about a millisecond. Between two of them the node's actors have their turn, so an answer about many
actors shows each as it is when its row is read.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from actors.shell.errors import FrameError
from actors.shell.frame import encode, encode_part, packer
from actors.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from actors.shell.node import Node

SLICE_NANOSECONDS: Final = 1_000_000
SLICE_ROWS: Final = 256
"""A slice ends after so much time, or so many rows, whichever comes first."""


def answer(node: Node, word: str, arguments: Any) -> Iterator[bytes]:
    """Yield the frames that answer a request; making each is a slice.

    Raises `FrameError` if nothing is known under *word*.
    """
    about = ANSWERS.get(word)
    if about is None:
        raise FrameError(f"{word!r} is no request; there are {', '.join(sorted(ANSWERS))}", "unknown")
    if not isinstance(arguments, dict):
        raise FrameError(f"the arguments of {word!r} are no mapping", "malformed")
    return about(node, arguments)


def about_node(node: Node, _: dict[str, Any]) -> Iterator[bytes]:
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


def about_actors(node: Node, _: dict[str, Any]) -> Iterator[bytes]:
    """Yield a row of each actor, in parts: the time of each part, and its rows.

    Each row is packed when it is read: thousands of tuples that live for a while would set off Python's garbage
    collector, which then looks through all that the node has made since it last ran, in one slice.
    """
    packed = map(packer(), Snapshot(node.system).rows())
    for rows in in_slices(packed):
        yield encode_part(time.perf_counter_ns(), rows)
    yield from about_node(node, {})


def about_actor(node: Node, arguments: dict[str, Any]) -> Iterator[bytes]:
    """Yield the rows of the actors of one name or id, nearly always one, with all that is known."""
    name, number = arguments.get("name"), arguments.get("id")
    snapshot = Snapshot(node.system)
    if isinstance(name, str):
        found = snapshot.find_called(name)
    elif isinstance(number, int):
        found = snapshot.find(number)
    else:
        raise FrameError("'actor' needs a name or an id", "malformed")
    for process in found:
        yield encode("part", [time.perf_counter_ns(), [snapshot.row(process)], snapshot.detail(process)])
    yield from about_node(node, {})


def in_slices(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield *rows* in lists that take a slice of time each to gather."""
    gathered: list[Any] = []
    end = time.perf_counter_ns() + SLICE_NANOSECONDS
    for row in rows:
        gathered.append(row)
        if len(gathered) >= SLICE_ROWS or time.perf_counter_ns() > end:
            yield gathered
            gathered = []
            end = time.perf_counter_ns() + SLICE_NANOSECONDS
    if gathered:
        yield gathered


ANSWERS: Final[dict[str, Callable[[Node, dict[str, Any]], Iterator[bytes]]]] = {
    "node": about_node,
    "actors": about_actors,
    "actor": about_actor,
}
