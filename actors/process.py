"""Process: one incarnation of an actor, from its start to its exit reason.

A process is always in one place. *Idle*: its mailbox is empty and nothing of it runs; a call may then run its
handler at once. *Scheduled*: messages wait, and the dispatcher or its own task will come to it. *Running*: a
callback is at work. *Ending*: `ending` says how, and the process has not reached its exit yet. *Dead*: `reason`
is set. `attention` tells whoever runs it to look up between two messages.
"""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import ref as weakref

import trio
from trio.lowlevel import Abort, disable_ki_protection, enable_ki_protection, reschedule

from actors import report
from actors.current import current_process, set_current_process
from actors.ending import Ending, Grace, Limit
from actors.exit import KILLED, SHUTDOWN, ExitReason
from actors.inbox import Inbox
from actors.message import NORMAL_PRIORITY
from actors.ref import ActorRef
from actors.result import NO_REPLY
from actors.task import TASK_NAME, serve
from actors.telemetry import ACTOR_EXITED
from actors.woken import WOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from contextvars import Context

    from actors.actor import Actor, Callbacks
    from actors.asking import Asking
    from actors.caller import Caller
    from actors.dispatcher import Dispatcher
    from actors.kept import Kept
    from actors.message import Priority
    from actors.monitor import Monitor
    from actors.options import Seconds
    from actors.registry import Names
    from actors.system import ActorSystem
    from actors.timer import IdleTimer


