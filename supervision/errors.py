"""What supervisors refuse, and what fails to start; the base is `SupervisionError`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors import ActorError

if TYPE_CHECKING:
    from actors import ActorRef, ExitReason


class SupervisionError(ActorError):
    """Base of the errors of this package. A supervisor that answers with one goes on as before."""


class BadSpecError(SupervisionError, ValueError):
    """A specification, or two of its fields together, is not allowed."""

    kind = "invalid_message"

    def __init__(self, message: str, field: str, value: object) -> None:
        super().__init__(message)
        self.field = field
        """The field that is wrong."""
        self.value = value
        """What it held."""


class ChildNotFoundError(SupervisionError, LookupError):
    """The supervisor has no such child."""

    kind = "agent_not_found"


class ChildRunningError(SupervisionError):
    """The child runs, and must be terminated first."""

    kind = "duplicate_agent"


class ChildRestartingError(SupervisionError):
    """The child is down and the supervisor is trying to start it; terminate it to stop that."""

    kind = "duplicate_agent"
    retryable = True


class AlreadyPresentError(SupervisionError):
    """There is a child of this id, which does not run: restart or delete it."""

    kind = "duplicate_agent"


class AlreadyStartedError(SupervisionError):
    """The child runs already, or its name belongs to a living process."""

    kind = "duplicate_agent"

    def __init__(self, message: str, ref: ActorRef) -> None:
        super().__init__(message)
        self.ref = ref
        """Who runs under this id or name."""


class MaxChildrenError(SupervisionError):
    """The dynamic supervisor has as many children as it may have."""

    kind = "mailbox_full"


class UnsupportedRequestError(SupervisionError):
    """This kind of supervisor does not answer such a request."""

    kind = "invalid_message"


class ChildStartError(SupervisionError):
    """A child did not start. What its `init` raised is the cause of this error."""

    retryable = True
    speaks_for_itself = True

    def __init__(self, message: str, child: str, reason: ExitReason) -> None:
        super().__init__(message)
        self.child = child
        """The id of the child."""
        self.reason = reason
        """Why it did not start: the reason that its `init` stopped with, or a crash."""


class TreeGaveUpError(SupervisionError):
    """A launched tree ended although nobody asked it to."""

    def __init__(self, message: str, reason: ExitReason) -> None:
        super().__init__(message)
        self.reason = reason
