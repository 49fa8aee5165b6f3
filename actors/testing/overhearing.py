"""Overhearing: what one actor sends while a test listens.

Nothing in the runtime asks whether somebody listens, so nobody pays for it: for as long as somebody does, the methods
of `ActorRef` are replaced.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.current import current_process
from actors.ref import ActorRef
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from actors.process import Process

WAITING: Final = "cast_wait"
"""The one that waits until it has sent, and casts then."""

VERBS: Final = ("call", "cast", "deliver", "send", "send_after", "send_every", "send_request", WAITING)
ORIGINALS: Final[dict[str, Callable[..., Any]]] = {verb: getattr(ActorRef, verb) for verb in VERBS}

_listening: Final[dict[Process, list[Sent]]] = {}
"""Of whom it is noted what they send."""

_noted: Final[ContextVar[bool]] = ContextVar("noted", default=False)
"""Whether what is being sent was noted already, as a `cast_wait`."""


@attrs.frozen
class Sent:
    """Something that an actor sent."""

    verb: str
    """The method that did: ``call``, ``cast``, ``cast_wait``, ``deliver``, ``send``, ``send_after``, ``send_every`` or
    ``send_request``."""
    to: ActorRef
    message: Any = attrs.field(repr=shown)
    seconds: float | None = None
    """After how long it will be sent, if a timer does."""


def is_overheard(process: Process) -> bool:
    """Tell whether it is noted already what *process* sends."""
    return process in _listening


@contextmanager
def overheard(process: Process) -> Iterator[list[Sent]]:
    """Note what *process* sends while the block runs; what is for a name that nobody has is sent to nobody."""
    sent: list[Sent] = []
    if not _listening:
        for verb, original in ORIGINALS.items():
            setattr(ActorRef, verb, _noting_a_wait(original) if verb == WAITING else _noting(verb, original))
    _listening[process] = sent
    try:
        yield sent
    finally:
        del _listening[process]
        if not _listening:
            for verb, original in ORIGINALS.items():
                setattr(ActorRef, verb, original)


def _noting(verb: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does as *original*, and notes it unless that has refused."""

    @wraps(original)
    def send(ref: ActorRef, *args: Any, **kwargs: Any) -> Any:
        result = original(ref, *args, **kwargs)
        if not _noted.get():
            _note(verb, original, (ref, *args), kwargs)
        return result

    return send


def _noting_a_wait(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    async def cast_wait(*args: Any, **kwargs: Any) -> None:
        token = _noted.set(True)
        try:
            await original(*args, **kwargs)
        finally:
            _noted.reset(token)
        _note(WAITING, original, args, kwargs)

    return cast_wait


def _note(verb: str, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    sender = current_process()
    sent = None if sender is None else _listening.get(sender)
    if sent is not None:
        given = signature(original).bind(*args, **kwargs).arguments
        sent.append(Sent(verb, given["self"], given["message"], given.get("seconds")))
