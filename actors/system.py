"""ActorSystem: the processes of one program, and what serves them all."""

from __future__ import annotations

import contextvars
import math
from contextlib import asynccontextmanager, suppress
from itertools import count
from threading import get_ident
from typing import TYPE_CHECKING, Any

import trio
from trio.lowlevel import enable_ki_protection

from actors import report
from actors.actor import Actor
from actors.current import current_process
from actors.dead_letters import DeadLetters
from actors.dispatcher import Dispatcher
from actors.envelope import Order
from actors.errors import SystemExitedError, UndefinedHandlerError
from actors.exit import SHUTDOWN, ExitReason
from actors.from_thread import EntryQueue
from actors.handover import handover_here
from actors.heirlooms import Heirlooms
from actors.message import Exit
from actors.name_ref import NameRef, process_of
from actors.options import DEFAULTS, Seconds, StartOptions, check_name, check_seconds, check_via, start_options
from actors.registry import Names, Registry
from actors.result import NO_REPLY
from actors.show import shown
from actors.signals import SignalQueue
from actors.spare import Spare
from actors.start import start_process
from actors.timer import TimerQueue
from actors.watchdog import Watch, check_watchdog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from actors.caller import Caller
    from actors.ending import Ending
    from actors.kept import Kept
    from actors.mailbox import Mailbox
    from actors.process import Process
    from actors.ref import ActorRef


class Root(Actor):
    """The parent of what `ActorSystem.start` starts; it restarts nothing."""

    trap_exit = True
    shutdown = math.inf

    def handle_call(self, message: object, caller: Caller) -> object:
        """Refuse."""
        caller.refuse(UndefinedHandlerError(f"{self.ref} answers no calls; got {shown(message)}"))
        return NO_REPLY

    def handle_cast(self, message: object) -> None:
        """Log what nobody should send."""
        report.unexpected(self._process, message)

    def handle_info(self, message: object) -> None:
        """Let the dead rest."""
        if type(message) is not Exit:
            report.unexpected(self._process, message)

    async def terminate(self, reason: ExitReason) -> None:
        """Stop the children, the youngest first."""
        for child in reversed(list(self._process.links or ())):
            await child.shut_down(child.shutdown, self._process)


def unnoticed(process: Process, ending: Ending) -> None:
    """Do nothing about the end of *process*."""


