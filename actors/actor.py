"""Actor: the callbacks that a subclass fills in, and what an actor may do from within them."""

from __future__ import annotations

import inspect
import logging
import math
from typing import TYPE_CHECKING, Any, ClassVar, Final

import attrs
from trio.lowlevel import disable_ki_protection, enable_ki_protection

from actors.errors import UndefinedHandlerError
from actors.mailbox import UNBOUNDED
from actors.options import Seconds, StartOptions, check_mailbox, is_number, start_options
from actors.show import shown
from actors.timer import IdleTimer
from actors.turn import invoke

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.heirloom import Heirloom
    from actors.heirlooms import HeirloomCheck
    from actors.mailbox import Mailbox
    from actors.process import Process
    from actors.ref import ActorRef
    from actors.registry import Names
    from actors.report import Status
    from actors.system import ActorSystem
    from actors.trace import Trace

logger = logging.getLogger("actors")


@attrs.frozen
class Callbacks:
    """How the callbacks of one class are run, found out once."""

    tasked: bool
    """Whether some message handler is ``async def``: such an actor handles messages in a task of its own."""
    inline: bool
    """Whether `handle_call` is ``def``, so that a call to an idle actor needs no task switch."""
    init: bool
    terminate: bool
    """Whether the class has an `init`, or a `terminate`, of its own."""
    invoke: Callable[[Process, Any], Any] = invoke
    """What calls the callback that an envelope is for."""
    trace: Trace | None = None
    """What notes the events of a process that is traced, which has its own of these."""


CALLBACKS: Final = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate")


def callbacks_of(actor: type[Actor]) -> Callbacks:
    """Look at the callbacks of *actor*, and let Ctrl-C strike them, but not the runtime that runs them."""
    for name in CALLBACKS:
        callback = inspect.unwrap(getattr(actor, name))
        if inspect.isfunction(callback):
            disable_ki_protection(callback)
    messages = (actor.handle_call, actor.handle_cast, actor.handle_info)
    waits = [
        inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(inspect.unwrap(handler))
        for handler in messages
    ]
    return Callbacks(
        tasked=any(waits),
        inline=not waits[0],
        init=actor.init is not Actor.init,
        terminate=actor.terminate is not Actor.terminate,
    )


