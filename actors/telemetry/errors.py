"""What attaching and detaching handlers raises."""

from __future__ import annotations

from actors.errors import ActorError


class TelemetryError(ActorError):
    """Base of the errors of telemetry."""


class UnknownEventError(TelemetryError, ValueError):
    """A name or a pattern means no event that there is."""

    kind = "invalid_message"


class InvalidHandlerError(TelemetryError, TypeError):
    """A handler cannot be called, or its id is none."""

    kind = "invalid_message"


class HandlerTakenError(TelemetryError):
    """A handler with that id is attached already."""

    kind = "duplicate_agent"

    def __init__(self, message: str, handler_id: str) -> None:
        super().__init__(message)
        self.handler_id = handler_id


class HandlerNotFoundError(TelemetryError):
    """No handler with that id is attached: it never was, it was detached, or it has failed."""

    kind = "agent_not_found"

    def __init__(self, message: str, handler_id: str) -> None:
        super().__init__(message)
        self.handler_id = handler_id


class MissingExtraError(TelemetryError, ImportError):
    """A library is not installed that a handler needs; the extra ``telemetry`` brings it."""

    kind = "router_not_initialised"
