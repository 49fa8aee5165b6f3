"""What a test has given: each is refused where it is given, by its name, and not where it is used."""

from __future__ import annotations

from actors.system import ActorSystem


def check_system(what: str, given: object) -> None:
    """Refuse *given* unless it is a system; *what* is who takes it."""
    __tracebackhide__ = True
    if not isinstance(given, ActorSystem):
        raise TypeError(f"{what} takes an actor system first; got {given!r}")