class ActorSystem:
    """Processes, their names, and the tasks that serve them. Made by `open_system`."""

    start_soon: Callable[..., None]
    """Starts a task that leaving the system's block waits for."""

    kept: dict[str, Kept]
    """By name, what is kept for actors that are about to be restarted."""
    stopped: trio.Event
    """Set when every actor is dead; from then on only zombies keep the block from ending."""
    runnable: int
    """How many actors with a task of their own wait for nothing but trio's turn to come to them."""
    ids: count[int]
    """The numbers of processes to come."""
    zombies: dict[Process, None]
    """Who was left behind after a kill and still runs, the oldest first."""
    belongings: dict[object, Any]
    """What others keep for this system alone, by keys of their own: it may know the system, and goes with it."""
    on_end: Callable[[Process, Ending], None]
    """Who is told of each process that ends, while it still has its actor."""

    def __init__(self, *, kill_grace: float, watchdog_seconds: float | None = None) -> None:
        self.kill_grace = kill_grace
        self.thread = self.open_to = get_ident()
        """`open_to` is the one thread whose requests need no closer look; none while there are zombies."""
        self.kept = {}
        self.on_end = unnoticed
        self.context = contextvars.copy_context()
        self.token = trio.lowlevel.current_trio_token()
        self.handover = handover_here()
        self.entry = EntryQueue(self)
        self._watch = None if watchdog_seconds is None else Watch(self, watchdog_seconds)
        self.dispatcher = Dispatcher(self.handover)
        self.timers = TimerQueue()
        self.signals = SignalQueue()
        self.names = Registry()
        self.dead_letters = DeadLetters()
        self.heirlooms = Heirlooms(self)
        self.processes: dict[int, Process] = {}
        self.spare = Spare(self.context, self.processes)
        self.zombies = {}
        self.stopped = trio.Event()
        self.closing = False
        self.runnable = 0
        self._root: Process | None = None
        self.ids = count(1)
        self.block = trio.CancelScope()
        self.services = trio.CancelScope(shield=True)
        self.belongings = {}
        self._interrupt: BaseException | None = None

    def __repr__(self) -> str:
        if not self.processes:
            return "<ActorSystem: stopped>"
        return f"<ActorSystem: {len(self.processes) - 1} actors{', stopping' if self.closing else ''}>"

    @property
    def root(self) -> ActorRef:
        """The parent of every actor that `start` starts."""
        assert self._root is not None
        return self._root.ref

    @property
    def current(self) -> ActorRef | None:
        """The actor whose callback is running, seen from within it; None outside every actor."""
        process = current_process()
        return None if process is None else process.ref

    async def start(
        self,
        actor: type[Actor],
        *args: Any,
        name: str | None = None,
        via: Names | None = None,
        init_timeout: float = math.inf,
        shutdown: Seconds | None = None,
        mailbox: Mailbox | None = None,
        **kwargs: Any,
    ) -> ActorRef:
        """Start ``actor(*args, **kwargs)`` under the system's root, and return once its `init` has returned.

        It is never restarted, and stopped when the system is, the youngest first, within *shutdown* seconds
        (default: the class's). *mailbox* are the rules of its mailbox (default: the class's). A parameter of the
        constructor that is named as one of these here is given by position.

        Raises what the constructor or `init` raised, `NameTakenError`, `IgnoredError`, `InitTimeoutError`
        after *init_timeout* seconds, or `ActorExitedError` if it stopped in its `init`; the name is free
        again then. Cancelled, it leaves nothing behind.
        """
        options = start_options(name, via, init_timeout, shutdown, mailbox)
        return await start_process(self, self._root, actor, args, kwargs, options)

    def whereis(self, name: str) -> ActorRef | None:
        """Return the living process that has *name*."""
        return self.names.whereis(name)

    def named(self, name: str, *, via: Names | None = None) -> NameRef:
        """Return a reference to whoever has *name*, now and after every restart."""
        check_name(name)
        if via is not None:
            check_via(via)
        return NameRef(self, name, via or self.names)

    # -- what the runtime needs

    def start_child(
        self,
        parent: Process | None,
        actor: type[Actor],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        options: StartOptions,
    ) -> Awaitable[ActorRef]:
        """Return what starts *actor* as a child of *parent* when it is awaited."""
        return start_process(self, parent, actor, args, kwargs, options)

    def admit(self, process: Process) -> None:
        """Take *process* in, as a child of its parent."""
        self.processes[process.id] = process
        parent = process.parent
        if parent is not None:
            if parent.links is None:
                parent.links = {}
            parent.links[process] = None

    def forget(self, process: Process) -> None:
        """Let go of a dead process."""
        self.processes.pop(process.id, None)
        if len(self.processes) <= 1:
            self.spare.let_go()
        if process.name is not None:
            try:
                (process.via or self.names).unregister(process.name, process.ref)
            except Exception as error:  # noqa: BLE001 -- a broken registry must not keep a process from ending
                report.still_registered(process, error)
        if process is self._root and not self.closing:
            self.block.cancel()

    def kept_for(self, name: str) -> ActorRef | None:
        """Return who had *name*, if what is sent to it is kept for whoever will have it next."""
        kept = self.kept.get(name)
        return None if kept is None or kept.process is None else kept.process.ref

    def leave_behind(self, process: Process) -> None:
        """Let *process*, which was killed and goes on, take part in nothing any more."""
        self.zombies[process] = None
        self.open_to = 0

    def bury_zombie(self, process: Process) -> None:
        """Note that *process* has ended at last, if it was left behind."""
        if process in self.zombies:
            del self.zombies[process]
            self.open_to = 0 if self.zombies else self.thread

    def call_soon(self, function: Callable[[], object]) -> None:
        """Call *function* from the event loop, if that still runs; from any thread and at any moment."""
        with suppress(trio.RunFinishedError):
            self.token.run_sync_soon(function)

    def interrupt(self, error: BaseException) -> None:
        """Stop the system because of Ctrl-C in a callback."""
        self._interrupt = error
        self.block.cancel()

    async def open(self, nursery: trio.Nursery) -> None:
        """Start the root, and its tasks in *nursery* from here on."""
        if self._watch is not None:
            self._watch.begin()
        self.start_soon = nursery.start_soon
        self._root = process_of(await start_process(self, None, Root, (), {}, DEFAULTS))

    async def close(self) -> None:
        """Stop every actor in order, or kill them all on Ctrl-C; then nothing is served any more."""
        self.closing = True
        try:
            with trio.CancelScope(shield=True):
                await self._stop_all()
        except KeyboardInterrupt as error:
            self.interrupt(error)
            self.kill_all()
        finally:
            self.services.cancel()
            self.spare.close()
            if self._watch is not None:
                self._watch.end()
            self.stopped.set()

    async def _stop_all(self) -> None:
        """Stop the root, which stops its children, and then whoever has lost its parent."""
        if self._root is not None and self._root.reason is None:
            self._root.put(Order(SHUTDOWN))
            await self._root.wait()
        while self.processes:
            _, youngest = next(reversed(self.processes.items()))
            await youngest.shut_down(youngest.shutdown, youngest.parent)
            self.processes.pop(youngest.id, None)

    def kill_all(self) -> None:
        """Kill every actor."""
        for process in list(self.processes.values()):
            process.kill()

    def raise_why_stopped(self, raised: BaseException | None) -> None:
        """Raise Ctrl-C if it struck a handler, else what left the block, else what ended the root."""
        if self._interrupt is not None:
            raise self._interrupt from (None if raised is self._interrupt else raised)
        if raised is not None:
            raise raised
        root = self._root
        if self.block.cancelled_caught and root is not None and root.reason is not None:
            msg = f"the root of {self} exited: {root.reason}"
            raise SystemExitedError(msg, root.reason)


