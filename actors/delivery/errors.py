"""What sending through a router raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from actors.errors import ActorError

if TYPE_CHECKING:
    from actors.delivery.dead_letters import Undelivered
    from actors.errors import ErrorKind


class DeliveryError(ActorError):
    """Base of all errors of delivery."""


class InvalidMessageError(DeliveryError):
    """There is no record of this message, or what was asked for cannot be done with it."""

    kind = "invalid_message"


class UnencodableError(DeliveryError):
    """A durable message or state holds something that cannot be stored; nothing was changed."""

    kind = "serialization"


class NotDurableError(DeliveryError):
    """The router has no database, or what was asked for cannot be had durably."""

    kind = "router_not_initialised"


class StateVersionError(DeliveryError):
    """The stored state of an actor is of another version of its class, and there is no upgrade."""

    kind = "serialization"


class StateInUseError(DeliveryError):
    """Somebody has the name, or is about to be started under it; the state that is stored for it is left as it is."""

    kind = "duplicate_agent"


class UnreadableStateError(DeliveryError):
    """The stored state of an actor is damaged, or of a class that is not there any more; it is left as it is."""

    kind = "serialization"


class DeliveryFailedError(DeliveryError):
    """All attempts failed. A failed attempt may have done part of the work, or all of it, unseen."""

    kind: ClassVar[ErrorKind] = "delivery_failed"

    def __init__(self, message: str, letter: Undelivered | None = None) -> None:
        super().__init__(message)
        self.letter = letter
        """What is left of the message: it can be replayed."""


class TargetNotFoundError(DeliveryFailedError):
    """Nobody has the name, or the actor is dead and will not come back."""

    kind = "agent_not_found"


class CircuitOpenError(DeliveryFailedError):
    """The target failed so often that it is left alone for a while, and the router does not wait for it."""


class MessageExpiredError(DeliveryFailedError, TimeoutError):
    """The time of the message was over before it was handled."""

    kind = "message_timeout"


class RouterClosedError(DeliveryFailedError):
    """The router was closed, or its system was left: it takes nothing any more, and what it had is given up."""

    kind = "channel_closed"


class NoRouterError(DeliveryError):
    """No router runs under this name, and nobody is about to start one again."""

    kind = "router_not_initialised"
    retryable = True


class RouteTakenError(DeliveryError):
    """The instance is registered under this name already."""

    kind = "duplicate_agent"


class RouteNotFoundError(DeliveryError):
    """Nobody is registered under this name."""

    kind = "agent_not_found"
