"""Awaited: the call that a frame of a task waits for, found in its variables; nothing is noted when a call is made."""

from __future__ import annotations

from inspect import unwrap
from typing import TYPE_CHECKING, Final

from actors.carried import call_in_span
from actors.ref import ActorRef
from actors.request import Request

if TYPE_CHECKING:
    from types import FrameType

    from actors.asking import Asking

VARIABLES: Final = {unwrap(ActorRef.call).__code__: "answer", unwrap(call_in_span).__code__: "asking"}
"""What has the call, in each of those that wait for the answer themselves."""

REQUEST: Final = unwrap(Request.wait).__code__


def awaited_in(frame: FrameType) -> Asking | None:
    """Return the call for whose answer *frame* waits; None if it waits for something else."""
    if frame.f_code is REQUEST:
        request: Request = frame.f_locals["self"]
        return request._asking  # noqa: SLF001 -- the request tells nobody else
    name = VARIABLES.get(frame.f_code)
    return None if name is None else frame.f_locals.get(name)
