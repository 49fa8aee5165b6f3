"""ActorRef: how everybody else sees one incarnation of an actor; it stays dead once it is dead."""

from __future__ import annotations

from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, overload

import trio
from trio.lowlevel import enable_ki_protection, wait_task_rescheduled

from actors import signals
from actors.asking import Asking, ask
from actors.carried import call_in_span, carry, mark
from actors.current import admit, current_actor, current_process
from actors.envelope import Info, Order
from actors.errors import ActorExitedError, CallingSelfError, NoProcessError
from actors.exit import NORMAL, ExitReason, check_reason
from actors.from_thread import FromThread
from actors.kept import KeptQueue
from actors.message import NORMAL_PRIORITY, Call, Priority, Question
from actors.monitor import Monitor
from actors.options import DEFAULT_TIMEOUT, check_timeout, seconds_of
from actors.request import Request
from actors.ruled import RuledQueue
from actors.settlement import Settle, delivery_of
from actors.show import shown
from actors.telemetry import MESSAGES
from actors.timer import Timer
from actors.turn import run_call

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from actors.options import Seconds
    from actors.process import Process

R = TypeVar("R")


class ActorRef:
    """One incarnation of an actor."""

    __slots__ = ("__weakref__", "_process")

    _process: Process

    def __repr__(self) -> str:
        process = self._process
        return f"<{process.name or process.kind} #{process.id}>"

    @property
    def id(self) -> int:
        """Its number in its system; never given twice."""
        return self._process.id

    @property
    def name(self) -> str | None:
        """The name it was started under."""
        return self._process.name

    @property
    def alive(self) -> bool:
        """Whether it has not exited."""
        return self._process.reason is None

    @property
    def reason(self) -> ExitReason | None:
        """Why it exited; None while it lives."""
        return self._process.reason

    @enable_ki_protection
    def cast(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """Send *message* to `handle_cast`. Never waits; a dead target makes it a dead letter, not an error.

        The *priority* matters where the mailbox has priorities. Raises `MailboxFullError` where it has a bound,
        refuses what is more, and is full.
        """
        process = self._process
        if get_ident() != process.system.open_to:
            admit(process.system, self)
        if MESSAGES.listened_to:
            message = carry(message)
        if priority is not NORMAL_PRIORITY:
            process.put(message, priority)
            return
        # `Process.put`, written out: the call alone would be a tenth of what a cast costs.
        process.mailbox.append(message)
        process.received = received = process.received + 1
        process.last_received = now = perf_counter()
        if received >= process.sample_at:
            process.mark(received, now)
        sender = current_process()
        if sender is not process.sender:
            process.change_sender(sender)
        if process.idle:
            process.idle = False
            if process.dispatcher is not None:
                process.dispatcher.wake(process)
            else:
                process.wake()
        elif process.running and len(process.mailbox) > process.greatest:
            process.greatest = len(process.mailbox)

    @enable_ki_protection
    async def cast_wait(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """As `cast`, but where the mailbox is full and its overflow is ``wait``, wait for room.

        Those that wait get room in the order they came. Cancelled, it has sent nothing. If the actor exits
        meanwhile, *message* becomes a dead letter. Always a checkpoint. Raises `CallingSelfError` if it is the
        actor itself that would wait.
        """
        process = self._here()
        await trio.lowlevel.checkpoint_if_cancelled()
        queue = process.mailbox.queue if isinstance(process.mailbox, KeptQueue) else process.mailbox
        if not (isinstance(queue, RuledQueue) and queue.waits):
            self.cast(message, priority=priority)
            await trio.lowlevel.cancel_shielded_checkpoint()
            return
        if current_process() is process and process.running:
            _refuse_to_wait_for_self(process, message)
        process.check_priority(priority)
        item = carry(message) if MESSAGES.listened_to else message
        held = queue.hold(item, priority, trio.lowlevel.current_task())
        await wait_task_rescheduled(held.give_up)
        if (sender := held.sender) is not None and sender.ending is not None:
            await trio.lowlevel.checkpoint()

    @enable_ki_protection
    def deliver(self, message: object, settle: Settle, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """As `cast`, and have *settle* called, once, with what became of *message*.

        With `Handled` when the handler has returned what it may, with `Failed` when the actor ended in it, with
        `Lost` when it ended before or its mailbox dropped the message; one that is set aside settles when it is
        handled at last. It is no dead letter then. *settle* is called by the runtime between two messages, after
        the `Down` and the errors of calls that an end leads to, and in the context of any actor or none: it must not
        wait, and what it raises is logged.

        Raises `MailboxFullError` where the mailbox refuses what is more; *settle* is not called then.
        """
        delivery = delivery_of(message, settle)
        if MESSAGES.listened_to:
            mark(delivery)
        self._here().put(delivery, priority)

    @enable_ki_protection
    def send(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """Send *message* to `handle_info`; as `cast` in all else."""
        info = Info(message)
        if MESSAGES.listened_to:
            mark(info)
        self._here().put(info, priority)

    @overload
    async def call(self, message: Call[R], *, timeout: float | None = 5.0, priority: Priority = ...) -> R: ...
    @overload
    async def call(self, message: Question, *, timeout: float | None = 5.0, priority: Priority = ...) -> object: ...
    @overload
    async def call(self, message: object, *, timeout: float | None = 5.0, priority: Priority = ...) -> Any: ...

    @enable_ki_protection
    async def call(
        self, message: object, *, timeout: float | None = DEFAULT_TIMEOUT, priority: Priority = NORMAL_PRIORITY
    ) -> Any:
        """Send *message* to `handle_call` and wait for the answer, at most *timeout* seconds (None: no limit).

        It fails as soon as the actor is dead. A late answer is dropped; the request of a caller that has
        given up, or was cancelled, may still be handled. An idle actor whose `handle_call` is ``def`` answers
        without a task switch, and such a call is not always a checkpoint. Where the mailbox is full and its
        overflow is ``wait``, the wait for room is part of the time.

        Raises `NoProcessError`, `ActorExitedError`, `CallTimeoutError`, `CallingSelfError`, `MailboxFullError`,
        `NoReplyError` if nobody can answer any more, or the error that the handler refused with.
        """
        if timeout is not DEFAULT_TIMEOUT:
            check_timeout(timeout)
        process = self._process
        if get_ident() != process.system.open_to:
            admit(process.system, self)
        sender = current_process()
        if MESSAGES.listened_to:
            return await _call_told(process, message, sender, timeout, priority)
        if process.idle and process.callbacks.inline and process.stash is None:
            answer = run_call(process, message, sender, timeout)
            if type(answer) is not Asking:
                budget = process.system.dispatcher
                if budget.left <= 0:
                    await trio.lowlevel.checkpoint()
                    budget.begin_slice()
                if sender is not None and sender.ending is not None:
                    await trio.lowlevel.checkpoint()
                return answer
        else:
            answer = _queued(process, message, sender, timeout, priority)
        if not answer.answered:
            answer.begin_to_wait()
            await wait_task_rescheduled(answer.abandon)
        if sender is not None and sender.ending is not None:
            await trio.lowlevel.checkpoint()
        return answer.result()

    @enable_ki_protection
    def send_request(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> Request:
        """Send *message* to `handle_call`, without waiting; the `Request` collects the answer later.

        Raises `MailboxFullError`, also where the overflow is ``wait``: it cannot wait.
        """
        asking = ask(self._here(), message, current_process(), None)
        if MESSAGES.listened_to:
            mark(asking)
        request = Request(asking)
        self._process.put(asking, priority)
        return request

    @enable_ki_protection
    def monitor(self) -> Monitor:
        """Have the current actor sent one `Down` when this one exits, or at once if it is dead already."""
        return Monitor(current_actor("monitor"), self._here())

    @enable_ki_protection
    def link(self) -> None:
        """Tie the current actor to this one: each gets an exit signal when the other exits."""
        signals.link(current_actor("link to"), self._here())

    @enable_ki_protection
    def unlink(self) -> None:
        """Undo `link`, also the one between a parent and its child."""
        signals.unlink(current_actor("unlink from"), self._here())

    @enable_ki_protection
    def exit(self, reason: ExitReason) -> None:
        """Send an exit signal, from the current actor if there is one.

        An actor that traps exits gets an `Exit` message, or an order to stop if its parent sent it. One that
        does not trap is cancelled at its next checkpoint and exits with *reason*; a normal reason it ignores.
        """
        check_reason(reason)
        self._here().system.signals.send_exit(current_process(), self._process, reason)

    @enable_ki_protection
    def kill(self) -> None:
        """End it, whatever it does; `terminate` does not run.

        A handler that shields itself has the system's `kill_grace` to be gone, and is then left behind.
        """
        self._here().kill()

    @enable_ki_protection
    async def stop(self, reason: ExitReason = NORMAL, *, timeout: float | None = None, drain: bool = True) -> None:
        """Have it exit with *reason* once it has handled what was sent before, and wait for that.

        With ``drain=False``, and when it is suspended, it ends as soon as its running handler has returned.
        After *timeout* seconds ``TimeoutError`` is raised, and it goes on stopping.

        Raises `NoProcessError` if it is dead, `ActorExitedError` if it exits with another reason.
        """
        process = self._here()
        if process.reason is not None:
            msg = f"{self} is dead: {process.reason}"
            raise NoProcessError(msg)
        if current_process() is process and process.running:
            msg = f"{self} would wait for its own end; a handler returns Stop({reason!r}) instead"
            raise CallingSelfError(msg)
        check_reason(reason)
        with trio.move_on_after(seconds_of(timeout)) as scope:
            if drain and not process.suspended:
                process.put(Order(reason))
            else:
                process.end(reason)
            ended = await process.wait()
        if scope.cancelled_caught:
            msg = f"{self} did not stop within {timeout} s"
            raise TimeoutError(msg)
        if ended != reason:
            msg = f"{self} exited, but not with {reason}: {ended}"
            raise ActorExitedError(msg, ended)

    async def wait(self) -> ExitReason:
        """Wait until it is dead, and return why."""
        return await self._here().wait()

    async def shut_down(self, seconds: Seconds = 5.0) -> ExitReason:
        """Order it to shut down, kill it if it has not after *seconds*, and return its reason.

        This is how supervisors stop their children (OTP's shutdown protocol). Called by the parent, it is
        obeyed in its place among the messages by an actor that traps exits.
        """
        return await self._here().shut_down(seconds, current_process())

    @enable_ki_protection
    def send_after(self, seconds: float, message: object) -> Timer:
        """Send *message* to `handle_info` in *seconds*, unless it is dead by then."""
        return Timer(self._here(), seconds, message, again=False)

    @enable_ki_protection
    def send_every(self, seconds: float, message: object) -> Timer:
        """Send *message* to `handle_info` every *seconds* for as long as it lives."""
        return Timer(self._here(), seconds, message, again=True)

    @property
    def from_thread(self) -> FromThread:
        """How other threads than its own reach it."""
        return FromThread(self, self._process.system)

    def successor(self) -> ActorRef | None:
        """Return whoever has its name now: itself while it lives, and nobody if it has none."""
        process = self._process
        if process.reason is None:
            return self
        return None if process.name is None else (process.via or process.system.names).whereis(process.name)

    def _here(self) -> Process:
        """Return the process, if this is its thread."""
        if get_ident() != self._process.system.open_to:
            admit(self._process.system, self)
        return self._process


def _queued(
    process: Process, message: object, sender: Process | None, timeout: float | None, priority: Priority
) -> Asking:
    if sender is process and process.running:
        _refuse_to_wait_for_self(process, message)
    asking = ask(process, message, sender, timeout)
    process.put(asking, priority)
    return asking


def _call_told(
    process: Process, message: object, sender: Process | None, timeout: float | None, priority: Priority
) -> Awaitable[object]:
    if sender is process and process.running:
        _refuse_to_wait_for_self(process, message)
    return call_in_span(process, message, sender, timeout, priority)


def _refuse_to_wait_for_self(process: Process, message: object) -> None:
    task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
    while task is not None and task is not process.task:
        task = None if task.parent_nursery is None else task.parent_nursery.parent_task
    if task is not None:
        msg = f"{process.ref} calls itself with {shown(message)}, and would wait for itself for ever"
        raise CallingSelfError(msg)
