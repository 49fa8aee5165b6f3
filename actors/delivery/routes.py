"""Routes: the names that are registered with a router, and the instances behind each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.delivery.errors import RouteNotFoundError, RouteTakenError
from actors.name_ref import NameRef
from actors.ref import ActorRef

if TYPE_CHECKING:
    from actors.delivery.lane import Target
    from actors.system import ActorSystem


class Routes:
    """Instances by name. A name that nobody is registered under is one of the system."""

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._instances: dict[str, tuple[ActorRef | NameRef, ...]] = {}

    def __len__(self) -> int:
        return len(self._instances)

    def __repr__(self) -> str:
        return f"<Routes: {', '.join(f'{name} ({len(found)})' for name, found in self._instances.items())}>"

    def __contains__(self, name: object) -> bool:
        return name in self._instances

    def register(self, name: str, instance: ActorRef | NameRef) -> None:
        """Add *instance* under *name*. Raises `RouteTakenError` if it is there already."""
        if not isinstance(instance, ActorRef | NameRef):
            raise TypeError(f"{name!r} is registered for an ActorRef or a NameRef; got {instance!r}")
        if not isinstance(name, str) or not name:
            raise TypeError(f"{instance} is registered under a name, which is a str; got {name!r}")
        there = self._instances.get(name, ())
        if instance in there:
            raise RouteTakenError(f"{instance} is registered under {name!r} already")
        self._instances[name] = (*there, instance)

    def unregister(self, name: str, instance: ActorRef | NameRef | None = None) -> None:
        """Remove *instance*, or all, from *name*. Raises `RouteNotFoundError`."""
        there = self._instances.get(name, ())
        if not there or (instance is not None and instance not in there):
            who = "nobody" if instance is None else f"{instance} is not among those that are"
            verb = " is" if instance is None else ""
            raise RouteNotFoundError(f"{who}{verb} registered under {name!r}")
        left = () if instance is None else tuple(one for one in there if one != instance)
        if left:
            self._instances[name] = left
        else:
            del self._instances[name]

    def instances_of(self, name: str) -> tuple[ActorRef | NameRef, ...]:
        """Return who is registered under *name*."""
        return self._instances.get(name, ())

    def key_of(self, to: Target) -> Target:
        """Return what all addresses of one target have in common: a reference to its name, or itself if it has none.

        A name that several share has no target of its own, and is returned.
        """
        if isinstance(to, str) and to:
            if to not in self._instances:
                return NameRef(self._system, to, self._system.names)
            first, *others = self._instances[to]
            key = self.key_of(first)
            return to if any(self.key_of(other) != key for other in others) else key
        if isinstance(to, ActorRef) and to.name is not None:
            process = to._process  # noqa: SLF001 -- the runtime's own
            return NameRef(self._system, to.name, process.via or self._system.names)
        if not isinstance(to, ActorRef | NameRef):
            raise TypeError(f"a message is for a name, an ActorRef or a NameRef; got {to!r}")
        return to

    def target_of(self, key: Target) -> Target:
        """Return what *key* is called where people read it: a name of the system by itself."""
        if isinstance(key, NameRef) and key == NameRef(self._system, key.name, self._system.names):
            return key.name
        return key
