"""NameRef: a name, and whoever has it at the moment."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeVar, overload

import trio

from actors.current import admit
from actors.envelope import Info
from actors.errors import NoProcessError
from actors.exit import NOPROC, NORMAL, ExitReason
from actors.from_thread import FromThread
from actors.message import NORMAL_PRIORITY
from actors.settlement import delivery_of

if TYPE_CHECKING:
    from actors.message import Call, Priority, Question
    from actors.monitor import Monitor
    from actors.process import Process
    from actors.ref import ActorRef
    from actors.registry import Names
    from actors.request import Request
    from actors.settlement import Settle
    from actors.system import ActorSystem
    from actors.timer import Timer

R = TypeVar("R")


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

    def _receiver(self) -> ActorRef | None:
        """Return who takes what is sent to the name: who has it, or who had it if that will be kept."""
        ref = self._via.whereis(self.name)
        if ref is None and self._via is self._system.names:
            return self._system.kept_for(self.name)
        return ref

    def _lose(self, item: object) -> None:
        """Give *item* to the dead letters: nobody has the name."""
        if get_ident() != self._system.open_to:
            admit(self._system, self)
        self._system.dead_letters.bury_unaddressed(item, self)

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

    def cast(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """As `ActorRef.cast`; a name that nobody has makes *message* a dead letter."""
        ref = self._receiver()
        if ref is None:
            self._lose(message)
        else:
            ref.cast(message, priority=priority)

    async def cast_wait(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """As `ActorRef.cast_wait`; a name that nobody has makes *message* a dead letter."""
        ref = self._receiver()
        if ref is None:
            await trio.lowlevel.checkpoint()
            self._lose(message)
        else:
            await ref.cast_wait(message, priority=priority)

    def deliver(self, message: object, settle: Settle, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """As `ActorRef.deliver`; a message for a name that nobody has is `Lost`."""
        ref = self._receiver()
        if ref is None:
            self._lose(delivery_of(message, settle))
        else:
            ref.deliver(message, settle, priority=priority)

    def send(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> None:
        """As `ActorRef.send`; a name that nobody has makes *message* a dead letter."""
        ref = self._receiver()
        if ref is None:
            self._lose(Info(message))
        else:
            ref.send(message, priority=priority)

    @property
    def from_thread(self) -> FromThread:
        """How other threads than its own reach whoever has the name when the message is passed on."""
        return FromThread(self, self._system)

    def successor(self) -> ActorRef | None:
        """Return who has the name now."""
        return self._via.whereis(self.name)

    @overload
    async def call(self, message: Call[R], *, timeout: float | None = 5.0, priority: Priority = ...) -> R: ...
    @overload
    async def call(self, message: Question, *, timeout: float | None = 5.0, priority: Priority = ...) -> object: ...
    @overload
    async def call(self, message: object, *, timeout: float | None = 5.0, priority: Priority = ...) -> Any: ...

    async def call(self, message: object, *, timeout: float | None = 5.0, priority: Priority = NORMAL_PRIORITY) -> Any:
        """As `ActorRef.call`; raises `NoProcessError` if nobody has the name."""
        return await self._find().call(message, timeout=timeout, priority=priority)

    def send_request(self, message: object, *, priority: Priority = NORMAL_PRIORITY) -> Request:
        """As `ActorRef.send_request`; raises `NoProcessError` if nobody has the name."""
        return self._find().send_request(message, priority=priority)

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


def process_of(ref: ActorRef | NameRef) -> Process | None:
    """Return the process behind *ref*; for the runtime alone."""
    found = ref.whereis() if isinstance(ref, NameRef) else ref
    return None if found is None else found._process  # noqa: SLF001 -- the two belong together
