"""Unique names of living processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from actors.errors import NameTakenError, NoProcessError

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.ref import ActorRef


class Names(Protocol):
    """Where names are kept: a system's own registry, or what `via` is given (OTP's via modules)."""

    def register(self, name: str, ref: ActorRef) -> None:
        """Give *name* to *ref*, or raise `NameTakenError`."""

    def unregister(self, name: str, ref: ActorRef) -> None:
        """Free *name* if *ref* has it."""

    def whereis(self, name: str) -> ActorRef | None:
        """Return who has *name*."""


class Registry:
    """Names of one system. A name is given before `init` runs and is free again once its process is dead."""

    def __init__(self) -> None:
        self._refs: dict[str, ActorRef] = {}
        self._awaited: dict[str, list[Callable[[], object]]] = {}

    def __repr__(self) -> str:
        return f"<Registry: {len(self._refs)} names>"

    def register(self, name: str, ref: ActorRef) -> None:
        """Give *name* to *ref*, or raise `NameTakenError`; nobody who is dead is given one."""
        if not ref.alive:
            raise NoProcessError(f"{ref} is dead, and is not given the name {name!r}")
        holder = self._refs.setdefault(name, ref)
        if holder is not ref:
            msg = f"the name {name!r} is taken by {holder}"
            raise NameTakenError(msg, holder)
        for notify in self._awaited.pop(name, ()):
            notify()

    def when_registered(self, name: str, notify: Callable[[], object]) -> None:
        """Call *notify* once, when *name* is next given to somebody, who cannot be sent anything before it returns."""
        self._awaited.setdefault(name, []).append(notify)

    def unregister(self, name: str, ref: ActorRef) -> None:
        """Free *name* if *ref* has it."""
        if self._refs.get(name) is ref:
            del self._refs[name]

    def whereis(self, name: str) -> ActorRef | None:
        """Return who has *name*."""
        return self._refs.get(name)
