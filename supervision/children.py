"""The children of a supervisor: its table of specifications and processes, and what it tells others about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actors import ActorRef
    from supervision.spec import ChildSpec

State: TypeAlias = Literal["running", "restarting", "undefined"]
"""Whether a child has a process, is to be tried again because its last restart failed, or just has a specification."""


Kind: TypeAlias = Literal["worker", "supervisor"]


@attrs.define(eq=False)
class Child:
    """One child: its specification, and its process if it has one."""

    spec: ChildSpec
    ref: ActorRef | None = None
    restarting: bool = False
    restarts: int = 0
    """How often it was restarted because it failed, attempts that failed included."""

    @property
    def id(self) -> str:
        """What its specification calls it."""
        return self.spec.id

    @property
    def state(self) -> State:
        """What `which_children` says of it."""
        if self.ref is not None:
            return "running"
        return "restarting" if self.restarting else "undefined"

    @property
    def temporary(self) -> bool:
        """Whether its specification goes when its process does."""
        return self.spec.restart == "temporary"


@attrs.frozen
class ChildInfo:
    """What `which_children` tells of one child."""

    id: str
    ref: ActorRef | None
    """Its process; None unless it is running."""
    state: State
    kind: Kind


@attrs.frozen
class ChildCounts:
    """What `count_children` tells."""

    specs: int
    active: int
    """How many have a living process."""
    supervisors: int
    """How many are supervisors, living or not."""
    workers: int


class Children:
    """The children of one supervisor in start order, found by id and by process in constant time."""

    def __init__(self, specs: Iterable[ChildSpec] = ()) -> None:
        self._by_id = {spec.id: Child(spec) for spec in specs}
        self._by_ref: dict[ActorRef, Child] = {}

    def __iter__(self) -> Iterator[Child]:
        return iter(self._by_id.values())

    def __reversed__(self) -> Iterator[Child]:
        return reversed(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<Children: {', '.join(f'{child.spec.id} {child.state}' for child in self)}>"

    def get(self, child_id: str) -> Child | None:
        """Return the child of this id."""
        return self._by_id.get(child_id)

    def find(self, ref: ActorRef | None) -> Child | None:
        """Return the child whose process *ref* is."""
        return None if ref is None else self._by_ref.get(ref)

    def add(self, child: Child) -> None:
        """Add a child, the newest."""
        self._by_id[child.spec.id] = child
        if child.ref is not None:
            self._by_ref[child.ref] = child

    def started(self, child: Child, ref: ActorRef) -> None:
        """Note that *child* runs as *ref*."""
        child.ref, child.restarting = ref, False
        self._by_ref[ref] = child

    def failed(self, child: Child) -> None:
        """Note that *child* could not be restarted and will be tried again."""
        child.restarting = True

    def stopped(self, child: Child) -> None:
        """Note that *child* has no process and that none is coming."""
        if child.ref is not None:
            del self._by_ref[child.ref]
        child.ref, child.restarting = None, False

    def remove(self, child: Child) -> None:
        """Forget *child* and its specification."""
        self.stopped(child)
        del self._by_id[child.spec.id]

    def drop(self, child: Child) -> None:
        """Note that *child* ended for good; a temporary one is forgotten."""
        if child.temporary:
            self.remove(child)
        else:
            self.stopped(child)

    def replace_specs(self, specs: Iterable[ChildSpec]) -> None:
        """Take over new specifications (OTP's code change).

        A child of a known id gets the new specification and keeps its process; new ones are added, without a
        process. Those that are not mentioned are kept, as the newest.
        """
        known, self._by_id = self._by_id, {}
        for spec in specs:
            child = known.pop(spec.id, None) or Child(spec)
            child.spec = spec
            self._by_id[spec.id] = child
        self._by_id.update(known)
