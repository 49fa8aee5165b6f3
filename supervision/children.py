"""The children of a supervisor: its table of specifications and processes, and what it tells others about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from actors import StartOptions
from actors.kept import Kept
from supervision.delays import Delays

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from actors import ActorRef, Backoff
    from supervision.spec import ChildSpec

State: TypeAlias = Literal["running", "restarting", "undefined"]
"""Whether a child has a process, is to be restarted later or tried again, or just has a specification."""


Kind: TypeAlias = Literal["worker", "supervisor"]


@attrs.frozen(eq=False)
class RestartDue:
    """Note from a supervisor to itself: the delay before the restart of this child is over.

    One that the child does not wait for any more means nothing.
    """

    child: str | ActorRef


@attrs.define(eq=False)
class Child:
    """One child: its specification, and its process if it has one."""

    spec: ChildSpec
    ref: ActorRef | None = None
    restarting: bool = False
    restarts: int = 0
    """How often it was restarted because it failed, attempts that failed included."""
    delays: Delays | None = None
    """What its delays depend on, once there was a restart that may be delayed."""
    due: RestartDue | None = None
    """What will come at the end of the delay that runs now."""
    kept: Kept = attrs.field(factory=Kept)
    """Its unread messages between two incarnations, if its mailbox is to be kept."""
    _options: tuple[ChildSpec, StartOptions] | None = attrs.field(default=None, init=False)

    @property
    def options(self) -> StartOptions:
        """How it is started, made and checked once for each specification."""
        if self._options is None or self._options[0] is not self.spec:
            spec = self.spec
            kept = self.kept if spec.rules.keep else None
            options = StartOptions(name=spec.name, shutdown=spec.shutdown, mailbox=spec.rules, kept=kept)
            if self.temporary:
                return options  # it is started but once, and its arguments are not kept
            self._options = spec, options
        return self._options[1]

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

    def started(self, ref: ActorRef) -> None:
        """Note that it runs as *ref*."""
        self.ref, self.restarting, self.due = ref, False, None

    def waits(self, due: RestartDue) -> None:
        """Note that it has no process and is restarted when *due* comes."""
        self.ref, self.restarting, self.due = None, True, due

    def stopped(self) -> None:
        """Note that it has no process and that none is coming, not even after a delay."""
        self.ref, self.restarting, self.due = None, False, None

    def delayed_by(self, backoff: Backoff | None) -> Delays | None:
        """Return what its delays depend on, from now on by *backoff*."""
        if backoff is None:
            self.delays = None
        elif self.delays is None:
            self.delays = Delays(backoff)
        else:
            self.delays.backoff = backoff
        return self.delays


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
        self.waiting: dict[str, Child] = {}
        """Those whose restart is delayed."""

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
        child.started(ref)
        self._by_ref[ref] = child

    def failed(self, child: Child) -> None:
        """Note that *child* could not be restarted and will be tried again."""
        child.restarting = True

    def waits(self, child: Child, due: RestartDue) -> None:
        """Note that *child*, which has no process, is restarted when *due* comes."""
        child.waits(due)
        self.waiting[child.id] = child

    def stopped(self, child: Child) -> None:
        """Note that *child* has no process and that none is coming, not even after a delay."""
        if child.ref is not None:
            del self._by_ref[child.ref]
        if child.due is not None:
            del self.waiting[child.id]
        child.stopped()

    def remove(self, child: Child) -> None:
        """Forget *child* and its specification."""
        self.stopped(child)
        del self._by_id[child.spec.id]

    def drop(self, child: Child) -> None:
        """Note that *child* ended for good; a temporary one is forgotten."""
        child.kept.give_up()
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
