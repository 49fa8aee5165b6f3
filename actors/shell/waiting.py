"""Who waits in a call for whom, found where the tasks of the node wait; nothing is recorded when a call is made.

Calls that wait for each other in a ring are looked at once more together: if none of them is answered by then, they
have all waited at once.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import trio

from actors.awaited import REQUEST, awaited_in
from actors.current import process_in
from actors.shell.rings import rings
from actors.snapshot import doing, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.asking import Asking
    from actors.process import Process
    from actors.shell.node import Node
    from actors.system import ActorSystem


@attrs.frozen(eq=False)
class Wait:
    """A task that waits for the answer to a call."""

    caller: Process | None
    """Whose callback waits; None outside every actor."""
    task: str
    """What trio calls the task."""
    asking: Asking
    seconds: float | None
    """How long it has waited."""
    left: float | None
    """Until it gives up; None, as above, if it never does."""


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
        wait = None if _is_idle(task) else _wait_of(task)
        yield None if wait is None or wait.asking.answered or wait.asking.process.system is not system else wait


def _is_idle(task: trio.lowlevel.Task) -> bool:
    process = process_in(task.context)
    return process is not None and process.task is task and process.parked


def _wait_of(task: trio.lowlevel.Task) -> Wait | None:
    """Return the call that *task* waits for, innermost."""
    found: tuple[Asking, float | None, float | None] | None = None
    if getattr(task.coro, "cr_frame", None) is None:
        return None  # it has ended since it was found
    for frame, _ in task.iter_await_frames():
        asking = awaited_in(frame)
        if asking is None:
            continue
        if frame.f_code is REQUEST:
            told = frame.f_locals
            left = told["patience"].deadline - trio.current_time() if "patience" in told else math.inf
            found = asking, told["timeout"], None if left == math.inf else left
        else:
            found = asking, asking.timeout, _left(asking)
    if found is None:
        return None
    asking, timeout, left = found
    if timeout is None or left is None:
        return Wait(process_in(task.context), task.name, asking, None, None)
    return Wait(process_in(task.context), task.name, asking, max(0.0, timeout - left), max(0.0, left))


def _left(asking: Asking) -> float | None:
    return None if asking.until is None else asking.until - asking.process.system.timers.now()


def _row(wait: Wait) -> dict[str, Any]:
    asking, caller = wait.asking, wait.caller
    state, handler, message = doing(asking.process)
    return {
        "caller": None if caller is None else printable(str(caller.ref)),
        "task": printable(wait.task),
        "target": printable(str(asking.process.ref)),
        "message": type(asking.message).__name__,
        "seconds": wait.seconds,
        "left": wait.left,
        "state": state,
        "handler": handler,
        "handles": message,
        "owes": len(asking.process.owed or ()),
    }
