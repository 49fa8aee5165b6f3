"""A writer with a thread of its own, so that the loop goes on while the disk works."""

from __future__ import annotations

from threading import Lock, Thread
from time import perf_counter
from typing import TYPE_CHECKING, Final

import trio
from trio.lowlevel import enable_ki_protection

from actors.handover import LONGEST_MEETING
from actors.sqlite.writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from actors.handover import Handover

PATIENCE: Final = 2e-4
"""Seconds that an idle loop waits for the thread at a time; to be woken by a thread takes trio half as long."""

TURNS: Final = 8
"""How often it does so for one commit."""

FAST: Final = 1e-3
"""Seconds that commits take at most, on average, if the loop is to wait for them."""

IDLE: Final = 5e-5
"""Seconds that a turn of the loop takes at most, if it is idle."""


class ThreadWriter(Writer):
    """A writer whose thread commits; the loop hands over the GIL as long as somebody waits, or waits itself.

    When a disk is fast, the wake-up of a loop that sleeps takes longer than the commit. So a loop that has nothing
    else to do is kept awake: it waits for the thread itself, a fifth of a millisecond at a time and not for long.
    """

    def __init__(self, path: str, connection: sqlite3.Connection, handover: Handover) -> None:
        super().__init__(path, connection)
        self._token = trio.lowlevel.current_trio_token()
        self._handover = handover
        self._handed = False
        self._stopping = False
        self._attendant: trio.lowlevel.Task | None = None
        """The task that attends, while it has nothing to do."""
        self._attended = False
        self._left = 0.0
        """When the loop was last known to do something else."""
        self._average = 0.0
        """Seconds that a commit takes."""
        self._go = Lock()
        self._go.acquire()
        self._done = Lock()
        self._done.acquire()
        self._needs_lock = False
        """Whether the thread has work for which it needs the GIL; not so while it waits for the disk."""
        self._away = False
        """Whether it waits for the disk, or runs a job, and looks by itself afterwards for what it was woken for."""
        self._let_go = Lock()
        self._let_go.acquire()
        Thread(target=self._serve, name=f"writer of {path}", daemon=True).start()

    def wake(self) -> None:
        """Let the thread run."""
        if not self._away:
            self._needs_lock = True
        if self._attendant is not None and self._average < FAST:
            # The attendant opens `_go`: a thread that wakes up now would only wait for the GIL, and wake up again.
            self._left = perf_counter()
            self._attended = True
            trio.lowlevel.reschedule(self._attendant)
            self._attendant = None
            return
        _open(self._go)
        if not self._attended:
            self._hand_over()

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        _open(self._go)

    @enable_ki_protection
    async def attend(self) -> None:
        """Wait for the thread whenever the loop has nothing else to do, and tell what it has done."""
        while True:
            self._attendant = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._stop_attending)
            _open(self._go)
            turns = 0
            while self.told < self._urgent_until and turns < TURNS:
                turns += 1
                if not self._ended and perf_counter() - self._left < IDLE:
                    self._done.acquire(timeout=PATIENCE)
                if self._ended:
                    self._tell_all()
                    turns = 0
                if self.told >= self._urgent_until:
                    break
                self._hand_over()
                self._left = perf_counter()
                await trio.lowlevel.cancel_shielded_checkpoint()
            self._attended = False
            self._tell_all()

    def _hand_over(self) -> None:
        """Have the loop pause for the thread from now on: the loop has not waited for it itself, or not long enough."""
        if not self._handed:
            self._handed = True
            self._handover.join(self)

    def meet(self) -> bool:
        """Wait until the thread can go on without the GIL: one wait is enough for all statements of a batch."""
        self._let_go.acquire(blocking=False)
        needed = self._needs_lock
        if needed:
            self._let_go.acquire(timeout=LONGEST_MEETING)
        return needed

    def let_go(self) -> None:
        """Do without the GIL from now on."""
        self._away = True  # first: who wakes the thread from here on must not say that it needs the GIL
        self._needs_lock = False
        _open(self._let_go)

    def _stop_attending(self, _: Callable[[], None]) -> trio.lowlevel.Abort:
        self._attendant = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _serve(self) -> None:
        while not self._stopping:
            self._go.acquire()
            while self._urgent:
                begin = perf_counter()
                self._needs_lock = True
                self.work()
                self.let_go()
                self._away = False  # before looking, for who wakes the thread from here on must say so
                self._average += (perf_counter() - begin - self._average) / 8
                if self._attended:
                    _open(self._done)
                    continue
                try:
                    self._token.run_sync_soon(self._tell_all, idempotent=True)
                except trio.RunFinishedError:
                    return

    def _tell_all(self) -> None:
        self.tell()
        if self._handed and self.told >= self._urgent_until:
            self._handed = False
            self._handover.leave(self)


def _open(lock: Lock) -> None:
    """Let whoever waits for *lock* go on, or not wait the next time; only one thread opens it, and one acquires it."""
    if lock.locked():
        lock.release()
