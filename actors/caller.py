"""The caller of one call: whom `handle_call` answers, at once or later, from anywhere."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Self

from trio.lowlevel import enable_ki_protection

from actors.asking import GAVE_UP, ask
from actors.current import admit
from actors.show import shown

if TYPE_CHECKING:
    from actors.asking import Asking
    from actors.process import Process
    from actors.ref import ActorRef


class Caller:
    """Somebody who waits for the answer to one message.

    It is answered once, by what `handle_call` returns, by `reply` or by `refuse`; whatever comes later is
    dropped, and so is an answer that nobody waits for any more. When the process that was called ends first,
    the caller gets an `ActorExitedError`. When everybody who could answer has let go of this object, it gets
    a `NoReplyError`.
    """

    # No `__init__`, here and in whatever else is made for a message or a start: it would double what making one takes.
    __slots__ = ("__weakref__", "_asking", "_message", "_process", "_sender", "_timeout")

    _process: Process
    _message: object
    _sender: Process | None
    _timeout: float | None
    _asking: Asking | None
    """What is still to be answered; a call that is answered by what its handler returns at once needs none."""

    def stand_for(self, asking: Asking) -> Self:
        """Be the caller of a call that has been on its way."""
        self._process = asking.process
        self._message = asking.message
        self._sender = asking.sender
        self._timeout = asking.timeout
        self._asking = asking
        return self

    def __repr__(self) -> str:
        state = "gave up" if self.gave_up else "answered" if self.answered else "waiting"
        return f"<Caller of {self._process.ref} with {shown(self._message)}: {state}>"

    @property
    def asking(self) -> Asking:
        """The call, from the side that waits; for the runtime."""
        if self._asking is None:
            self._asking = ask(self._process, self._message, self._sender, self._timeout)
            # Whose handler has returned got no answer but what that returned.
            self._asking.answered = self._process.caller is not self
        return self._asking

    @property
    def message(self) -> object:
        """What was asked."""
        return self._message

    @property
    def sender(self) -> ActorRef | None:
        """The actor that called; None when the call came from outside every actor."""
        return None if self._sender is None else self._sender.ref

    @property
    def deadline(self) -> float:
        """When the caller gives up, on trio's clock; infinity if it never does."""
        return self.asking.deadline

    @property
    def answered(self) -> bool:
        """Whether an answer would come too late: there has been one, or nobody waits any more."""
        return self.asking.answered

    @property
    def gave_up(self) -> bool:
        """Whether it stopped waiting unanswered: its time was over, or it was cancelled."""
        return self.asking.value is GAVE_UP

    @enable_ki_protection
    def reply(self, value: object) -> None:
        """Answer with *value*.

        Raises `WrongThreadError` in another thread, and `ZombieError`.
        """
        self._admitted().reply(value)

    @enable_ki_protection
    def refuse(self, error: Exception) -> None:
        """Make the caller's `call` raise *error*; the actor that refuses lives on.

        A handler that refuses returns `NO_REPLY`. Raises as `reply`.
        """
        self._admitted().refuse(error)

    def _admitted(self) -> Asking:
        system = self._process.system
        if get_ident() != system.open_to:
            admit(system, self)
        return self.asking
