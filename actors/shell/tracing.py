"""Tracing an actor from a command line, for as long as somebody looks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import trio

from actors import inspect
from actors.shell.errors import CommandError
from actors.shell.search import find_one
from actors.shell.seconds import seconds_in
from actors.snapshot import printable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from actors.process import Process
    from actors.shell.node import Node
    from actors.trace import Trace, TraceEvent

LAST: Final = 200
"""So many events are kept between two looks; those before them are lost, and counted."""

LOOK_SECONDS: Final = 0.1


async def trace(node: Node, arguments: Mapping[str, Any]) -> AsyncIterator[dict[str, Any] | None]:
    """Yield the events of an actor as they come, for ``timeout`` seconds, or until it ends.

    It is traced no longer once the last client has gone that looks at it, unless it was traced before.
    """
    process = await find_one(node.system, arguments)
    end = trio.current_time() + seconds_in(arguments)
    trace = _look_at(node, process)
    # What was noted before, by whoever else had it traced, is shown as well, as far as it is kept.
    seen, kept = 0, False
    try:
        over = False
        while not over:
            over = process.callbacks.trace is not trace or trio.current_time() >= end
            events, noted = trace.events(seen), trace.noted
            if kept and noted - seen > len(events):
                yield _told("lost", str(noted - seen - len(events)))
            seen, kept = noted, True
            for event in events:
                yield _row(event, process)
            yield None
            if not over:
                await trio.sleep(min(LOOK_SECONDS, max(0.0, end - trio.current_time())))
    finally:
        _leave(node, process, trace)
    if process.reason is not None:
        yield _told("exit", printable(str(process.reason)))
    elif trio.current_time() < end:
        yield _told("ended", "somebody else has ended the trace")


def _look_at(node: Node, process: Process) -> Trace:
    """Return the trace of *process*, of which one client more is told; start it if there is none."""
    trace = process.callbacks.trace
    if trace is None:
        inspect.start_trace(process.ref, last=LAST)
        trace = process.callbacks.trace
        if trace is None:
            raise CommandError(f"{process.ref} cannot be traced")
        node.traces[trace] = 0
    if trace in node.traces:
        node.traces[trace] += 1
    return trace


def _leave(node: Node, process: Process, trace: Trace) -> None:
    """Tell one client less of *trace*; stop it if that was the last, and it was started for one."""
    if trace not in node.traces:
        return
    node.traces[trace] -= 1
    if node.traces[trace] == 0:
        del node.traces[trace]
        if process.reason is None and process.callbacks.trace is trace:
            trace.stop()


def _told(kind: str, content: str) -> dict[str, Any]:
    return {"kind": kind, "content": content, "peer": None, "time": None, "seconds": None}


def _row(event: TraceEvent, process: Process) -> dict[str, Any]:
    ago = process.system.timers.now() - event.time
    return {
        "kind": event.kind,
        "content": printable(event.content),
        "peer": None if event.peer is None else str(event.peer),
        "time": time.time() - ago,
        "seconds": event.seconds,
    }
