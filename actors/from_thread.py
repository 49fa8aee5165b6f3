"""FromThread: how other threads reach an actor, and the entry through which what they send comes in."""

from __future__ import annotations

import math
from collections import deque
from functools import partial
from threading import Event, RLock, get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

import trio
from trio.lowlevel import enable_ki_protection

from actors import report
from actors.current import admit_living
from actors.envelope import Info
from actors.errors import CallTimeoutError, MailboxFullError, SystemClosedError, WrongThreadError
from actors.message import NORMAL_PRIORITY, Priority
from actors.options import DEFAULT_TIMEOUT, check_timeout
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.message import Call, Question
    from actors.name_ref import NameRef
    from actors.ref import ActorRef
    from actors.system import ActorSystem

R = TypeVar("R")

SLICE: Final = 1024
"""So many messages of threads are passed on until the loop has its turn."""

GRACE: Final = 1.0
"""Seconds that a node which keeps the time of a call may be late, until the thread stops waiting for it."""

LOOK_AGAIN: Final = 1.0
"""Seconds after which a thread that waits looks whether trio is still running."""


class FromThread:
    """An actor, as every thread but its own may use it: `ActorRef.from_thread` and `NameRef.from_thread`.

    What one thread sends arrives in the order it was sent.
    """

    __slots__ = ("_entry", "_target")

    def __init__(self, target: ActorRef | NameRef, system: ActorSystem) -> None:
        self._target = target
        self._entry = system.entry

    def __repr__(self) -> str:
        return f"<{self._target!r} from other threads>"

    def cast(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """Have *message* cast on the actor's own thread, soon; return at once.

        It is lost to nothing but the end of the actor and a full mailbox, which make it a dead letter. A name is
        looked up when the message is passed on. The actor's own thread may do this too; a direct cast overtakes it.

        Raises `SystemClosedError` once the system has been left.
        """
        self._entry.post(_with(self._cast, priority), message, self._target)

    def send(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """Have *message* sent, to `handle_info`; as `cast` in all else."""
        self._entry.post(_with(self._send, priority), message, self._target)

    @overload
    def call(self, message: Call[R], *, timeout: float | None = 5.0, priority: Priority = ...) -> R: ...
    @overload
    def call(self, message: Question, *, timeout: float | None = 5.0, priority: Priority = ...) -> object: ...
    @overload
    def call(self, message: object, *, timeout: float | None = 5.0, priority: Priority = ...) -> Any: ...

    def call(
        self, message: object, *, timeout: float | None = DEFAULT_TIMEOUT, priority: Priority = NORMAL_PRIORITY
    ) -> Any:
        """Send *message* to `handle_call` and block this thread until the answer is there.

        The *timeout* is kept on trio's clock, and counts from when the node hears of the call; a node that is
        blocked is waited for one real second longer. The actor sees no sender.

        Raises what `ActorRef.call` raises, `SystemClosedError` when the system is left before the answer, and
        `WrongThreadError` on the system's own thread, which cannot answer while it is blocked.
        """
        check_timeout(timeout)
        _check_priority(priority)
        thread = self._entry.thread
        if get_ident() == thread:
            msg = f"{self._target} answers on this thread ({thread}), which would be blocked; use 'await ref.call'"
            raise WrongThreadError(msg)
        call = ThreadCall(self._target, message, timeout, priority)
        self._entry.post(self._entry.start_call, call, self._target)
        self._wait(call)
        return call.result()

    def _cast(self, message: object, priority: Priority = NORMAL_PRIORITY) -> None:
        try:
            self._target.cast(message, priority=priority)
        except MailboxFullError as refusal:
            self._entry.bury(message, refusal)

    def _send(self, message: object, priority: Priority = NORMAL_PRIORITY) -> None:
        try:
            self._target.send(message, priority=priority)
        except MailboxFullError as refusal:
            self._entry.bury(Info(message), refusal)

    def _wait(self, call: ThreadCall) -> None:
        """Wait until *call* is over, as long as there is somebody who can end it."""
        give_up = math.inf if call.timeout is None else monotonic() + call.timeout + GRACE
        while not call.over.wait(max(0.0, min(LOOK_AGAIN, give_up - monotonic()))):
            if monotonic() >= give_up:
                call.expire()
                return
            try:
                self._entry.token.run_sync_soon(_nothing)
            except trio.RunFinishedError:
                call.close()


class ThreadCall:
    """One call of a thread that waits for its end."""

    __slots__ = ("_error", "_target", "_value", "given_up", "message", "over", "priority", "timeout")

    def __init__(self, target: ActorRef | NameRef, message: object, timeout: float | None, priority: Priority) -> None:
        self._target = target
        self.message = message
        self.timeout = timeout
        self.priority = priority
        self.over = Event()
        self.given_up = False
        self._value: object = None
        self._error: BaseException | None = None

    @enable_ki_protection
    async def run(self) -> None:
        """Make the call on the system's thread, and tell the thread that waits how it ended."""
        try:
            self._value = await self._target.call(self.message, timeout=self.timeout, priority=self.priority)
        except Exception as error:  # noqa: BLE001 -- raised in the thread that called
            self._error = error
        except BaseException:
            self.close()
            raise
        self.over.set()

    def close(self) -> None:
        """End it because the system is being left."""
        msg = f"the system of {self._target} was left before it answered {shown(self.message)}"
        self._error = SystemClosedError(msg)
        self.over.set()

    def expire(self) -> None:
        """Give up, on the thread that waits: the node has not even been able to keep the time."""
        self.given_up = True
        msg = f"{self._target} did not answer {shown(self.message)} within {self.timeout} s; its node is blocked"
        self._error = CallTimeoutError(msg)

    def result(self) -> Any:
        """Return the reply, or raise what there is instead."""
        if self._error is not None:
            raise self._error
        return self._value


class EntryQueue:
    """What other threads have sent to the actors of a system and the system's thread has not passed on yet."""

    def __init__(self, system: ActorSystem) -> None:
        self.thread = system.thread
        self.token = system.token
        self._system = system
        # A lock that its holder may take again: a finalizer or a signal handler may send in the middle of `post`.
        self._lock = RLock()
        self._items: deque[tuple[Callable[[Any], None], Any]] = deque()
        self._open = True
        self._expected = False
        self._nursery: trio.Nursery | None = None

    def __repr__(self) -> str:
        return f"<EntryQueue: {len(self._items)} waiting{'' if self._open else ', closed'}>"

    def post(self, deliver: Callable[[Any], None], item: object, target: object) -> None:
        """Have ``deliver(item)`` called on the system's thread, in the order of the posts; safe in every thread.

        Raises `SystemClosedError` when that cannot be any more, and `ZombieError`; then it is not done.
        """
        admit_living(self._system, target)
        with self._lock:
            if not self._open:
                raise _closed(target)
            # In this order Ctrl-C can strike anywhere: to be expected too often does no harm.
            if not self._expected:
                self._have_delivered(target)
                self._expected = True
            self._items.append((deliver, item))

    def _have_delivered(self, target: object) -> None:
        try:
            self.token.run_sync_soon(self._deliver)
        except trio.RunFinishedError:
            raise _closed(target) from None

    def open(self, nursery: trio.Nursery) -> None:
        """Make the calls of threads in *nursery* from here on."""
        self._nursery = nursery

    @enable_ki_protection
    def close(self) -> None:
        """Take nothing more; pass on the rest, to actors that are dead, and end all calls."""
        with self._lock:
            self._open = False
        self._nursery = None
        self._pass_on(len(self._items))

    def start_call(self, call: ThreadCall) -> None:
        """Make *call* in a task of its own, unless nobody waits for it any more."""
        if not self._open:
            call.close()
        elif self._nursery is None:
            # The system has only just been opened: its tasks begin in this very turn.
            self.post(self.start_call, call, call)
        elif not call.given_up:
            self._system.context.run(self._nursery.start_soon, call.run)

    def bury(self, item: object, refusal: MailboxFullError) -> None:
        """Make a dead letter of what a full mailbox refused, since the thread that sent it has gone on."""
        self._system.dead_letters.bury_dropped(item, None, refusal)

    @enable_ki_protection
    def _deliver(self) -> None:
        self._system.handover.hear()
        with self._lock:
            self._expected = False
            waiting = len(self._items)
        self._pass_on(min(waiting, SLICE))
        if waiting > SLICE:
            self.token.run_sync_soon(self._deliver)

    def _pass_on(self, number: int) -> None:
        for _ in range(number):
            deliver, item = self._items.popleft()
            try:
                deliver(item)
            except Exception as error:  # noqa: BLE001 -- what one thread sent must not keep trio from running
                report.unsent(item, error)


def _closed(target: object) -> SystemClosedError:
    return SystemClosedError(f"{target} can be sent nothing any more; its system has been left")


def _with(deliver: Callable[..., None], priority: Priority) -> Callable[[object], None]:
    _check_priority(priority)
    return deliver if priority is NORMAL_PRIORITY else partial(deliver, priority=priority)


def _check_priority(priority: object) -> None:
    if not isinstance(priority, Priority):
        raise TypeError(f"the priority of a message is a Priority; got {priority!r}")


def _nothing() -> None:
    """Do nothing; whether it can be asked for tells whether trio runs."""
