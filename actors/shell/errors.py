"""What the node socket refuses, and what its clients meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.errors import ActorError

if TYPE_CHECKING:
    from collections.abc import Sequence


class ShellError(ActorError):
    """Base of the errors between a node and those who look at it."""


class FrameError(ShellError):
    """A frame that is not one of this protocol, or is too long."""

    kind = "serialization"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
        """What is wrong in one word: malformed, oversized, version or unknown."""


class DirectoryError(ShellError):
    """The directory of the sockets is not this user's alone."""


class RefusedError(ShellError):
    """The node answered with an error."""

    kind = "invalid_message"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
        """Why, in one word."""


class CommandError(ShellError):
    """What was asked for cannot be done; the client is told so, and may ask something else."""

    kind = "invalid_message"

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code
        """Why, in one word."""


class LiteralError(ShellError):
    """What was written as a message is none."""

    kind = "invalid_message"


class NoActorError(ShellError):
    """The node has no actor of the name that was asked for."""

    kind = "agent_not_found"


class UnreachableError(ShellError):
    """The node does not answer: it has ended, or its loop is blocked."""

    kind = "channel_closed"
    retryable = True


class NoNodeError(ShellError):
    """No node of this user runs, or none of the name that was asked for."""

    kind = "agent_not_found"


class SeveralNodesError(ShellError):
    """More than one node could be meant."""

    kind = "invalid_message"

    def __init__(self, message: str, names: Sequence[str]) -> None:
        super().__init__(message)
        self.names = names
        """Those that could be."""
