"""The watchdog: a thread that tells who blocks a node.

A handler that never yields stops everything else on its node, so nothing on the node can tell. One thread watches
all the systems of the program: now and then it sends each loop a beat, and if the loop does not come to it in time,
it looks where the loop's thread is. A loop that is in one task when it is looked at twice is blocked; one that has
only very much to do is in another.
"""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from contextlib import suppress
from threading import Condition, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors import report
from actors.current import process_in
from actors.envelope import content
from actors.options import is_number
from actors.process import Process

if TYPE_CHECKING:
    from types import FrameType

    from actors.system import ActorSystem

FURTHER: Final = 10
"""A node that is still blocked is reported again when it has been for so many times as long."""

LINGER: Final = 1.0
"""Seconds that the thread waits for another system when there is none to watch."""

RUNTIME: Final = frozenset({"actors.process", "actors.start", "actors.task", "actors.trace", "actors.turn"})
"""The modules that run callbacks; whose it is stands in a variable of theirs."""


def check_watchdog(seconds: object) -> None:
    """Refuse what is no time after which a watchdog reports."""
    if seconds is not None and not (is_number(seconds) and seconds > 0):
        msg = f"watchdog_seconds is a number of seconds more than 0, or None for no watchdog; got {seconds!r}"
        raise ValueError(msg)


@attrs.frozen
class Place:
    """Where a thread was when it was looked at."""

    task: object
    """The task of trio that ran."""
    process: Process | None
    """Whose callback ran, if it was an actor's."""
    frames: list[FrameType]
    """What is neither the runtime's nor trio's, outermost first."""


def look_at(thread: int) -> Place | None:
    """Return where *thread* is in its run of trio; None if it is in no task of one."""
    frames: list[FrameType] = []
    process: Process | None = None
    frame = sys._current_frames().get(thread)  # noqa: SLF001 -- the documented way to see another thread
    while frame is not None and frame.f_code.co_name != "unrolled_run":
        if process is None and frame.f_globals.get("__name__") in RUNTIME:
            process = _process_of(frame)
        elif process is None:
            frames.append(frame)
        frame = frame.f_back
    task: Any = None if frame is None else frame.f_locals.get("task")
    if task is None:
        return None
    return Place(task, process or process_in(task.context), frames[::-1])


def _process_of(frame: FrameType) -> Process | None:
    variables = frame.f_locals
    found = variables.get("process", variables.get("self"))
    return found if isinstance(found, Process) else None


def report_of(place: Place, seconds: float) -> report.BlockedReport:
    """Return what is to be said about a thread that has been at *place* for so many *seconds*."""
    stack = traceback.StackSummary.extract((frame, frame.f_lineno) for frame in place.frames)
    process = place.process
    return report.BlockedReport(
        ref=None if process is None else process.ref,
        message=None if process is None else _type_of_message(process),
        seconds=seconds,
        stack="".join(stack.format()),
    )


def _type_of_message(process: Process) -> str | None:
    item = process.message
    message = content(item)
    return None if message is None or process.ending is not None else type(message).__qualname__


class Watch:
    """The watch over one system."""

    def __init__(self, system: ActorSystem, seconds: float) -> None:
        self._system = system
        self._seconds = seconds
        self._lock = Lock()
        self._awaited = False
        self._posted = self._report_at = 0.0
        self._seen: object = None
        self._reported: report.BlockedReport | None = None
        self.due = monotonic() + seconds / 2
        """When it is to be checked next."""

    def begin(self) -> None:
        """Have it checked from now on."""
        watchman.add(self)

    def end(self) -> None:
        """Have it checked no more."""
        watchman.remove(self)

    def check(self, now: float) -> None:
        """Send a beat if the last one came back; if it is out for too long, report. In the watchdog's thread.

        A thread that comes much too late was stopped itself, with the whole program; that time does not count.
        """
        anew = now - self.due > self._seconds
        self.due = now + self._seconds / 2
        with self._lock:
            if anew or not self._awaited:
                self._posted, self._report_at, self._seen = now, self._seconds, None
            if self._awaited:
                self._look(now)
                return
            self._awaited = True
        with suppress(trio.RunFinishedError):
            self._system.token.run_sync_soon(self._beat)

    def _look(self, now: float) -> None:
        place = look_at(self._system.thread)
        seen, self._seen = self._seen, place and place.task
        blocked_for = now - self._posted
        if place is None or place.task is not seen or blocked_for < self._report_at:
            return
        self._report_at = blocked_for * FURTHER
        if place.process is None or place.process.system is self._system:
            self._reported = report_of(place, blocked_for)
            report.blocked(self._reported)

    def _beat(self) -> None:
        """Note, on the system's own thread, that its loop goes on."""
        with self._lock:
            self._awaited = False
            self._seen = None
            reported, self._reported = self._reported, None
            if reported is not None:
                report.unblocked(reported.ref, monotonic() - self._posted)


class Watchman:
    """The thread that watches, and whom. It ends when there has been nobody for a while."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, with nobody to watch and no thread: what a fork leaves of it cannot be used."""
        self._changed = Condition()
        self._watches: dict[Watch, None] = {}
        self._thread: Thread | None = None
        self._wakes_at = 0.0
        self._ending = False

    def add(self, watch: Watch) -> None:
        """Check *watch* from now on."""
        with self._changed:
            self._watches[watch] = None
            if self._thread is None and not self._ending:
                thread = Thread(target=self._run, name="actors watchdog", daemon=True)
                thread.start()
                self._thread = thread
            elif watch.due < self._wakes_at:
                self._changed.notify()

    def remove(self, watch: Watch) -> None:
        """Check *watch* no more."""
        with self._changed:
            self._watches.pop(watch, None)

    def end(self) -> None:
        """End the thread: the program does."""
        with self._changed:
            thread, self._ending = self._thread, True
            self._changed.notify()
        if thread is not None:
            thread.join(LINGER)

    def _run(self) -> None:
        while self._wait():
            self._check()

    def _check(self) -> None:
        """Check who is due. Nothing of it is left here while the thread waits: a system may have ended by then."""
        with self._changed:
            watches = list(self._watches)
        for watch in watches:
            if (now := monotonic()) >= watch.due:
                try:
                    watch.check(now)
                except Exception as error:  # noqa: BLE001 -- what fails for one system must not leave the others unwatched
                    report.unwatched(error)

    def _wait(self) -> bool:
        """Wait until a watch is due; tell whether the thread is to go on."""
        with self._changed:
            lonely = not self._watches
            self._wakes_at = min((watch.due for watch in self._watches), default=monotonic() + LINGER)
            if not self._ending:
                self._changed.wait(max(0.0, self._wakes_at - monotonic()))
            if not self._ending and (self._watches or not lonely):
                return True
            self._thread = None
            return False


watchman: Final = Watchman()
atexit.register(watchman.end)
os.register_at_fork(after_in_child=watchman.reset)
