"""The caller of one call: whom `handle_call` answers, at once or later, from anywhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio
from trio.lowlevel import Abort, enable_ki_protection, reschedule

from actors.errors import ActorExitedError, CallTimeoutError
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.exit import ExitReason
    from actors.process import Process
    from actors.ref import ActorRef


class Caller:
    """Somebody who waits for the answer to one message.

    It is answered once, by what `handle_call` returns, by `reply` or by `refuse`; whatever comes later is
    dropped, and so is an answer that nobody waits for any more. When the process that was called ends first,
    the caller gets an `ActorExitedError`.
    """

    __slots__ = (
        "_deadline",
        "_sender",
        "answered",
        "error",
        "message",
        "on_answer",
        "process",
        "task",
        "timeout",
        "value",
    )

    def __init__(self, process: Process, message: object, sender: Process | None, timeout: float | None) -> None:
        self.process = process
        self.message = message
        self._sender = sender
        self.timeout = timeout
        self._deadline: float | None = None
        self.task: trio.lowlevel.Task | None = None
        self.on_answer: Callable[[Caller], None] | None = None
        self.answered = False
        self.value: object = None
        self.error: Exception | None = None

    def __repr__(self) -> str:
        state = "answered" if self.answered else "waiting"
        return f"<Caller of {self.process.ref} with {shown(self.message)}: {state}>"

    @property
    def sender(self) -> ActorRef | None:
        """The actor that called; None when the call came from outside every actor."""
        return None if self._sender is None else self._sender.ref

    @property
    def deadline(self) -> float:
        """When the caller gives up, on trio's clock; infinity if it never does."""
        if self._deadline is None:
            self._deadline = math.inf if self.timeout is None else self.process.system.timers.now() + self.timeout
        return self._deadline

    @enable_ki_protection
    def reply(self, value: object) -> None:
        """Answer with *value*."""
        if not self.answered:
            self.value = value
            self._answer()

    @enable_ki_protection
    def refuse(self, error: Exception) -> None:
        """Make the caller's `call` raise *error*; the actor that refuses lives on.

        A handler that refuses returns `NO_REPLY`.
        """
        if not self.answered:
            self.error = error
            self._answer()

    def fail(self, reason: ExitReason) -> None:
        """Tell the caller that the process ended with *reason* before it answered."""
        name = self.process.ref
        self.refuse(ActorExitedError(f"{name} exited before it answered {shown(self.message)}: {reason}", reason))

    def expire(self) -> None:
        """Stop waiting: the deadline has come."""
        name = self.process.ref
        self.refuse(CallTimeoutError(f"{name} did not answer {shown(self.message)} within {self.timeout} s"))

    @property
    def live(self) -> bool:
        """Whether its deadline still matters."""
        return not self.answered

    def abandon(self, _raise_cancel: object = None) -> Abort:
        """Stop waiting: the waiting task was cancelled."""
        self.task = None
        self._forget()
        return Abort.SUCCEEDED

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

    def _answer(self) -> None:
        self._forget()
        task = self.task
        if task is not None:
            self.task = None
            reschedule(task)
        elif self.on_answer is not None:
            self.on_answer(self)

    def _forget(self) -> None:
        """Let go of what was kept while the answer was owed."""
        self.answered = True
        process = self.process
        if process.owed:
            process.owed.pop(self, None)
