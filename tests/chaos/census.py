"""What a program has at a moment: so that a test can tell what it has leaked."""

from __future__ import annotations

import gc
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

import attrs
import trio

if TYPE_CHECKING:
    from actors import ActorRef, ActorSystem

CACHED: Final = "Trio thread"
"""So the threads are called that trio keeps for ten seconds after they have done something."""

MOST_SECONDS: Final = 5.0
"""So long, in real time, the end of a thread is waited for."""


@attrs.frozen
class Census:
    """What is there."""

    tasks: int
    files: int
    threads: int


def lasting_threads() -> list[threading.Thread]:
    """Return the threads that trio does not keep for the next who needs one."""
    return [thread for thread in threading.enumerate() if not thread.name.startswith(CACHED)]


def take_census(system: ActorSystem | None = None) -> Census:
    """Count the tasks of this run without the spare one of *system*, and the files and threads of the program."""
    gc.collect()
    spare = system is not None and system.spare._task is not None
    threads = lasting_threads()
    files = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return Census(trio.lowlevel.current_statistics().tasks_living - spare, files, len(threads))


async def census_in_time(expected: Census) -> Census:
    """Return what there is, after the ends of threads until it is as *expected*.

    The threads of files and of measurements end by themselves, which virtual time does not wait for.
    """
    for thread in lasting_threads():
        if take_census() == expected:
            break
        if thread is not threading.current_thread():
            await trio.to_thread.run_sync(thread.join, MOST_SECONDS)
    return take_census()


class Incarnations:
    """The services that were killed, as long as something still refers to them."""

    def __init__(self, system: ActorSystem) -> None:
        self.system = system
        self.seen: WeakSet[object] = WeakSet()

    def note(self, ref: ActorRef) -> None:
        """Remember who is behind *ref*."""
        self.seen.add(ref._process.actor)

    def left(self) -> int:
        """Return how many of them are dead and still in memory."""
        gc.collect()
        return sum(not actor.ref.alive for actor in self.seen)  # type: ignore[attr-defined]
