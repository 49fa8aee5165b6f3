"""What calls, starts and systems raise; every error descends from `ActorError` and says whether a retry can help."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from actors.exit import ExitReason
    from actors.mailbox import MailboxFull
    from actors.ref import ActorRef


class ActorError(Exception):
    """Base of all errors of this package."""

    retryable: ClassVar[bool] = False
    """Whether the same request may succeed if it is made again."""


class NoProcessError(ActorError):
    """There is no such process: the reference is to a dead one, or nobody has the name."""

    retryable = True


class ActorExitedError(ActorError):
    """The process ended before it answered, or while it was started.

    It may have handled the request in part or in full.
    """

    retryable = True

    def __init__(self, message: str, reason: ExitReason) -> None:
        super().__init__(message)
        self.reason = reason


class CallTimeoutError(ActorError, TimeoutError):
    """The answer did not come in time. The request may still be handled; its late reply is dropped."""

    retryable = True


class MailboxFullError(ActorError):
    """The mailbox holds as many messages as it may; this one was not sent, or was dropped."""

    retryable = True

    def __init__(self, message: str, ref: ActorRef, reason: MailboxFull) -> None:
        super().__init__(message)
        self.ref = ref
        self.reason = reason


class NoReplyError(ActorError):
    """The handler let go of its `Caller` without an answer, so that none can come any more."""


class NothingToStashError(ActorError):
    """`Actor.stash` sets aside the message that is being handled, and there is none."""


class ZombieError(ActorError):
    """The asking handler belongs to an actor that was killed and left behind: nobody listens to it any more."""


class CallingSelfError(ActorError):
    """An actor called itself, and would have waited for itself for ever."""


class BadReturnError(ActorError):
    """A callback returned something it may not return."""


class UndefinedHandlerError(ActorError):
    """A message came for a callback that the actor does not define."""


class NameTakenError(ActorError):
    """The name belongs to a living process."""

    def __init__(self, message: str, ref: ActorRef) -> None:
        super().__init__(message)
        self.ref = ref


class InitTimeoutError(ActorError, TimeoutError):
    """`init` took longer than `init_timeout`; the process was killed."""

    retryable = True


class IgnoredError(ActorError):
    """The actor chose not to start: its `init` returned `IGNORE`."""


class OutsideActorError(ActorError):
    """Something only an actor can do was asked for outside of every actor."""


class StoppingError(ActorError):
    """The actor, or the system, that was to start another is stopping or has stopped."""


class WrongThreadError(ActorError):
    """An actor was asked for something from another thread than its own; nothing was done."""


class SystemClosedError(ActorError):
    """The `open_system` block has been left: nothing can be sent there any more, and no call is answered."""


class RecordError(ActorError, TypeError):
    """A heirloom was given something that can be changed; nothing was done."""


class HeirloomTakenError(ActorError):
    """The heirloom belongs to another actor, which lives."""

    retryable = True

    def __init__(self, message: str, ref: ActorRef) -> None:
        super().__init__(message)
        self.ref = ref


class HeirloomLostError(ActorError):
    """A heirloom was asked for something by an actor that is dead, or does not have it any more; nothing was done."""


class SystemExitedError(ActorError):
    """The system's root process ended while the `open_system` block was running."""

    def __init__(self, message: str, reason: ExitReason) -> None:
        super().__init__(message)
        self.reason = reason
