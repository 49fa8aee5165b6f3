"""Who waits in a call for whom, found where the tasks of the node wait; nothing is recorded when a call is made.

A task that waits in `ActorRef.call`, or for a `Request`, has the call in one of its frames. Calls that wait for each
other in a ring are looked at once more together: if none of them is answered by then, they have all waited at once.
"""

from __future__ import annotations

from inspect import unwrap
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors.current import process_in
from actors.ref import ActorRef
from actors.request import Request
from actors.shell.rings import rings
from actors.snapshot import doing, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.asking import Asking
    from actors.process import Process
    from actors.shell.node import Node
    from actors.system import ActorSystem

CALL: Final = unwrap(ActorRef.call).__code__
REQUEST: Final = unwrap(Request.wait).__code__


@attrs.frozen(eq=False)
class Wait:
    """A task that waits for the answer to a call."""

    caller: Process | None
    """Whose callback waits; None outside every actor."""
    task: str
    """What trio calls the task."""
    asking: Asking


def waits(node: Node, _: Mapping[str, Any]) -> Iterator[dict[str, Any] | None]:
    """Yield a row for each call that waits for its answer, and then one for each ring of them."""
    found: list[Wait] = []
    for wait in calls_of(node.system):
        if wait is not None:
            found.append(wait)
            yield _row(wait)
        else:
            yield None
    between = {(wait.caller, wait.asking.process): wait for wait in found if wait.caller is not None}
    for ring in rings(between):
        held = [between[pair] for pair in zip(ring, [*ring[1:], ring[0]], strict=True)]
        if not any(wait.asking.answered for wait in held):
            yield {"deadlock": [str(process.ref) for process in ring], "calls": [_row(wait) for wait in held]}


def calls_of(system: ActorSystem) -> Iterator[Wait | None]:
    """Yield what each task waits for that waits for one call; None for the others."""
    root = trio.lowlevel.current_root_task()
    tasks = [] if root is None else [root]
    while tasks:
        task = tasks.pop()
        tasks += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
        asking = None if _is_idle(task) else _call_of(task)
        if asking is None or asking.answered or asking.process.system is not system:
            yield None
        else:
            yield Wait(process_in(task.context), task.name, asking)


def _is_idle(task: trio.lowlevel.Task) -> bool:
    process = process_in(task.context)
    return process is not None and process.task is task and process.parked


def _call_of(task: trio.lowlevel.Task) -> Asking | None:
    """Return the call that *task* waits for, innermost."""
    asking: Asking | None = None
    if getattr(task.coro, "cr_frame", None) is None:
        return None  # it has ended since it was found
    for frame, _ in task.iter_await_frames():
        if frame.f_code is CALL:
            asking = frame.f_locals.get("answer")
        elif frame.f_code is REQUEST:
            asking = frame.f_locals["self"]._asking  # noqa: SLF001 -- the request tells nobody else
    return asking


def _row(wait: Wait) -> dict[str, Any]:
    asking, caller = wait.asking, wait.caller
    state, handler, message = doing(asking.process)
    seconds = left = None
    if asking.timeout is not None and asking.until is not None:
        left = max(0.0, asking.until - asking.process.system.timers.now())
        seconds = max(0.0, asking.timeout - left)
    return {
        "caller": None if caller is None else printable(str(caller.ref)),
        "task": printable(wait.task),
        "target": printable(str(asking.process.ref)),
        "message": type(asking.message).__name__,
        "seconds": seconds,
        "left": left,
        "state": state,
        "handler": handler,
        "handles": message,
        "owes": len(asking.process.owed or ()),
    }
