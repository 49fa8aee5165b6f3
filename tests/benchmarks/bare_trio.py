"""Two bare trio tasks and a deque between them: the fastest that trio allows, without any of what an actor has.

The task that waits is woken with `reschedule`. After 64 messages taken without waiting comes a checkpoint.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from outcome import Value
from trio.lowlevel import Abort, checkpoint, current_task, reschedule, wait_task_rescheduled

if TYPE_CHECKING:
    from trio.lowlevel import Task

BUDGET: Final = 64


class Mailbox:
    """A queue for one task to take from."""

    __slots__ = ("_left", "_queue", "_task")

    def __init__(self) -> None:
        self._queue: deque[Any] = deque()
        self._task: Task | None = None
        self._left = BUDGET

    def put(self, message: object) -> None:
        self._queue.append(message)
        task = self._task
        if task is not None:
            self._task = None
            reschedule(task)

    async def get(self) -> Any:
        queue = self._queue
        if not queue:
            self._left = BUDGET
            self._task = current_task()
            await wait_task_rescheduled(self._abort)
        elif self._left:
            self._left -= 1
        else:
            self._left = BUDGET
            await checkpoint()
        return queue.popleft()

    def _abort(self, _raise_cancel: object) -> Abort:
        self._task = None
        return Abort.SUCCEEDED


class Reply:
    """Where the answer to one call after another arrives: in the waiting task itself."""

    __slots__ = ("_task",)
    _task: Task | None

    def set(self, value: object) -> None:
        task = self._task
        if task is not None:
            self._task = None
            reschedule(task, Value(value))

    async def wait(self) -> Any:
        self._task = current_task()
        return await wait_task_rescheduled(self._abort)

    def _abort(self, _raise_cancel: object) -> Abort:
        self._task = None
        return Abort.SUCCEEDED


CAST: Final = (None, 0)
"""A message to `counter` that expects no answer."""


async def counter(mailbox: Mailbox) -> None:
    """Count messages: ``(reply, goal)`` is answered at once if *goal* is 0, else when so many were counted."""
    get = mailbox.get
    count = 0
    waiting: tuple[Reply, int] | None = None
    while True:
        reply, goal = await get()
        if reply is None:
            count += 1
            if waiting is not None and count >= waiting[1]:
                waiting[0].set(count)
                waiting = None
        elif goal == 0:
            count += 1
            reply.set(count)
        elif count >= goal:
            reply.set(count)
        else:
            waiting = (reply, goal)


async def note_counter(mailbox: Mailbox) -> None:
    """Count messages that are objects of their own; ``(reply, goal)`` is answered when so many were counted."""
    get = mailbox.get
    count = 0
    waiting: tuple[Reply, int] | None = None
    while True:
        message = await get()
        if message.__class__ is not tuple:
            count += 1
            if waiting is not None and count >= waiting[1]:
                waiting[0].set(count)
                waiting = None
        elif count >= message[1]:
            message[0].set(count)
        else:
            waiting = message
