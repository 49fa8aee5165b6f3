"""Tracing an actor from a command line, for as long as somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from actors import inspect
from actors.shell.errors import CommandError
from actors.shell.search import find_one
from actors.shell.seconds import seconds_in
from actors.snapshot import printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from actors.shell.node import Node
    from actors.trace import TraceEvent

LAST: Final = 200
"""So many events are kept between two looks."""

LOOK_SECONDS: Final = 0.1


async def trace(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[dict[str, Any] | None]:
    """Yield the events of an actor as they come, for ``timeout`` seconds, or until it ends.

    It is traced no longer then, nor when the client goes, unless it was traced before.
    """
    process = await find_one(node.system, arguments)
    seconds = seconds_in(arguments)
    had = process.callbacks.trace
    if had is None:
        inspect.start_trace(process.ref, last=LAST)
    trace = process.callbacks.trace
    if trace is None:
        raise CommandError(f"{process.ref} cannot be traced")
    # What was noted before, by whoever else had it traced, is shown as well.
    seen = 0
    end = trio.current_time() + seconds
    try:
        while process.reason is None and process.callbacks.trace is trace and trio.current_time() < end:
            for event in trace.events(seen):
                yield _row(event)
            seen = trace.noted
            yield None
            await trio.sleep(min(LOOK_SECONDS, max(0.0, end - trio.current_time())))
    finally:
        if had is None and process.reason is None and process.callbacks.trace is trace:
            trace.stop()
    if process.reason is not None:
        yield {"kind": "exit", "content": printable(str(process.reason)), "peer": None, "time": None, "seconds": None}


def _row(event: TraceEvent) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "content": printable(event.content),
        "peer": None if event.peer is None else str(event.peer),
        "time": event.time,
        "seconds": event.seconds,
    }
