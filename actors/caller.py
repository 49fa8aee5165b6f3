"""The caller of one call: whom `handle_call` answers, at once or later, from anywhere."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING

from trio.lowlevel import enable_ki_protection

from actors.asking import GAVE_UP
from actors.current import admit
from actors.show import shown

if TYPE_CHECKING:
    from actors.asking import Asking
    from actors.ref import ActorRef


class Caller:
    """Somebody who waits for the answer to one message.

    It is answered once, by what `handle_call` returns, by `reply` or by `refuse`; whatever comes later is
    dropped, and so is an answer that nobody waits for any more. When the process that was called ends first,
    the caller gets an `ActorExitedError`. When everybody who could answer has let go of this object, it gets
    a `NoReplyError`.
    """

    __slots__ = ("__weakref__", "_asking")

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def __repr__(self) -> str:
        asking = self._asking
        state = "gave up" if self.gave_up else "answered" if asking.answered else "waiting"
        return f"<Caller of {asking.process.ref} with {shown(asking.message)}: {state}>"

    @property
    def message(self) -> object:
        """What was asked."""
        return self._asking.message

    @property
    def sender(self) -> ActorRef | None:
        """The actor that called; None when the call came from outside every actor."""
        sender = self._asking.sender
        return None if sender is None else sender.ref

    @property
    def deadline(self) -> float:
        """When the caller gives up, on trio's clock; infinity if it never does."""
        return self._asking.deadline

    @property
    def answered(self) -> bool:
        """Whether an answer would come too late: there has been one, or nobody waits any more."""
        return self._asking.answered

    @property
    def gave_up(self) -> bool:
        """Whether it stopped waiting unanswered: its time was over, or it was cancelled."""
        return self._asking.value is GAVE_UP

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
        asking = self._asking
        system = asking.process.system
        if get_ident() != system.open_to:
            admit(system, self)
        return asking
