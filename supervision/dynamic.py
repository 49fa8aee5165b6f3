"""DynamicSupervisor: children that come and go on request, each by a specification of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from actors import SHUTDOWN, ActorRef, Stop
from actors.inspect import RestartPolicy
from supervision import calls
from supervision.children import Child
from supervision.errors import ChildNotFoundError, ChildStartError, MaxChildrenError
from supervision.intensity import Preset, RestartWindow
from supervision.parent import Parent, count, describe
from supervision.shutdown import is_reported, wants_restart
from supervision.spec import (
    ChildSpec,
    check_backoff,
    check_child,
    is_count,
    limit_of,
    period_of,
    refuse,
    without_arguments,
)

if TYPE_CHECKING:
    from actors import Backoff, ExitReason
    from supervision.children import ChildInfo, RestartDue


class DynamicSupervisor(Parent):
    """Elixir's DynamicSupervisor: it starts empty, and each child is restarted alone.

    Children are known by their process; ids need not be unique. A child that ends for good is forgotten. When the
    supervisor stops, all children are told so at once, and each has its own time.

    Its arguments are those of `SupervisorSpec`, and *max_children*, of which it refuses to have more. A child whose
    restart is delayed is one of them, and is known by the process that it had last.

    >>> from supervision import ChildSpec
    >>> pool = ChildSpec("pool", DynamicSupervisor, kwargs={"max_children": 100, "intensity": 10}, name="pool")
    """

    def __init__(
        self,
        *,
        max_children: float = math.inf,
        intensity: int | Preset = 3,
        period: float | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        if max_children != math.inf and not is_count(max_children):
            raise refuse(
                "DynamicSupervisor",
                "max_children",
                max_children,
                "an int of 0 or more, or math.inf",
            )
        check_backoff("DynamicSupervisor", backoff)
        limit = limit_of("DynamicSupervisor", intensity, period_of(intensity) if period is None else period)
        self.max_children = max_children
        self.backoff = backoff
        self.restarts = RestartWindow(limit.restarts, limit.seconds)
        self.children: dict[ActorRef, Child] = {}
        """By process; one whose restart is delayed or failed, by the process it had last."""

    async def handle_cast(self, message: object) -> Stop | None:
        """Try a failed restart again, unless the child was terminated meanwhile."""
        match message:
            case calls.TryAgain(child=ref) if not isinstance(ref, str):
                return await self._restart(ref) if ref in self.children else None
            case _:
                return await super().handle_cast(message)

    async def terminate(self, reason: ExitReason) -> None:
        """Stop all children at once, each within its own time."""
        async with trio.open_nursery() as nursery:
            for child in self.children.values():
                nursery.start_soon(self._shut_down, child)
        self.children.clear()

    async def _answer(self, message: object) -> object:
        match message:
            case calls.StartChild(spec=spec):
                return await self._start_child(spec)
            case calls.TerminateChild(child=ref):
                await self._terminate_child(self._known(ref))
            case calls.WhichChild(child=ref):
                return describe(self.children[self._known(ref)])
            case calls.WhichChildren():
                return self.which_children()
            case calls.CountChildren():
                return count(self.children.values())
            case calls.GetChildSpec(child=ref):
                return self.children[self._known(ref)].spec
            case _:
                return await super()._answer(message)
        return None

    def which_children(self) -> list[ChildInfo]:
        """Tell about all children."""
        return [describe(child) for child in self.children.values()]

    def list_children(self) -> list[Child]:
        """Return the children, the oldest first (`actors.inspect.Children`)."""
        return list(self.children.values())

    def find_child(self, ref: ActorRef) -> Child | None:
        """Return the child whose process *ref* is."""
        return self.children.get(ref)

    def restart_policy(self, now: float) -> RestartPolicy:
        """Return by which rules the children are restarted (`actors.inspect.Restarting`)."""
        window = self.restarts
        return RestartPolicy("one_for_one", window.recent(now), window.intensity, window.period)

    def restart_requests(self, ref: ActorRef) -> list[object]:
        """Return nothing: a child that was stopped on request is forgotten."""
        return []

    async def _start_child(self, spec: ChildSpec) -> ActorRef | None:
        check_child(spec, "never")
        if len(self.children) >= self.max_children:
            raise MaxChildrenError(
                f"{self.ref} has {len(self.children)} children already, allowed are {self.max_children}"
            )
        child = Child(spec)
        child.ref = await self._start_requested(child)
        if child.temporary:
            child.spec = without_arguments(spec)
        if child.ref is not None:
            self.children[child.ref] = child
        return child.ref

    async def _terminate_child(self, ref: ActorRef) -> None:
        await self._shut_down(self.children[ref])
        self._forget(ref)

    def _known(self, child: object) -> ActorRef:
        """Return *child* if it is the process of one."""
        if isinstance(child, ActorRef) and child in self.children:
            return child
        raise ChildNotFoundError(f"{self.ref} has no child {child!r}; its children are known by their process")

    async def _exited(self, ref: ActorRef | None, reason: ExitReason) -> Stop | None:
        child = None if ref is None else self.children.get(ref)
        if ref is None or child is None:
            return None
        if is_reported(child.spec.restart, reason):
            self._report("child_terminated", child, reason)
        if wants_restart(child.spec.restart, reason):
            return await self._restart(ref)
        self._forget(ref)
        return None

    async def _restart(self, old: ActorRef) -> Stop | None:
        """Restart the child that *old* was, now or when its delay is over; or give up."""
        child = self.children[old]
        if not self.restarts.allow(trio.current_time()):
            self._report("shutdown", child, str(self.restarts))
            self._forget(old)
            return Stop(SHUTDOWN)
        child.restarts += 1
        seconds = self._next_delay(child, self.backoff)
        if seconds is None:
            return await self._replace(old)
        child.waits(self._send_when_due(child, old, seconds))
        return None

    async def _due(self, due: RestartDue) -> Stop | None:
        old = due.child
        child = None if isinstance(old, str) else self.children.get(old)
        if isinstance(old, str) or child is None or child.due is not due:
            return None
        return await self._replace(old)

    async def _replace(self, old: ActorRef) -> Stop | None:
        """Replace the child that *old* was; one that chooses not to start is forgotten."""
        child = self.children[old]
        try:
            ref = await self._start(child)
        except ChildStartError as error:
            self._report("start_error", child, error.reason)
            return await self._try_again(old)
        if ref is None:
            self._forget(old)
        else:
            self.children[ref] = self.children.pop(old)
            child.started(ref)
            self._restarted(child)
            if child.delays is not None:
                child.delays.came_up(trio.current_time())
        return None

    async def _try_again(self, old: ActorRef) -> Stop | None:
        """Restart a child whose start failed once more: after its delay, or else after what came in meanwhile."""
        child = self.children[old]
        if child.delays is not None:
            return await self._restart(old)
        child.ref, child.restarting = None, True
        self.ref.cast(calls.TryAgain(old))
        return None

    def _forget(self, ref: ActorRef) -> None:
        """Forget the child that *ref* was, for good."""
        child = self.children.pop(ref)
        child.stopped()
        child.kept.give_up()