class Process(Inbox):
    """What runs one actor."""

    __slots__ = (
        "actor",
        "coroutine",
        "ended",
        "ending",
        "has_task",
        "id",
        "idle_timer",
        "inspections",
        "keeping",
        "kind",
        "links",
        "monitoring",
        "monitors",
        "name",
        "ordered",
        "owed",
        "parent",
        "parked",
        "reason",
        "ref",
        "scope",
        "shutdown",
        "start_error",
        "started",
        "starter",
        "suspended",
        "task",
        "via",
    )  # fmt: skip

    actor: Actor
    callbacks: Callbacks
    handle_call: Callable[[Any, Caller], Any]
    handle_cast: Callable[[Any], Any]
    dispatcher: Dispatcher | None
    """Who handles its messages, unless it has a task of its own for them."""
    context: Context
    task: trio.lowlevel.Task | None
    scope: trio.CancelScope | None
    """What cancels the callback that runs in its task."""
    coroutine: Coroutine[Any, Any, Any] | None
    """What a callback returned that has to wait; its task is about to run it."""
    ending: Ending | None
    reason: ExitReason | None
    ended: trio.Event | None
    starter: trio.lowlevel.Task | None
    """The task that waits for the end of `init`."""
    start_error: BaseException | None
    idle_timer: IdleTimer | None
    inspections: list[Callable[[], None]] | None
    links: dict[Process, None] | None
    """Whom it is linked to, its children among them, but not its parent, whose `links` it is in."""
    monitors: dict[Monitor, None] | None
    monitoring: dict[Monitor, None] | None
    owed: dict[Asking, weakref[Caller]] | None
    """The calls that `handle_call` left without an answer."""
    keeping: dict[Kept, None] | None
    """What it keeps for its children."""
    shutdown: Seconds
    ordered: bool
    """Whether somebody who ordered it to stop keeps the time of its `terminate`."""

    def __init__(self, system: ActorSystem, parent: Process | None, name: str | None, via: Names | None) -> None:
        self.system = system
        self.parent = parent
        self.id = next(system.ids)
        self.name = name
        self.via = via
        self.ref = ref = ActorRef()
        ref._process = self  # noqa: SLF001 -- a reference is for users, and made here only
        self.kind = "actor"
        self.context = system.context.copy()
        self.open_inbox()
        self.idle = self.running = self.attention = self.suspended = self.started = False
        self.has_task = self.parked = self.ordered = False
        self.task = self.scope = self.coroutine = None
        self.ending = self.reason = self.ended = None
        self.starter = self.start_error = self.idle_timer = self.inspections = None
        self.links = self.monitors = self.monitoring = self.owed = None
        self.keeping = None
        self.shutdown = 5.0

    def __repr__(self) -> str:
        return f"<Process of {self.ref}>"

    def construct(self, actor: type[Actor], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Make the instance, in the context that all its callbacks will see."""
        self.kind = actor.__name__
        self.callbacks = actor._callbacks  # noqa: SLF001 -- found out for the runtime
        instance = self.context.run(_construct, self, actor, args, kwargs)
        object.__setattr__(instance, "_process", self)  # a frozen class allows no other way
        self.actor = instance
        self.handle_call = instance.handle_call
        self.handle_cast = instance.handle_cast
        self.dispatcher = None if self.callbacks.tasked else self.system.dispatcher

    # -- messages and scheduling

    @enable_ki_protection
    def put(self, item: object, priority: Priority = NORMAL_PRIORITY) -> None:
        """Append *item* to the mailbox, and see to it that it is handled.

        Raises `MailboxFullError` and does nothing if there is no room.
        """
        if priority is NORMAL_PRIORITY:
            self.mailbox.append(item)
        else:
            self.insert(item, priority)
        self.received = received = self.received + 1
        self.last_received = now = perf_counter()
        if received >= self.sample_at:
            self.mark(received, now)
        sender = current_process()
        if sender is not self.sender:
            self.change_sender(sender)
        if self.idle:
            self.idle = False
            self.wake()
        elif self.running and len(self.mailbox) > self.greatest:
            self.greatest = len(self.mailbox)

    def wake(self) -> None:
        """Have the messages that wait handled: by the dispatcher, or by a task of its own."""
        if self.dispatcher is not None:
            self.dispatcher.wake(self)
        elif self.parked:
            self.unpark()
        elif not self.has_task:
            self.start_task()

    def wake_if_idle(self) -> None:
        """Have what was put ahead of the mailbox handled, if it was put there outside of every handler."""
        if self.idle:
            self.idle = False
            self.wake()

    def wake_first(self) -> None:
        """Have the message that is about to come handled ahead of those of others, if nothing else waits."""
        if self.idle and self.dispatcher is not None:
            self.idle = False
            self.dispatcher.wake_first(self)

    def unpark(self) -> None:
        """Wake the process's own task, which waits for something to do."""
        if self.task is not None:
            self.parked = False
            self.system.runnable += 1
            reschedule(self.task, WOKEN)

    def start_task(self) -> None:
        """Run the process in a task of its own from here on, or until its coroutine has ended."""
        self.has_task = True
        if not self.system.spare.give(self):
            self.context.run(self.system.start_soon, serve, self, self.system.spare, name=TASK_NAME)

    def release(self) -> None:
        """Give the process back after a callback."""
        self.running = False
        if self.attention:
            self.attend()
        elif self.mailbox is not self.vacant and self.mailbox:
            self.wake()
        else:
            self.idle = True

    def attend(self) -> None:
        """Do what there is to do besides messages."""
        if self.reason is not None:
            return
        if self.ending is not None:
            self._begin_ending()
        elif self.coroutine is not None:
            self._resume_in_task()
        else:
            self.answer_inspections()
            if not self.suspended:
                self.release()

    def _resume_in_task(self) -> None:
        """Have the process's own task run what a callback returned that has to wait."""
        self.running = True
        if self.parked:
            self.unpark()
        else:
            self.start_task()

    def answer_inspections(self) -> None:
        """Do what others asked to be done between two messages."""
        self.attention = self.suspended or self.ending is not None
        inspections, self.inspections = self.inspections, None
        for inspection in inspections or ():
            inspection()

    def owe(self, asking: Asking, caller: Caller | None) -> None:
        """Remember that *asking* is still to be answered, by whoever has its *caller*."""
        if caller is not None and not asking.answered and not self.is_aside(asking):
            if self.owed is None:
                self.owed = {}
            self.owed[asking] = weakref(caller, asking.dropped)

    # -- ending

    @enable_ki_protection
    def end(
        self,
        reason: ExitReason,
        *,
        should_report: bool = True,
        caller: Asking | None = None,
        reply: object = NO_REPLY,
    ) -> None:
        """End with *reason* once the running callback has returned; the first reason holds."""
        if self.ending is not None or self.reason is not None:
            return
        self.ending = Ending(reason, self.started, should_report, caller, reply)
        self.ending.status = report.status_at(self, self.ending)
        self.attention = True
        self.idle = False
        if not self.running:
            self._begin_ending()

    @enable_ki_protection
    def end_by_signal(self, reason: ExitReason) -> None:
        """End with *reason*, and cancel the running callback at its next checkpoint."""
        if self.ending is not None or self.reason is not None:
            return
        self.end(reason, should_report=False)
        if self.scope is not None and self.running:
            self.scope.cancel()

    @enable_ki_protection
    def kill(self) -> None:
        """End with `KILLED`, without `terminate`.

        What shields itself from cancellation is given the grace period and is then left behind.
        """
        if self.reason is not None:
            return
        if self.ending is not None and self.ending.coroutine is not None:
            self.ending.coroutine.close()
        self.ending = Ending(KILLED, terminate=False, should_report=False)
        self.attention = True
        self.idle = False
        if not self.running:
            self.finish()
        elif self.scope is not None:
            self.scope.cancel()
            self.system.timers.add(self.system.timers.now() + self.system.kill_grace, Grace(self))

    def _begin_ending(self) -> None:
        if self.ending is None or not (self.ending.terminate and self.callbacks.terminate):
            self.finish()
        elif self.parked:
            self.unpark()
        elif not self.has_task:
            self.system.dispatcher.wake(self)

    @enable_ki_protection
    def finish(self) -> None:
        """Reach the exit: free the name, tell everyone concerned, and let go of the actor."""
        ending = self.ending
        if self.reason is not None or ending is None:
            return
        if ending.caller is not None and ending.reply is not NO_REPLY:
            ending.caller.reply(ending.reply)
        if ending.status is not None:
            report.ended(self, ending.reason, ending.status)
        self.system.on_end(self, ending)
        self.reason = ending.reason
        self.attention = True
        self.idle = False
        if self.aside is not None and self.is_aside(self.message):
            self.message = None  # it is unread like the others that were set aside, and not what the process ended in
        unread = self.kept.take(self) if self.kept is not None and not self.kept.closed else self.close_inbox()
        self.system.signals.announce_end(self, unread)
        if self.callbacks.trace is not None:
            self.callbacks.trace.stop()
        del self.actor, self.handle_call, self.handle_cast
        self.message = self.idle_timer = None
        if self.coroutine is not None:
            self.coroutine.close()
            self.coroutine = None
        if self.inspections:
            self.answer_inspections()
        if self.parked:
            self.unpark()
        if ACTOR_EXITED.listeners:
            report.exited(self)

    # -- what others wait for

    def wake_starter(self) -> None:
        """Tell whoever started the process that its `init` is over."""
        task, self.starter = self.starter, None
        if task is not None:
            reschedule(task, WOKEN)

    def forget_starter(self, _raise_cancel: object = None) -> Abort:
        """Note that whoever started the process waits no longer: it was cancelled."""
        self.starter = None
        return Abort.SUCCEEDED

    async def wait(self) -> ExitReason:
        """Wait until the process is dead."""
        if self.reason is None:
            if self.ended is None:
                self.ended = trio.Event()
            await self.ended.wait()
        assert self.reason is not None
        return self.reason

    async def shut_down(self, seconds: Seconds, by: Process | None) -> ExitReason:
        """Order it to stop, as its parent or any other, and kill it if it takes too long."""
        if seconds == "brutal_kill":
            self.kill()
            return await self.wait()
        self.ordered = True
        if self.ending is not None and self.scope is not None:
            self.scope.deadline = math.inf
        self.system.signals.send_exit(by, self, SHUTDOWN)
        if self.reason is None:
            self.system.timers.add(self.system.timers.now() + seconds, Limit(self))
        return await self.wait()


@disable_ki_protection
def _construct(process: Process, actor: type[Actor], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Actor:
    set_current_process(process)
    return actor(*args, **kwargs)
