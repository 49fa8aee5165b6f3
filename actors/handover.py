"""The GIL hand-over: what lets helper threads run beside an event loop that is never idle.

Between two turns a busy loop lets go of Python's global lock for an instant only, which is too short for another
thread to wake up and take it, and long enough to make that thread wait anew: it starves, for seconds. So the loop
pauses now and then. How long a thread needs to wake up is the machine's affair (20 us, or 5 ms where it shares its
processors with others), so while threads are known to work for the loop it waits until one more has run, which had
to wake up and take the lock as the others have to.
"""

from __future__ import annotations

import time
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Final, Protocol, Self

import trio

if TYPE_CHECKING:
    from types import TracebackType

PAUSE: Final = 1e-6
"""Seconds that the loop asks to sleep when it knows of no threads; the system makes some fifty microseconds of it."""

LONG_PAUSE: Final = 0.000_5
"""Seconds of one such sleep among `SLEEPS`, for threads that wake up slowly."""

SLEEPS: Final = 32

LONGEST_MEETING: Final = 0.01
"""Seconds that the loop waits for a thread to run."""

BETWEEN: Final = 0.000_5
"""Seconds between two pauses while threads work."""

BETWEEN_WHEN_QUIET: Final = 0.01
"""Seconds between two pauses while actors work and nothing is heard of threads."""

QUIET_AFTER: Final = 1.0
"""Seconds without a word from a thread until it is quiet."""


class Worker(Protocol):
    """A thread with a piece of work for which it needs the lock several times."""

    def meet(self) -> bool:
        """Wait without the lock until the thread can do without it, but not for long; tell whether it needed it."""


class Handover(trio.abc.Instrument):
    """The hand-over of one run of trio; as a ``with`` block, it pauses often until the block is left.

    It also pauses often for a second when `trio.to_thread.run_sync` gives work to threads, as when trio starts a
    process or looks up a host, and when `from_thread` is used. Between two pauses there is as much time
    at least as the first one took.
    """

    def __init__(self) -> None:
        self.outstanding = 0
        """How many pieces of work threads are doing for actors."""
        self.workers: list[Worker] = []
        """The threads that are at work and are met themselves, not by way of trio's pool."""
        self.due = 0.0
        """When whoever has work for the loop is to `pause`, if there has been no pause meanwhile."""
        self._limiter = trio.to_thread.current_default_thread_limiter()
        self._others = 0
        """How many threads trio's own functions had at work at the last pause."""
        self._active = False
        self._quiet_at = 0.0
        self._next = 0.0
        self._naps = 0
        self._wake_up = PAUSE
        """Seconds that a thread took to wake up and to take the lock, when that was last measured."""

    def __repr__(self) -> str:
        return f"<Handover: {self.outstanding} outstanding{', active' if self._active else ''}>"

    def __enter__(self) -> Self:
        self.outstanding += 1
        self._install()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.outstanding -= 1

    def join(self, worker: Worker) -> None:
        """Have the loop pause often and meet *worker*, until it leaves."""
        self.workers.append(worker)
        self._install()

    def leave(self, worker: Worker) -> None:
        """Take back `join`."""
        self.workers.remove(worker)

    def hear(self) -> None:
        """Note that a thread has begun to work or has spoken, and is likely to need the lock again."""
        self._quiet_at = perf_counter() + QUIET_AFTER
        self._install()

    def pause(self, now: float) -> None:
        """Let threads have the lock for a moment."""
        others, before = max(0, self._limiter.borrowed_tokens - self.outstanding), self._others
        self._others = others
        if others > before:
            self.hear()
        met = [worker.meet() for worker in self.workers]
        if others > 0 or self._threads_work(now):
            _meet_a_thread()
        elif not (met and all(met)):
            self._nap(soundly=bool(met))
        after = perf_counter()
        self._next = after + max(BETWEEN, after - now)
        self.due = after + max(BETWEEN_WHEN_QUIET, after - now)

    def before_io_wait(self, timeout: float) -> None:
        """Pause, if the loop would not wait by itself and the last pause is long enough ago."""
        now = perf_counter()
        if not (self.workers or self._threads_work(now)):
            self._active = False
            trio.lowlevel.remove_instrument(self)
        elif timeout <= 0 and now >= self._next:
            self.pause(now)

    def _nap(self, *, soundly: bool) -> None:
        self._naps += 1
        if not soundly:
            time.sleep(PAUSE if self._naps % SLEEPS else LONG_PAUSE)
        elif self._naps % SLEEPS:
            time.sleep(self._wake_up)
        else:
            began = perf_counter()
            _meet_a_thread()
            self._wake_up = min(perf_counter() - began, LONGEST_MEETING)

    def _threads_work(self, now: float) -> bool:
        return self.outstanding > 0 or now <= self._quiet_at

    def _install(self) -> None:
        if not self._active:
            self._active = True
            trio.lowlevel.add_instrument(self)


def _meet_a_thread() -> None:
    """Have a thread of trio's pool run for an instant, and wait for it without the global lock."""
    met = Lock()
    met.acquire()
    try:
        trio.lowlevel.start_thread_soon(_do_nothing, lambda _: met.release())
    except RuntimeError:  # the system makes no more threads
        time.sleep(LONG_PAUSE)
    else:
        met.acquire(timeout=LONGEST_MEETING)


def _do_nothing() -> None:
    """Nothing: that a thread could do it is the point."""


_handover: Final[trio.lowlevel.RunVar[Handover]] = trio.lowlevel.RunVar("actors_handover")


def handover_here() -> Handover:
    """Return the hand-over of the run of trio that this is called in; there is one for all its systems."""
    try:
        return _handover.get()
    except LookupError:
        handover = Handover()
        _handover.set(handover)
        return handover
