"""References: how everybody else sees an actor.

An `ActorRef` is one incarnation and stays dead once it is dead; a `NameRef` follows a name across restarts.
"""

from __future__ import annotations

from threading import get_ident
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

import trio
from trio.lowlevel import enable_ki_protection, wait_task_rescheduled

from actors import signals
from actors.caller import Caller
from actors.current import current_actor, current_process
from actors.errors import ActorExitedError, CallingSelfError, NoProcessError, WrongThreadError
from actors.exit import NOPROC, NORMAL, ExitReason, check_reason
from actors.message import Call, Cast, Down, Info, Order, Question
from actors.options import DEFAULT_TIMEOUT, check_timeout, seconds_of
from actors.request import Request
from actors.show import shown
from actors.timer import Timer
from actors.turn import run_call

if TYPE_CHECKING:
    from actors.options import Seconds
    from actors.process import Process
    from actors.registry import Names
    from actors.system import ActorSystem

R = TypeVar("R")


class ActorRef:
    """One incarnation of an actor."""

    __slots__ = ("__weakref__", "_process")

    def __init__(self, process: Process) -> None:
        self._process = process

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
    def cast(self, message: object) -> None:
        """Send *message* to `handle_cast`. Never waits and never fails; a dead target makes it a dead letter."""
        process = self._process
        if get_ident() != process.system.thread:
            _refuse_thread(process)
        if type(message) is Caller:
            message = Cast(message)
        # `Process.put`, written out: the call alone would be a tenth of what a cast costs.
        process.mailbox.append(message)
        process.received = received = process.received + 1
        process.last_received = now = perf_counter_ns()
        if received >= process.sample_at:
            process.mark(received, now)
        if process.idle:
            process.idle = False
            process.wake(process)
        elif process.running:
            process.greatest = max(process.greatest, len(process.mailbox))

    @enable_ki_protection
    def send(self, message: object) -> None:
        """Send *message* to `handle_info`; as `cast` in all else."""
        self._here().put(Info(message))

    @overload
    async def call(self, message: Call[R], *, timeout: float | None = 5.0) -> R: ...
    @overload
    async def call(self, message: Question, *, timeout: float | None = 5.0) -> object: ...
    @overload
    async def call(self, message: object, *, timeout: float | None = 5.0) -> Any: ...

    @enable_ki_protection
    async def call(self, message: object, *, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """Send *message* to `handle_call` and wait for the answer, at most *timeout* seconds (None: no limit).

        It fails as soon as the actor is dead. A late answer is dropped; the request of a caller that has
        given up, or was cancelled, may still be handled. An idle actor whose `handle_call` is ``def`` answers
        without a task switch, and such a call is not always a checkpoint.

        Raises `NoProcessError`, `ActorExitedError`, `CallTimeoutError`, `CallingSelfError`, or the error that
        the handler refused with.
        """
        if timeout is not DEFAULT_TIMEOUT:
            check_timeout(timeout)
        process = self._process
        if get_ident() != process.system.thread:
            _refuse_thread(process)
        sender = current_process()
        caller = Caller(process, message, sender, timeout)
        if process.idle and process.callbacks.inline:
            run_call(process, caller)
        else:
            if sender is process and process.running:
                _refuse_to_wait_for_self(process, message)
            process.put(caller)
        if not caller.answered:
            caller.task = trio.lowlevel.current_task()
            if timeout is not None:
                process.system.timers.add(caller.deadline, caller)
            await wait_task_rescheduled(caller.abandon)
        else:
            budget = process.system.dispatcher
            if budget.left <= 0:
                await trio.lowlevel.checkpoint()
                budget.begin_slice()
        if sender is not None and sender.ending is not None:
            await trio.lowlevel.checkpoint()
        if caller.error is not None:
            raise caller.error
        return caller.value

    @enable_ki_protection
    def send_request(self, message: object) -> Request:
        """Send *message* to `handle_call`, without waiting; the `Request` collects the answer later."""
        caller = Caller(self._here(), message, current_process(), None)
        request = Request(caller)
        self._process.put(caller)
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

    def _here(self) -> Process:
        """Return the process, if this is its thread."""
        if get_ident() != self._process.system.thread:
            _refuse_thread(self._process)
        return self._process


class Monitor:
    """One watch of one actor over another; ends with the one `Down` that it sends."""

    __slots__ = ("active", "flushed", "ref", "target", "watcher")

    def __init__(self, watcher: Process, target: Process) -> None:
        self.watcher = watcher
        self.target = target
        self.ref = target.ref
        self.active = target.reason is None
        self.flushed = False
        if not self.active:
            watcher.put(Info(Down(target.ref, NOPROC, self)))
            return
        if target.monitors is None:
            target.monitors = {}
        if watcher.monitoring is None:
            watcher.monitoring = {}
        target.monitors[self] = watcher.monitoring[self] = None

    def __repr__(self) -> str:
        return f"<Monitor of {self.ref}: {'active' if self.active else 'ended'}>"

    @enable_ki_protection
    def cancel(self, *, flush: bool = False) -> None:
        """Watch no longer; with *flush*, a `Down` that is already in the mailbox is dropped too."""
        self.flushed = self.flushed or flush
        if self.active:
            self.active = False
            for watch in (self.target.monitors, self.watcher.monitoring):
                if watch is not None:
                    watch.pop(self, None)


class NameRef:
    """Whoever has a name at the moment of asking; after a restart, the next incarnation."""

    __slots__ = ("_system", "_via", "name")

    def __init__(self, system: ActorSystem, name: str, via: Names) -> None:
        self._system = system
        self._via = via
        self.name = name

    def __repr__(self) -> str:
        return f"<name {self.name}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NameRef) and (other.name, other._via) == (self.name, self._via)

    def __hash__(self) -> int:
        return hash(self.name)

    def whereis(self) -> ActorRef | None:
        """Return who has the name now."""
        return self._via.whereis(self.name)

    def _find(self) -> ActorRef:
        ref = self._via.whereis(self.name)
        if ref is None:
            msg = f"nobody has the name {self.name!r}"
            raise NoProcessError(msg)
        return ref

    @property
    def alive(self) -> bool:
        """Whether somebody has the name."""
        return self._via.whereis(self.name) is not None

    def cast(self, message: object) -> None:
        """As `ActorRef.cast`; a name that nobody has makes *message* a dead letter."""
        ref = self._via.whereis(self.name)
        if ref is None:
            self._system.dead_letters.bury_unaddressed(message, self)
        else:
            ref.cast(message)

    def send(self, message: object) -> None:
        """As `ActorRef.send`; a name that nobody has makes *message* a dead letter."""
        ref = self._via.whereis(self.name)
        if ref is None:
            self._system.dead_letters.bury_unaddressed(message, self)
        else:
            ref.send(message)

    @overload
    async def call(self, message: Call[R], *, timeout: float | None = 5.0) -> R: ...
    @overload
    async def call(self, message: Question, *, timeout: float | None = 5.0) -> object: ...
    @overload
    async def call(self, message: object, *, timeout: float | None = 5.0) -> Any: ...

    async def call(self, message: object, *, timeout: float | None = 5.0) -> Any:
        """As `ActorRef.call`; raises `NoProcessError` if nobody has the name."""
        return await self._find().call(message, timeout=timeout)

    def send_request(self, message: object) -> Request:
        """As `ActorRef.send_request`; raises `NoProcessError` if nobody has the name."""
        return self._find().send_request(message)

    def monitor(self) -> Monitor:
        """As `ActorRef.monitor`, of who has the name now; raises `NoProcessError` if nobody has."""
        return self._find().monitor()

    def link(self) -> None:
        """As `ActorRef.link`; raises `NoProcessError` if nobody has the name."""
        self._find().link()

    def unlink(self) -> None:
        """As `ActorRef.unlink`; raises `NoProcessError` if nobody has the name."""
        self._find().unlink()

    def exit(self, reason: ExitReason) -> None:
        """As `ActorRef.exit`; raises `NoProcessError` if nobody has the name."""
        self._find().exit(reason)

    def kill(self) -> None:
        """As `ActorRef.kill`; raises `NoProcessError` if nobody has the name."""
        self._find().kill()

    async def stop(self, reason: ExitReason = NORMAL, *, timeout: float | None = None, drain: bool = True) -> None:
        """As `ActorRef.stop`; raises `NoProcessError` if nobody has the name."""
        await self._find().stop(reason, timeout=timeout, drain=drain)

    async def wait(self) -> ExitReason:
        """As `ActorRef.wait`, for who has the name now; noproc if nobody has."""
        ref = self._via.whereis(self.name)
        return NOPROC if ref is None else await ref.wait()

    def send_after(self, seconds: float, message: object) -> Timer:
        """As `ActorRef.send_after`, to who has the name now; raises `NoProcessError` if nobody has."""
        return self._find().send_after(seconds, message)


def _refuse_thread(process: Process) -> NoReturn:
    msg = f"{process.ref} belongs to thread {process.system.thread}; this was asked in thread {get_ident()}"
    raise WrongThreadError(msg)


def process_of(ref: ActorRef | NameRef) -> Process | None:
    """Return the process behind *ref*; for the runtime alone."""
    found = ref.whereis() if isinstance(ref, NameRef) else ref
    return None if found is None else found._process  # noqa: SLF001 -- the two belong together


def _refuse_to_wait_for_self(process: Process, message: object) -> None:
    task: trio.lowlevel.Task | None = trio.lowlevel.current_task()
    while task is not None and task is not process.task:
        task = None if task.parent_nursery is None else task.parent_nursery.parent_task
    if task is not None:
        msg = f"{process.ref} calls itself with {shown(message)}, and would wait for itself for ever"
        raise CallingSelfError(msg)
