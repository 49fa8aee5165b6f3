"""What a callback may return, besides a reply: stay silent, go on with something, stop, do not start."""

from __future__ import annotations

import enum
from types import CoroutineType
from typing import Final, Literal

import attrs

from actors.exit import NORMAL, ExitReason, check_reason


class Signal(enum.Enum):
    """Values that mean themselves."""

    NO_REPLY = "NO_REPLY"
    IGNORE = "IGNORE"

    def __repr__(self) -> str:
        return self.value


NO_REPLY: Final = Signal.NO_REPLY
"""Returned by `handle_call`: the caller waits on; somebody will use its `Caller.reply`."""

IGNORE: Final = Signal.IGNORE
"""Returned by `init`: the actor has chosen not to start, which is no failure."""


@attrs.frozen
class Continue:
    """Run `handle_continue` with *argument* before any message that waits; *reply* is sent before it."""

    argument: object = None
    reply: object | Literal[Signal.NO_REPLY] = NO_REPLY


@attrs.frozen
class Stop:
    """Run `terminate`, send *reply* if there is one, and exit with *reason*."""

    reason: ExitReason = attrs.field(default=NORMAL, validator=lambda _stop, _field, value: check_reason(value))
    reply: object | Literal[Signal.NO_REPLY] = NO_REPLY


SPECIAL: Final = frozenset({Signal, Continue, Stop, CoroutineType})
"""The classes of results of `handle_call` that are not a reply."""


def may_return(result: object, *, reply: bool) -> bool:
    """Tell whether *result* is one that a message handler may return, `handle_call` if it is to give a *reply*.

    >>> may_return("tea", reply=True), may_return("tea", reply=False)
    (True, False)
    >>> may_return(NO_REPLY, reply=True), may_return(Stop(), reply=False), may_return(Stop(reply="tea"), reply=False)
    (True, True, False)
    """
    if reply:
        return type(result) not in SPECIAL or result is NO_REPLY or isinstance(result, Continue | Stop)
    return result is None or (isinstance(result, Continue | Stop) and result.reply is NO_REPLY)
