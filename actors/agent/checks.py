"""What an agent may be given, and what a client of it is made from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from actors.delivery import InvalidMessageError
from actors.name_ref import NameRef
from actors.options import check_name, check_timeout, is_number
from actors.queue import QueueClient
from actors.ref import ActorRef
from actors.store import PolicyManager, StoreClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.system import ActorSystem

C = TypeVar("C")

ANSWER_SECONDS = 30.0
"""How long an agent waits for an answer, or an acknowledgement, unless told otherwise."""


def check_parts(store: object, policies: object, queue: object, router: object, keep: object) -> None:
    """Refuse what an agent cannot work with."""
    for name, part, kind in (("store", store, StoreClient), ("queue", queue, QueueClient)):
        if isinstance(part, str):
            check_name(part)
        elif not isinstance(part, kind | ActorRef | NameRef | None):
            raise TypeError(f"the {name} of an Agent is a name, a reference or a {kind.__name__}; got {part!r}")
    if not isinstance(policies, PolicyManager | None):
        raise TypeError(f"the policies of an Agent are a PolicyManager; got {policies!r}")
    if isinstance(router, str):
        check_name(router)
    elif isinstance(router, type) or not callable(getattr(router, "send", None)):
        raise TypeError(f"the router of an Agent is a name or a Routing, such as RouterRef(system); got {router!r}")
    if not (is_number(keep) and 0 <= keep < math.inf):
        raise ValueError(f"keep is {keep!r}; allowed is a finite number of seconds, 0 or more")


def client_of(make: Callable[[ActorRef | NameRef], C], given: Any, system: ActorSystem) -> C:
    """Return a client of the service that is *given*, by its name or a reference."""
    return make(system.named(given) if isinstance(given, str) else given)


def check_text(what: str, text: object) -> None:
    """Refuse what cannot stand for a receiver or a type of messages."""
    if not isinstance(text, str) or not text:
        raise InvalidMessageError(f"the {what} of a message is a str that is not empty; got {text!r}")
    if not text.isascii() and text.encode(errors="replace").decode() != text:
        raise InvalidMessageError(f"the {what} of a message is {text!r}, which is no text")


def seconds_to_answer(timeout: float | None) -> float:
    """Return how long to wait for an answer; 0 stands for the default, as does None."""
    check_timeout(timeout)
    return timeout or ANSWER_SECONDS