@asynccontextmanager
@enable_ki_protection
async def open_system(*, kill_grace: float = 1.0, watchdog_seconds: float | None = 1.0) -> AsyncIterator[ActorSystem]:
    """Open an actor system for a block of code, and stop its actors in order when the block is left.

    However the block is left, by its end, an exception or cancellation, the actors are stopped the youngest
    first, each within its time to stop, and the exception goes on only then; a second Ctrl-C kills them
    instead. An actor that was killed but does not end within *kill_grace* seconds is left behind by everyone
    but this block, which waits for it. A callback that blocks the thread for *watchdog_seconds* is logged, with
    its stack, before as much time again has passed; None turns that off, for debuggers.

    Raises `SystemExitedError` if the system's root was killed meanwhile, and what interrupted a handler.
    """
    check_seconds("kill_grace", kill_grace)
    check_watchdog(watchdog_seconds)
    system = ActorSystem(kill_grace=kill_grace, watchdog_seconds=watchdog_seconds)
    raised: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_serve, system)
            try:
                await system.open(nursery)
                with system.block:
                    yield system
            except BaseException as error:  # noqa: BLE001 -- raised again when the actors are stopped
                raised = error
            await system.close()
    except BaseExceptionGroup as group:
        # The nursery is this function's own, so what it wraps comes out as it was.
        raised = KeyboardInterrupt() if group.subgroup(KeyboardInterrupt) else group
    system.raise_why_stopped(raised)


@enable_ki_protection
async def _serve(system: ActorSystem) -> None:
    try:
        with system.services:
            async with trio.open_nursery() as nursery:
                system.entry.open(nursery)
                nursery.start_soon(system.dispatcher.run)
                nursery.start_soon(system.timers.run)
    except BaseException:
        # Without these two nothing stops in order any more, and the block would wait for ever.
        system.kill_all()
        raise
    finally:
        system.entry.close()