class Actor:
    """One agent: state that only its own handlers touch, one message at a time.

    Subclass it; the constructor takes the arguments it is started with. Each callback may be ``def`` or
    ``async def``: one that waits for anything must be ``async def``, one that only computes is faster as
    ``def``. They are looked up in the class, never in the instance. Start it with `ActorSystem.start`, or as
    a child of a supervisor; an instance that was made by hand is just an object.

    An exception that leaves a callback ends the actor with `Crash`; somebody else decides what follows.
    """

    _process: Process
    _callbacks: ClassVar[Callbacks]

    trap_exit: bool = False
    """Whether exit signals arrive as `Exit` messages instead of ending the actor. Settable in `init`."""
    shutdown: ClassVar[Seconds] = 5.0
    """Seconds that it is given to stop, unless its child spec says otherwise; then it is killed."""

    mailbox: ClassVar[Mailbox] = UNBOUNDED
    """The rules of its mailbox, unless its child spec says otherwise."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_mailbox(cls.mailbox)
        cls._callbacks = callbacks_of(cls)

    def init(self) -> Any:
        """Prepare; `start` returns when this has returned, and raises what it raises.

        Returns None, `Continue`, `IGNORE` (do not start, which is no failure) or `Stop`.
        """

    def handle_call(self, message: Any, caller: Caller) -> Any:
        """Answer *message*: return the reply, or `NO_REPLY`, `Continue` or `Stop`."""
        msg = f"{self._process.ref} was called with {shown(message)}, but its class defines no handle_call"
        raise UndefinedHandlerError(msg)

    def handle_cast(self, message: Any) -> Any:
        """Act on a message that expects no answer. Returns None, `Continue` or `Stop`."""
        msg = f"{self._process.ref} was cast {shown(message)}, but its class defines no handle_cast"
        raise UndefinedHandlerError(msg)

    def handle_info(self, message: Any) -> Any:
        """Act on what is neither a call nor a cast: `send`, timers, `Down`, `Exit`, `Timeout`.

        Returns None, `Continue` or `Stop`. One that is not defined logs the message and drops it.
        """
        logger.warning("%s got %r, but its class defines no handle_info", self._process.ref, message)

    def handle_continue(self, argument: Any) -> Any:
        """Go on with what another callback returned as `Continue`, before any message that waits."""
        msg = f"{self._process.ref} was to continue with {shown(argument)}, but its class defines no handle_continue"
        raise UndefinedHandlerError(msg)

    def terminate(self, reason: ExitReason) -> Any:
        """Clean up; runs on every exit but a kill.

        Nothing cancels it but its deadline, which is the actor's time to stop. It finds the actor as the last
        handler left it; ``reason.interrupted`` says whether that handler was cut off in the middle.
        An exception here becomes the exit reason. (OTP runs terminate only when exits are trapped.)
        """

    def format_status(self, status: Status) -> Status:
        """Return *status* without what must not be seen, for crash reports and inspection.

        If it raises, nothing of the status is shown.
        """
        return status

    @property
    def ref(self) -> ActorRef:
        """This incarnation of the actor, for others to send to."""
        return self._process.ref

    @property
    def system(self) -> ActorSystem:
        """The system it runs in."""
        return self._process.system

    @property
    def name(self) -> str | None:
        """The name it was started under."""
        return self._process.name

    @enable_ki_protection
    def timeout_after(self, seconds: float) -> None:
        """Send this actor a `Timeout` if no message arrives within *seconds*.

        Any message cancels it, a call as well; inspection does not. A later one replaces an earlier one, and
        `math.inf` takes it back. Zero comes before the messages that wait (OTP 28).
        """
        if not (is_number(seconds) and seconds >= 0):
            msg = f"the idle timeout of {self.ref} is {seconds!r} seconds; allowed is a number, 0 or more"
            raise ValueError(msg)
        self._process.idle_timer = None if seconds == math.inf else IdleTimer(self._process, seconds)

    def inherit(self, name: str, check: HeirloomCheck | None = None) -> Heirloom[Any, Any]:
        """Return the heirloom *name*, with the records that its last owner left; a new one has none.

        This actor owns it until it is dead; what it wrote stays for whoever inherits it next. Asked again, it
        gets a new handle, and the old one is lost. *check* is given all records by their keys. If it raises or
        returns False they go whole into quarantine (``system.heirlooms.quarantined``), which is logged, and the
        heirloom begins empty; where there is nothing it is not asked.

        Raises `HeirloomTakenError` while another living actor owns it, `HeirloomLostError` if this one is dead.
        """
        return self._process.system.heirlooms.inherit(self._process, name, check)

    @enable_ki_protection
    def stash(self) -> Any:
        """Set aside the message that is being handled, until `unstash`; return what its handler is to return.

        ``return self.stash()`` is right in every handler. The caller of a call waits on. A message that is set
        aside still counts against the bound of the mailbox, and settles when it is handled at last; when the actor
        ends, it is unread.

        Raises `NothingToStashError` outside of a message handler, and for a message that was set aside already.
        """
        return self._process.set_aside()

    @enable_ki_protection
    def unstash(self) -> int:
        """Put what was set aside ahead of everything that waits, in its order; return how many messages that are."""
        return self._process.take_back()

    async def start_link(
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
        """Start *actor* as a child of this one, linked to it; as `ActorSystem.start` in all else.

        An exit signal from this actor, its parent, is an order to stop even when the child traps exits. The
        link is there from the first instant: unless this actor traps exits, a child that fails to start ends
        it too, even if it catches what this raises (OTP's start_link).
        """
        return await self.start_child(actor, args, kwargs, start_options(name, via, init_timeout, shutdown, mailbox))

    def start_child(
        self, actor: type[Actor], args: tuple[Any, ...], kwargs: Mapping[str, Any], options: StartOptions
    ) -> Awaitable[ActorRef]:
        """Return what starts a child when it is awaited, as `start_link` does.

        For those who got what it is made of from somebody else.
        """
        return self._process.system.start_child(self._process, actor, args, kwargs, options)


Actor._callbacks = callbacks_of(Actor)  # noqa: SLF001 -- __init_subclass__ does it for every subclass
