"""What a test has given: each is refused where it is given, by its name, and not where it is used."""

from __future__ import annotations

from actors.name_ref import NameRef
from actors.ref import ActorRef
from actors.system import ActorSystem


def check_ref(what: str, given: object) -> None:
    """Refuse *given* unless it is a reference; *what* is who takes it."""
    __tracebackhide__ = True
    if not isinstance(given, ActorRef | NameRef):
        has_one = isinstance(getattr(given, "ref", None), ActorRef)
        hint = "; its .ref is one" if has_one else ""
        raise TypeError(f"{what} takes a reference to an actor, or to a name; got {given!r}{hint}")


def check_system(what: str, given: object) -> None:
    """Refuse *given* unless it is a system; *what* is who takes it."""
    __tracebackhide__ = True
    if not isinstance(given, ActorSystem):
        raise TypeError(f"{what} takes an actor system first; got {given!r}")
