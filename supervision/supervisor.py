"""Supervisor: starts its children in order, restarts the ones that fail, and gives up when that is too often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from actors import IGNORE, SHUTDOWN, Stop
from actors.inspect import RestartPolicy
from supervision import calls
from supervision.children import Child, Children
from supervision.errors import (
    AlreadyPresentError,
    AlreadyStartedError,
    BadSpecError,
    ChildNotFoundError,
    ChildRestartingError,
    ChildRunningError,
    ChildStartError,
)
from supervision.intensity import RestartWindow
from supervision.parent import Parent, count, describe
from supervision.shutdown import ends_supervisor, is_reported, wants_restart
from supervision.spec import SupervisorSpec, check_child, refuse, without_arguments
from supervision.strategy import affected

if TYPE_CHECKING:
    from typing import Literal

    from actors import ActorRef, ExitReason
    from actors.result import Signal
    from supervision.children import ChildInfo, RestartDue
    from supervision.spec import ChildSpec, TreeSource


class Supervisor(Parent):
    """OTP's supervisor: an actor whose children are started in order, restarted when they fail, stopped newest first.

    It does one thing at a time: while it starts or stops a child it answers nobody. A restart that fails is tried
    again, without a pause, after whatever came in meanwhile; every attempt counts against the intensity.

    With a `Backoff` every restart of a child but its first is delayed, also one that failed and is tried again. It
    counts against the intensity when its delay begins. Meanwhile the supervisor answers, and whoever its strategy
    restarts with that child is down.

    >>> from supervision import ChildSpec, SupervisorSpec
    >>> shop = SupervisorSpec([ChildSpec("aisle", Supervisor, args=(SupervisorSpec(),))], strategy="rest_for_one")
    """

    def __init__(self, spec: TreeSource) -> None:
        self._source = spec
        self.spec = SupervisorSpec()
        self.children = Children()
        self.restarts = RestartWindow(self.spec.limit.restarts, self.spec.limit.seconds)
        self.ended_by: Literal["intensity", "auto_shutdown"] | None = None
        """What made it end by its own decision, if it did."""
        self.gave_up_at = ""
        """Which limit it gave up at, and the child that failed last, if it did."""

    async def init(self) -> Signal | None:
        """Start the children in order. One that fails stops those before it, and `start` raises `ChildStartError`."""
        spec = self._read(self._source)
        if not isinstance(spec, SupervisorSpec):
            return spec
        self._configure(spec)
        try:
            for child in tuple(self.children):
                await self._run(child)
        except ChildStartError as error:
            self._report_start_error(error)
            await self._stop_all()
            raise
        return None

    async def handle_cast(self, message: object) -> Stop | None:
        """Try a failed restart again, unless the child was terminated or restarted meanwhile."""
        match message:
            case calls.TryAgain(child=str(child_id)):
                child = self.children.get(child_id)
                if child is None or not child.restarting or child.due is not None:
                    return None
                return await self._restart(child)
            case _:
                return await super().handle_cast(message)

    async def terminate(self, reason: ExitReason) -> None:
        """Stop the children one at a time, newest first, each within its own time."""
        await self._stop_all()

    async def _answer(self, message: object) -> object:
        match message:
            case calls.StartChild(spec=spec):
                return await self._start_child(spec)
            case calls.RestartChild(id=child_id):
                return await self._restart_child(child_id)
            case calls.TerminateChild(child=child_id):
                await self._terminate_child(child_id)
            case calls.DeleteChild(id=child_id):
                self.children.remove(self._idle_child(child_id))
            case calls.WhichChild(child=child_id):
                return describe(self._child(child_id))
            case calls.WhichChildren():
                return self.which_children()
            case calls.CountChildren():
                return count(self.children)
            case calls.GetChildSpec(child=child_id):
                return self._child(child_id).spec
            case calls.Reconfigure(spec=spec):
                self._reconfigure(self._source if spec is None else spec)
            case _:
                return await super()._answer(message)
        return None

    def which_children(self) -> list[ChildInfo]:
        """Tell about all children, the newest first."""
        return [describe(child) for child in reversed(self.children)]

    def list_children(self) -> list[Child]:
        """Return the children, the oldest first (`actors.inspect.Children`)."""
        return list(self.children)

    def find_child(self, ref: ActorRef) -> Child | None:
        """Return the child whose process *ref* is."""
        return self.children.find(ref)

    def restart_policy(self, now: float) -> RestartPolicy:
        """Return by which rules the children are restarted (`actors.inspect.Restarting`)."""
        window = self.restarts
        return RestartPolicy(self.spec.strategy, window.recent(now), window.intensity, window.period)

    def restart_requests(self, ref: ActorRef) -> list[object]:
        """Return what has the child *ref* stopped and started again, which counts as no failure."""
        child = self.children.find(ref)
        return (
            [] if child is None or child.temporary else [calls.TerminateChild(child.id), calls.RestartChild(child.id)]
        )

    async def _start_child(self, spec: ChildSpec) -> ActorRef | None:
        check_child(spec, self.spec.auto_shutdown)
        known = self.children.get(spec.id)
        if known is not None and known.ref is not None:
            raise AlreadyStartedError(f"{self.ref}: child {spec.id!r} runs already, as {known.ref}", known.ref)
        if known is not None:
            raise AlreadyPresentError(f"{self.ref}: child {spec.id!r} is {known.state}; restart or delete it")
        child = Child(spec)
        child.ref = await self._start_requested(child)
        if child.temporary:
            child.spec = without_arguments(spec)
        if child.ref is not None or not child.temporary:
            self.children.add(child)
        return child.ref

    async def _restart_child(self, child_id: str) -> ActorRef | None:
        child = self._idle_child(child_id)
        child.delays = None
        ref = await self._start_requested(child)
        if ref is not None:
            self.children.started(child, ref)
        return ref

    async def _terminate_child(self, child_id: str | ActorRef) -> None:
        child = self._child(child_id)
        await self._shut_down(child)
        child.delays = None
        self.children.drop(child)

    def _child(self, child_id: object) -> Child:
        child = self.children.get(child_id) if isinstance(child_id, str) else None
        if child is None:
            raise ChildNotFoundError(f"{self.ref} has no child {child_id!r}")
        return child

    def _idle_child(self, child_id: str) -> Child:
        """Return a child that neither runs nor is being restarted."""
        child = self._child(child_id)
        match child.state:
            case "running":
                raise ChildRunningError(f"{self.ref}: child {child_id!r} runs, as {child.ref}; terminate it first")
            case "restarting":
                raise ChildRestartingError(f"{self.ref}: child {child_id!r} is being restarted; terminate it first")
            case "undefined":
                return child

    def _reconfigure(self, source: TreeSource) -> None:
        try:
            spec = self._read(source)
        except BadSpecError:
            raise
        except Exception as error:
            raise BadSpecError(f"{self.ref}: {source!r} failed: {error!r}", "spec", source) from error
        if isinstance(spec, SupervisorSpec):
            self._configure(spec)

    def _read(self, source: TreeSource) -> SupervisorSpec | Signal:
        """Return the specification, or `IGNORE`, that *source* is or makes."""
        spec = source() if callable(source) else source
        if spec is not IGNORE and not isinstance(spec, SupervisorSpec):
            raise refuse("Supervisor", "spec", spec, "a SupervisorSpec, or a callable that returns one or IGNORE")
        return spec

    def _configure(self, spec: SupervisorSpec) -> None:
        self.spec = spec
        self.restarts.intensity, self.restarts.period = spec.limit.restarts, spec.limit.seconds
        self.children.replace_specs(spec.children)

    async def _exited(self, ref: ActorRef | None, reason: ExitReason) -> Stop | None:
        child = self.children.find(ref)
        if child is None:
            # A child that was stopped meanwhile, or a stranger who linked itself.
            return None
        if is_reported(child.spec.restart, reason):
            self._report("child_terminated", child, reason)
        if wants_restart(child.spec.restart, reason):
            return await self._restart(child)
        child.delays = None
        self.children.drop(child)
        return self._end_by_itself(child)

    def _end_by_itself(self, ended: Child) -> Stop | None:
        """Stop if auto_shutdown says so now that *ended* has ended for good."""
        mode = self.spec.auto_shutdown
        others_active = mode == "all_significant" and any(
            child.spec.significant and child.state != "undefined" for child in self.children
        )
        if not ends_supervisor(mode, significant=ended.spec.significant, others_active=others_active):
            return None
        self.ended_by = "auto_shutdown"
        return Stop(SHUTDOWN)

    async def _restart(self, failed: Child) -> Stop | None:
        if not self.restarts.allow(trio.current_time()):
            self._report("shutdown", failed, str(self.restarts))
            self.children.drop(failed)
            self.ended_by = "intensity"
            self.gave_up_at = f"{self.restarts}; the last to fail was child {failed.id!r}"
            return Stop(SHUTDOWN)
        failed.restarts += 1
        seconds = self._next_delay(failed, self.spec.backoff)
        group = await self._take_down(failed)
        if seconds is None:
            return await self._start_again(group)
        self.children.waits(failed, self._send_when_due(failed, failed.id, seconds))
        return None

    async def _due(self, due: RestartDue) -> Stop | None:
        failed = self.children.waiting.get(str(due.child))
        if failed is None or failed.due is not due:
            return None
        return await self._start_again(await self._take_down(failed))

    async def _take_down(self, failed: Child) -> list[Child]:
        """Stop those that are restarted with *failed*, and return all of them in start order."""
        self.children.stopped(failed)
        group = affected(self.spec.strategy, self.children, failed)
        if len(group) > 1 or failed.temporary:  # the one that failed is down, and stays so if it is temporary by now
            await self._stop(group)
        return group

    async def _start_again(self, group: list[Child]) -> Stop | None:
        """Start *group* in order. Those after one that fails stay down until it is tried again."""
        for child in self._ready(group):
            try:
                await self._run(child)
            except ChildStartError as error:
                self._report_start_error(error)
                return await self._try_again(child)
            self._restarted(child)
        return None

    def _ready(self, group: list[Child]) -> list[Child]:
        """Return those of *group* that come back now: not the temporary, nor whom a delay keeps down."""
        waiting = self.children.waiting.values()
        if not waiting:
            return [child for child in group if not child.temporary]
        held = {child for failed in waiting for child in affected(self.spec.strategy, self.children, failed)}
        return [child for child in group if not child.temporary and child not in held]

    async def _try_again(self, child: Child) -> Stop | None:
        """Restart *child*, whose start failed, once more: after its delay, or else after what came in meanwhile."""
        delays = child.delayed_by(child.spec.backoff or self.spec.backoff)
        if delays is not None:
            delays.failed_to_start()
            return await self._restart(child)
        self.children.failed(child)
        self.ref.cast(calls.TryAgain(child.id))
        return None

    async def _run(self, child: Child) -> None:
        """Start *child*; one that chooses not to start stays as a specification, a temporary one is forgotten."""
        ref = await self._start(child)
        if ref is None:
            self.children.drop(child)
        else:
            self.children.started(child, ref)
            if child.delays is not None:
                child.delays.came_up(trio.current_time())

    async def _stop(self, group: list[Child]) -> None:
        """Stop *group*, newest first, except those that wait; temporary children are gone for good."""
        for child in reversed(group):
            if child.due is not None:
                continue
            if child.delays is not None:
                child.delays.went_down(trio.current_time())
            if child.ref is not None:
                await self._shut_down(child)
            if child.temporary:
                self.children.drop(child)
            else:
                self.children.stopped(child)

    async def _stop_all(self) -> None:
        await self._stop(list(self.children))

    def _report_start_error(self, error: ChildStartError) -> None:
        child = self.children.get(error.child)
        if child is not None:
            self._report("start_error", child, error.reason)
