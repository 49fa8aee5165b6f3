"""Who waits, and for what: the tasks of a test and the actors of its systems, found where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from actors.awaited import awaited_in
from actors.current import process_in
from actors.show import shown
from actors.testing.settling import busy_in, doing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from trio.lowlevel import Task

    from actors.process import Process
    from actors.system import ActorSystem

SERVER: Final = "actors.system._serve"
"""What trio calls the task that serves a system; the system is a variable of its."""

NAMED: Final = 20
"""So many are named; of the others, their number."""

OURS: Final = frozenset({"actors", "contextlib", "outcome", "pytest_trio_actors", "supervision", "trio"})
"""The packages in which a test waits without having written it."""

OUTSIDE: Final = frozenset(
    {
        "trio._core._io_epoll",
        "trio._core._io_kqueue",
        "trio._core._io_windows",
        "trio._signals",
        "trio._subprocess",
        "trio._threads",
    }
)
"""Where a task waits for a thread, a socket, a process or a signal."""


def who_waits(test: Task) -> str:
    """Return a line for each task that waits in code of *test*, and for each actor that is at work or suspended."""
    lines = list(_lines(test))
    further = len(lines) - NAMED
    if further > 0:
        lines[NAMED:] = [f"... {further} more"]
    return "\n".join(f"  {line}" for line in lines)


def waits_for_outside(test: Task) -> bool:
    """Tell whether some task of *test* waits for a thread, a socket, a process or a signal."""
    return any(_module(frame) in OUTSIDE for task in tasks_under(test) for frame, _ in _frames(task))


def tasks_under(task: Task) -> Iterator[Task]:
    """Yield *task*, and all that run in its nurseries, outermost first."""
    waiting = [task]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [child for nursery in reversed(one.child_nurseries) for child in sorted(nursery.child_tasks, key=id)]


def is_ours(name: str) -> bool:
    """Tell whether trio or this package has brought the module, or what is in it, that is called *name*."""
    return name.partition(".")[0] in OURS


def _lines(test: Task) -> Iterator[str]:
    processes: dict[Process, Task] = {}
    systems: dict[ActorSystem, None] = {}
    for task in tasks_under(test):
        process = process_in(task.context)
        systems |= dict.fromkeys(_served(task))
        if process is not None and process.task is task:
            processes[process] = task
        elif (place := _place(task)) or not task.name.startswith(("actors.", "supervision.")):
            yield f"{'the test' if task is test else f'the task {task.name}'} {place or 'waits'}"
    for system in systems:
        for process in system.processes.values():
            if process.suspended and not process.running and len(process.mailbox):
                yield f"{doing(process)}; it is suspended"
        for process in busy_in(system, None):
            place = _place(processes[process]) if process in processes else ""
            yield f"{doing(process)}; it {place}" if place else doing(process)


def _served(task: Task) -> list[ActorSystem]:
    """Return the system that *task* serves, if it does."""
    frames = _frames(task) if task.name == SERVER else ()
    return [frame.f_locals["system"] for frame, _ in frames if "system" in frame.f_locals]


def _place(task: Task) -> str:
    """Return where *task* waits in code of a user, and for whose answer; nothing if it is in none."""
    place = asked = ""
    for frame, line in _frames(task):
        if not is_ours(_module(frame)):
            code = frame.f_code
            place = f"waits at {Path(code.co_filename).name}:{line} in {code.co_qualname}"
        elif asking := awaited_in(frame):
            asked = f", for {asking.process.ref} to answer {shown(asking.message)}"
    return place and place + asked


def _frames(task: Task) -> Iterator[tuple[FrameType, int]]:
    return iter(()) if getattr(task.coro, "cr_frame", None) is None else task.iter_await_frames()


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
