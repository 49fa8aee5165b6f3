"""What calls, starts and systems raise; every error descends from `ActorError` and says whether a retry can help."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.exit import ExitReason
    from actors.mailbox import MailboxFull
    from actors.ref import ActorRef

ErrorKind: TypeAlias = Literal[
    "agent_not_found",
    "delivery_failed",
    "message_timeout",
    "mailbox_full",
    "invalid_message",
    "serialization",
    "channel_closed",
    "router_not_initialised",
    "duplicate_agent",
    "system",
]
"""What went wrong, whichever part it happened to; the class of an error says it more exactly."""

ErrorCategory: TypeAlias = Literal[
    "not_found",
    "delivery",
    "timeout",
    "resource_limit",
    "validation",
    "serialization",
    "connection",
    "configuration",
    "system",
]
"""Where to look for the cause."""

CATEGORIES: Final[Mapping[ErrorKind, ErrorCategory]] = MappingProxyType(
    {
        "agent_not_found": "not_found",
        "delivery_failed": "delivery",
        "message_timeout": "timeout",
        "mailbox_full": "resource_limit",
        "invalid_message": "validation",
        "serialization": "serialization",
        "channel_closed": "connection",
        "router_not_initialised": "configuration",
        "duplicate_agent": "configuration",
        "system": "system",
    }
)
"""The category of each kind."""

RECOVERABLE: Final[frozenset[ErrorKind]] = frozenset({"delivery_failed", "message_timeout", "mailbox_full"})
"""The kinds that are retryable, unless a class says otherwise of itself."""


class ActorError(Exception):
    """Base of all errors of this package. A subclass says of what `kind` it is, and the rest follows from that."""

    kind: ClassVar[ErrorKind] = "system"
    """What went wrong, in one word."""
    category: ClassVar[ErrorCategory] = "system"
    """Where to look for the cause: what `CATEGORIES` says of the kind."""
    retryable: ClassVar[bool] = False
    """Whether the same request may succeed if it is made again."""
    speaks_for_itself: ClassVar[bool] = False
    """Whether its text says all: one that leaves an `init` is told to whoever starts the actor, and is no crash."""

    def __init_subclass__(cls) -> None:
        own = vars(cls)
        if "kind" not in own:
            return
        if cls.kind not in CATEGORIES:
            raise TypeError(f"{cls.__qualname__}.kind is {cls.kind!r}; allowed are {', '.join(CATEGORIES)}")
        cls.category = CATEGORIES[cls.kind]
        if "retryable" not in own:
            cls.retryable = cls.kind in RECOVERABLE


class NoProcessError(ActorError):
    """There is no such process: the reference is to a dead one, or nobody has the name."""

    kind = "agent_not_found"
    retryable = True


class ActorExitedError(ActorError):
    """The process ended before it answered, or while it was started.

    It may have handled the request in part or in full.
    """

    kind = "delivery_failed"

    deadline: float | None = None
    """When the caller would have given up, on trio's clock; None if it did not wait."""

    def __init__(self, message: str, reason: ExitReason) -> None:
        super().__init__(message)
        self.reason = reason


class CallTimeoutError(ActorError, TimeoutError):
    """The answer did not come in time. The request may still be handled; its late reply is dropped."""

    kind = "message_timeout"


class OutcomeUnknownError(ActorError):
    """A service was gone or slow, and whether it did what it was asked is not known.

    To ask again with the same *idempotency_key* is safe: what was done is not done twice.
    """

    kind = "delivery_failed"

    def __init__(self, message: str, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key
        """None for what may be asked twice anyway."""


class MailboxFullError(ActorError):
    """The mailbox holds as many messages as it may; this one was not sent, or was dropped."""

    kind = "mailbox_full"

    def __init__(self, message: str, ref: ActorRef, reason: MailboxFull) -> None:
        super().__init__(message)
        self.ref = ref
        self.reason = reason


class NoReplyError(ActorError):
    """The handler let go of its `Caller` without an answer, so that none can come any more."""

    deadline: float | None = None
    """When the caller would have given up, on trio's clock; None if it did not wait."""


class NothingToStashError(ActorError):
    """`Actor.stash` sets aside the message that is being handled, and there is none."""

    kind = "invalid_message"


class ZombieError(ActorError):
    """The asking handler belongs to an actor that was killed and left behind: nobody listens to it any more."""

    kind = "channel_closed"


class CallingSelfError(ActorError):
    """An actor called itself, and would have waited for itself for ever."""

    kind = "invalid_message"


class BadReturnError(ActorError):
    """A callback returned something it may not return."""

    kind = "invalid_message"


class UndefinedHandlerError(ActorError):
    """A message came for a callback that the actor does not define."""

    kind = "invalid_message"


class NameTakenError(ActorError):
    """The name belongs to a living process."""

    kind = "duplicate_agent"

    def __init__(self, message: str, ref: ActorRef) -> None:
        super().__init__(message)
        self.ref = ref


class InitTimeoutError(ActorError, TimeoutError):
    """`init` took longer than `init_timeout`; the process was killed."""

    kind = "message_timeout"


class IgnoredError(ActorError):
    """The actor chose not to start: its `init` returned `IGNORE`."""


class OutsideActorError(ActorError):
    """Something only an actor can do was asked for outside of every actor."""

    kind = "invalid_message"


class StoppingError(ActorError):
    """The actor, or the system, that was to start another is stopping or has stopped."""

    kind = "channel_closed"


class WrongThreadError(ActorError):
    """An actor was asked for something from another thread than its own; nothing was done."""

    kind = "invalid_message"


class SystemClosedError(ActorError):
    """The `open_system` block has been left: nothing can be sent there any more, and no call is answered."""

    kind = "channel_closed"


class RecordError(ActorError, TypeError):
    """A heirloom was given something that can be changed; nothing was done."""

    kind = "invalid_message"


class HeirloomTakenError(ActorError):
    """The heirloom belongs to another actor, which lives."""

    kind = "duplicate_agent"
    retryable = True

    def __init__(self, message: str, ref: ActorRef) -> None:
        super().__init__(message)
        self.ref = ref


class HeirloomLostError(ActorError):
    """A heirloom was asked for something by an actor that is dead, or does not have it any more; nothing was done."""

    kind = "channel_closed"


class SystemExitedError(ActorError):
    """The system's root process ended while the `open_system` block was running."""

    def __init__(self, message: str, reason: ExitReason) -> None:
        super().__init__(message)
        self.reason = reason
