"""Unanswered: what is known of a request that a service did not answer.

A client that asks again has *patience* for all of it together. To look at the clock before each request would make
those slower that are answered, so the error of a call that has waited tells until when it would have.
"""

from __future__ import annotations

import trio

from actors.errors import ActorExitedError, CallTimeoutError


def deadline_after(error: Exception, patience: float) -> float:
    """Return when *patience* is over for a request whose first call has just failed with *error*."""
    deadline: float | None = getattr(error, "deadline", None)
    return trio.current_time() + patience if deadline is None else deadline


def why_unanswered(error: Exception, patience: float) -> str:
    """Say why there is no answer, without what was asked, which may be long.

    >>> why_unanswered(CallTimeoutError("<till> did not answer Add(...) within 5.0 s"), 5.0)
    'no answer came within 5 s'
    """
    if isinstance(error, CallTimeoutError):
        return f"no answer came within {patience:g} s"
    if isinstance(error, ActorExitedError):
        return f"who was asked exited before it answered: {error.reason}"
    return str(error)
