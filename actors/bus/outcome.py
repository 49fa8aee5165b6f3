"""What is said when a bus has not answered: by what was asked, and never with what a request has in it."""

from __future__ import annotations

from actors.bus import requests as ask
from actors.bus.errors import OutcomeUnknownError
from actors.bus.message import TopicMessage
from actors.options import DEFAULT_TIMEOUT
from actors.show import shown
from actors.unanswered import why_unanswered


def unknown_outcome(request: object, error: Exception) -> Exception:
    """Return what to raise for *error*: of what changes nothing, *error* itself."""
    what = _change(request)
    if what is None:
        return error
    return OutcomeUnknownError(f"whether {what} is not known: {why_unanswered(error, DEFAULT_TIMEOUT)}")


def _change(request: object) -> str | None:
    """Return what the bus was to do."""
    match request:
        case TopicMessage():
            return f"message {shown(request.id)} was published to {shown(request.topic)}"
        case ask.Subscribe(record):
            return f"{shown(record.agent)} has subscribed to {shown(record.pattern)}"
        case ask.Unsubscribe(subscription_id):
            return f"subscription {shown(subscription_id)} was ended"
        case ask.SetWakeUp(subscription_id):
            return f"the wake-up of subscription {shown(subscription_id)} was set"
        case ask.CloseBus():
            return "the bus was closed"
        case _:
            return None
