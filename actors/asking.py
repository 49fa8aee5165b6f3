"""Asking: one call on its way to its answer, seen from the side that waits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import trio
from trio.lowlevel import Abort, reschedule

from actors.errors import ActorExitedError, CallTimeoutError, NoReplyError
from actors.show import shown
from actors.woken import WOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.process import Process
    from actors.telemetry import SpanContext

GAVE_UP: Final = object()
"""The value of a call whose caller waits no longer."""


class Asking:
    """What is in the mailbox for a call, and what the caller waits for.

    The handler has a `Caller` instead, so that a caller whom everybody has forgotten can be told.
    """

    __slots__ = (
        "answered",
        "caller",
        "error",
        "message",
        "on_answer",
        "process",
        "sender",
        "span",
        "task",
        "timeout",
        "until",
        "value",
    )

    process: Process
    message: object
    sender: Process | None
    timeout: float | None
    until: float | None
    task: trio.lowlevel.Task | None
    on_answer: Callable[[Asking], None] | None
    caller: Caller | None
    """Kept while a handler that waits has it."""
    answered: bool
    value: object
    error: Exception | None
    span: SpanContext | None
    """What it was asked in, if somebody listened."""

    def __repr__(self) -> str:
        state = "answered" if self.answered else "waiting"
        return f"<call of {self.process.ref} with {shown(self.message)}: {state}>"

    @property
    def deadline(self) -> float:
        """When the caller gives up, on trio's clock; infinity if it never does."""
        if self.until is None:
            self.until = math.inf if self.timeout is None else self.process.system.timers.now() + self.timeout
        return self.until

    @property
    def live(self) -> bool:
        """Whether its deadline still matters."""
        return not self.answered

    def reply(self, value: object) -> None:
        """Answer with *value*; only the first answer counts."""
        if self.answered:
            return
        self.value = value
        task = self.task
        if task is None or self.process.owed:
            self._answer()
            return
        # `_answer`, written out: nearly every call comes here.
        self.answered = True
        self.task = None
        reschedule(task, WOKEN)

    def refuse(self, error: Exception) -> None:
        """Answer with *error*, which the call raises."""
        if not self.answered:
            self.error = error
            self._answer()

    def fail(self, reason: ExitReason) -> None:
        """Tell the caller that the process ended with *reason* before it answered."""
        name = self.process.ref
        error = ActorExitedError(f"{name} exited before it answered {shown(self.message)}: {reason}", reason)
        error.deadline = self.until
        self.refuse(error)

    def expire(self) -> None:
        """Stop waiting: the deadline has come."""
        name = self.process.ref
        self.give_up(CallTimeoutError(f"{name} did not answer {shown(self.message)} within {self.timeout} s"))

    def give_up(self, error: Exception) -> None:
        """Stop waiting, and have the call raise *error*."""
        if not self.answered:
            self.value = GAVE_UP
            self.refuse(error)

    def abandon(self, _raise_cancel: object = None) -> Abort:
        """Stop waiting: the waiting task was cancelled."""
        self.task = None
        self.value = GAVE_UP
        self._forget()
        return Abort.SUCCEEDED

    def dropped(self, _reference: object = None) -> None:
        """Tell the caller that everybody who could have answered has let go of its `Caller`.

        A collection of garbage may find that out at any moment and in any thread, so the caller is told from
        the event loop.
        """
        if not self.answered:
            self.process.system.call_soon(self._fail_unanswered)

    def begin_to_wait(self) -> None:
        """Have the current task woken by the answer, or when the time of the caller is over."""
        self.task = trio.lowlevel.current_task()
        if self.timeout is not None:
            timers = self.process.system.timers
            if self.until is None:
                self.until = timers.now() + self.timeout
            timers.calls.add(self, self.until)

    def result(self) -> object:
        """Return the reply, or raise what the caller is told instead."""
        if self.error is not None:
            raise self.error
        return self.value

    def waiting_task(self) -> trio.lowlevel.Task | None:
        """Return the task that waits for the answer; the running one, if the handler runs inside its call."""
        if self.task is not None or self.answered or self.on_answer is not None:
            return self.task
        return trio.lowlevel.current_task()

    def _fail_unanswered(self) -> None:
        name = self.process.ref
        error = NoReplyError(f"{name} let go of the caller of {shown(self.message)} without an answer")
        error.deadline = self.until
        self.refuse(error)

    def _answer(self) -> None:
        self._forget()
        task = self.task
        if task is not None:
            self.task = None
            reschedule(task, WOKEN)
        elif self.on_answer is not None:
            self.on_answer(self)

    def _forget(self) -> None:
        """Let go of what was kept while the answer was owed."""
        self.answered = True
        process = self.process
        if process.owed:
            process.owed.pop(self, None)


def ask(process: Process, message: object, sender: Process | None, timeout: float | None) -> Asking:
    """Return a call on its way to *process*, which it is not in the mailbox of yet."""
    asking = Asking()
    asking.process = process
    asking.message = message
    asking.sender = sender
    asking.timeout = timeout
    asking.until = asking.task = asking.on_answer = asking.caller = None
    asking.answered = False
    asking.value = asking.error = None
    return asking
