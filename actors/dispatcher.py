"""The dispatcher: one task that handles the messages of every actor whose handlers do not wait."""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import trio
from trio.lowlevel import Abort, enable_ki_protection, reschedule, wait_task_rescheduled

from actors.turn import fail, handle_messages, run_terminate
from actors.woken import WOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.handover import Handover
    from actors.mailbox import VacantQueue
    from actors.process import Process

SLICE_MESSAGES: Final = 64
SLICE_SECONDS: Final = 0.001
"""Between two checkpoints of trio: so many messages, or so much time in handlers, whichever comes first."""

MOST_QUEUES: Final = 1024
"""So many queues may lie idle: with actors that have nothing to do, and as many with the dispatcher."""

COLLECTED_AT_ONCE: Final = 1000
"""Of how many processes the empty queues are taken between two checkpoints."""


class Dispatcher:
    """Who is to be served next, and how much of the slice is left."""

    __slots__ = (
        "_collect_at",
        "_first",
        "_handover",
        "_lent",
        "_queues",
        "_ready",
        "_task",
        "left",
        "slice_end",
        "wake",
    )

    def __init__(self, handover: Handover) -> None:
        self._lent: list[VacantQueue] = []
        self._collect_at = MOST_QUEUES
        self._queues: list[deque[Any]] = []
        self._handover = handover
        self._ready: deque[Process] = deque()
        self._first: deque[Process] = deque()
        """Who is served before `_ready`, or in turn with it: nobody who comes again and again starves the others."""
        self._task: trio.lowlevel.Task | None = None
        self.left = SLICE_MESSAGES
        self.slice_end = 0.0
        self.wake: Callable[[Process], None] = self._ready.append
        """Has a process served after those that were added before it."""

    def _rouse(self, process: Process) -> None:
        """Be `wake` while the task sleeps."""
        self._ready.append(process)
        self._rise()

    def _rise(self) -> None:
        self.wake = self._ready.append
        if self._task is not None:
            task, self._task = self._task, None
            reschedule(task, WOKEN)

    def wake_first(self, process: Process) -> None:
        """Have *process* served after those that were to be first before it, and with one other in between at most."""
        self._first.append(process)
        self._rise()

    def begin_slice(self) -> int:
        """Start counting anew: trio has just had its turn. Return how many messages may be handled."""
        now = perf_counter()
        if now > self._handover.due:
            self._handover.pause(now)
            now = perf_counter()
        self.left = SLICE_MESSAGES
        self.slice_end = now + SLICE_SECONDS
        return SLICE_MESSAGES

    def spend(self, messages: int) -> bool:
        """Count something that takes as long as so many *messages*; tell whether the slice is over before it."""
        if self.left > 0:
            self.left -= messages
            return False
        if perf_counter() > self.slice_end:
            return True
        self.left = SLICE_MESSAGES - messages
        return False

    @enable_ki_protection
    async def run(self) -> None:
        """Serve, for ever."""
        ready, first = self._ready, self._first
        left, overtook = 0, False
        while True:
            while not ready and not first:
                left = await self._sleep()
            if first and not (overtook and ready):
                process, overtook = first.popleft(), True
            else:
                process, overtook = ready.popleft(), False
            if process.running or process.attention:
                _attend_to_end(process)
                continue
            process.running = True
            try:
                left = process.context.run(handle_messages, process, left, self.slice_end)
            except BaseException as error:  # noqa: BLE001 -- whatever a handler raises is the end of its actor
                fail(process, error)
                left -= 1
            # `Process.release`, written out for the sake of short handlers.
            process.running = False
            if process.attention:
                process.attend()
            elif process.mailbox:
                ready.append(process)
            else:
                process.idle = True
            if left <= 0:
                await trio.lowlevel.checkpoint()
                left = self.begin_slice()

    def lend_queue(self, vacant: VacantQueue) -> deque[Any]:
        """Return an empty queue for the process of *vacant*, which keeps it until many that are idle have one."""
        self._lent.append(vacant)
        if len(self._lent) >= self._collect_at and self._task is not None:
            self._rise()
        return self._queues.pop() if self._queues else deque()

    def take_back(self, queue: deque[Any]) -> None:
        """Keep *queue*, which is empty, for whoever needs one next, if there are not many already."""
        if len(self._queues) < MOST_QUEUES:
            self._queues.append(queue)

    async def _collect_queues(self) -> None:
        """Take the queues of those that are idle, until somebody is to be served."""
        lent, self._lent = self._lent, []
        for number, vacant in enumerate(lent, 1):
            if vacant.process is not None and not vacant.process.give_queue_back():
                self._lent.append(vacant)
            if number % COLLECTED_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
                if self._ready or self._first:
                    self._lent = lent[number:] + self._lent
                    return
        self._collect_at = max(MOST_QUEUES, 2 * len(self._lent))

    async def _sleep(self) -> int:
        self._task = trio.lowlevel.current_task()
        self.wake = self._rouse
        await wait_task_rescheduled(self._abort)
        if len(self._lent) >= self._collect_at:
            await self._collect_queues()
        return self.begin_slice()

    def _abort(self, _raise_cancel: object) -> Abort:
        self._task = None
        return Abort.SUCCEEDED


def _attend_to_end(process: Process) -> None:
    if process.ending is not None and process.reason is None and not process.running:
        run_terminate(process)
