"""Dispatch: which handlers there are, and which events each of them is called with.

Whoever emits asks only whether an event has listeners. So these are worked out when a handler comes or goes, and an
event that nobody listens to costs one look at an attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from actors.pattern import parse_pattern
from actors.show import shown
from actors.telemetry.errors import HandlerNotFoundError, HandlerTakenError, InvalidHandlerError, UnknownEventError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.pattern import Pattern
    from actors.telemetry.event import Event

Handler: TypeAlias = Callable[[str, Mapping[str, float], Mapping[str, Any]], object]
"""What is called with the name of an event, its measurements and its metadata."""


@attrs.frozen(eq=False)
class Attachment:
    """A handler, and the events it is for."""

    id: str
    patterns: tuple[Pattern, ...]
    handler: Handler
    unless: tuple[Pattern, ...] = ()

    def wants(self, name: str) -> bool:
        """Tell whether it is called with the event of that name."""
        wanted = any(pattern.matches(name) for pattern in self.patterns)
        return wanted and not any(pattern.matches(name) for pattern in self.unless)


_lock: Final = Lock()
_events: Final[dict[str, Event]] = {}
_attachments: Final[dict[str, Attachment]] = {}
_numbers: Final = count(1)


def define(event: Event) -> None:
    """Have *event* known from now on, also to handlers that are attached already."""
    if not parse_pattern(event.name).literal:
        raise ValueError(f"the name of an event has no wildcards; got {event.name!r}")
    with _lock:
        if event.name in _events:
            raise ValueError(f"there is an event {event.name!r} already; each has a name of its own")
        _events[event.name] = event
        _find_listeners(event)


def events() -> tuple[Event, ...]:
    """Return all events that there are, sorted by their names: what they measure and what else they tell."""
    return tuple(_events[name] for name in sorted(_events))


def attach(handler_id: str, names: str | Iterable[str], handler: Handler, *, unless: str | Iterable[str] = ()) -> None:
    """Have *handler* called with each event that one of *names* means, from now on, *unless* one of these does.

    A name may be a pattern: ``bus.*``, ``**.exception``. The handler is called by whoever causes the event, within
    that, so it must not wait, and everything it does takes the time of others. What it is given is shared with other
    handlers and must not be changed. If it raises, that is logged, and it is detached.

    Raises `UnknownEventError` for a name that means no event, `HandlerTakenError` if the id is taken,
    `InvalidHandlerError`, and ``PatternError``.
    """
    if not isinstance(handler_id, str) or not handler_id:
        raise InvalidHandlerError(f"the id of a handler is a str that is not empty; got {handler_id!r}")
    if not callable(handler):
        raise InvalidHandlerError(f"handler {handler_id!r} is {handler!r}, and cannot be called")
    attachment = Attachment(handler_id, _patterns_of(handler_id, names), handler, _exceptions_of(handler_id, unless))
    with _lock:
        if handler_id in _attachments:
            raise HandlerTakenError(f"a handler {handler_id!r} is attached already; detach it first", handler_id)
        _attachments[handler_id] = attachment
        _find_all_listeners()


def detach(handler_id: str, handler: Handler | None = None) -> None:
    """Call the handler no more; a call of it that is under way goes on.

    With a *handler*, only that one is detached, and not another that has the id by now. Raises `HandlerNotFoundError`.
    """
    with _lock:
        if (found := _attachments.get(handler_id)) is None:
            raise HandlerNotFoundError(f"no handler {handler_id!r} is attached", handler_id)
        if handler is not None and found.handler != handler:
            raise HandlerNotFoundError(f"handler {handler_id!r} is another: {shown(found.handler)}", handler_id)
        del _attachments[handler_id]
        _find_all_listeners()


@contextmanager
def attached(names: str | Iterable[str], handler: Handler, *, unless: str | Iterable[str] = ()) -> Iterator[str]:
    """Have *handler* attached for the block, under an id of its own, which is given."""
    handler_id = f"block-{next(_numbers)}"
    attach(handler_id, names, handler, unless=unless)
    try:
        yield handler_id
    finally:
        with suppress(HandlerNotFoundError):  # it has failed meanwhile
            detach(handler_id, handler)


def handlers(event: str | None = None) -> tuple[Attachment, ...]:
    """Return the handlers of the event of that name, or all, in the order in which they are called."""
    return tuple(one for one in _attachments.values() if event is None or one.wants(event))


def give_up(attachment: Attachment) -> bool:
    """Detach a handler that failed; tell whether it was attached still."""
    with _lock:
        if _attachments.get(attachment.id) is not attachment:
            return False
        del _attachments[attachment.id]
        _find_all_listeners()
        return True


def _find_all_listeners() -> None:
    for event in _events.values():
        _find_listeners(event)


def _find_listeners(event: Event) -> None:
    event.listen(tuple(one for one in _attachments.values() if one.wants(event.name)))


def _patterns_of(handler_id: str, names: str | Iterable[str]) -> tuple[Pattern, ...]:
    if not isinstance(names, Iterable) or not names:
        raise InvalidHandlerError(f"handler {handler_id!r} is for {names!r}; allowed are names of events, one or more")
    patterns = tuple(map(parse_pattern, [names] if isinstance(names, str) else names))
    for pattern in patterns:
        _refuse_unknown(pattern)
    return patterns


def _exceptions_of(handler_id: str, unless: str | Iterable[str]) -> tuple[Pattern, ...]:
    return _patterns_of(handler_id, unless) if unless else ()


def _refuse_unknown(pattern: Pattern) -> None:
    names = [event.name for event in events()]
    if not any(map(pattern.matches, names)):
        nearest = get_close_matches(pattern.text, names, n=1, cutoff=0.0)
        raise UnknownEventError(f"{pattern.text!r} means none of the {len(names)} events; the nearest is {nearest[0]}")
