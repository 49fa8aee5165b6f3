"""The requests that supervisors answer, and a function for each: OTP's `supervisor` module.

The functions have no time limit, as in OTP: a supervisor answers when it has finished what it is doing, which may be
stopping a child that takes its time. They raise `NoProcessError` or `ActorExitedError` when the supervisor is dead or
dies. To wait no longer than so many seconds, call with the message, which has the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from actors import ActorRef, Call, NameRef
from supervision.children import ChildCounts, ChildInfo

if TYPE_CHECKING:
    from typing import TypeAlias

    from supervision.spec import ChildSpec, SupervisorSpec

    SupervisorRef: TypeAlias = ActorRef | NameRef


@attrs.frozen
class StartChild(Call[ActorRef | None]):
    """Add a child and start it."""

    spec: ChildSpec


@attrs.frozen
class RestartChild(Call[ActorRef | None]):
    """Start a child whose specification is there but which does not run."""

    id: str


@attrs.frozen
class TerminateChild(Call[None]):
    """Stop a child."""

    child: str | ActorRef


@attrs.frozen
class DeleteChild(Call[None]):
    """Remove the specification of a child that does not run."""

    id: str


@attrs.frozen
class WhichChild(Call[ChildInfo]):
    """Tell about one child."""

    child: str | ActorRef


@attrs.frozen
class WhichChildren(Call[list[ChildInfo]]):
    """Tell about all children."""


@attrs.frozen
class CountChildren(Call[ChildCounts]):
    """Count the children."""


@attrs.frozen
class GetChildSpec(Call["ChildSpec"]):
    """Return the specification of a child."""

    child: str | ActorRef


@attrs.frozen
class Reconfigure(Call[None]):
    """Go on by another specification."""

    spec: SupervisorSpec | None = None


@attrs.frozen
class TryAgain:
    """Note from a supervisor to itself: the restart of this child failed and is due again."""

    child: str | ActorRef


async def start_child(supervisor: SupervisorRef, spec: ChildSpec) -> ActorRef | None:
    """Add a child as the newest, start it, and return its process, or None if its `init` returned `IGNORE`.

    Waits until its `init` has returned. An ignored child stays as a specification, unless it is temporary or under a
    `DynamicSupervisor`. A child that fails to start leaves no specification.

    Raises ``BadSpecError``, ``AlreadyStartedError``, ``AlreadyPresentError``, ``MaxChildrenError`` or
    ``ChildStartError``.
    """
    return await supervisor.call(StartChild(spec), timeout=None)


async def restart_child(supervisor: SupervisorRef, child_id: str) -> ActorRef | None:
    """Start a child that does not run, and return its process, or None if its `init` returned `IGNORE`.

    It does not count as a restart. A child that fails to start stays as a specification.

    Raises ``ChildNotFoundError``, ``ChildRunningError``, ``ChildRestartingError`` or ``ChildStartError``.
    """
    return await supervisor.call(RestartChild(child_id), timeout=None)


async def terminate_child(supervisor: SupervisorRef, child: str | ActorRef) -> None:
    """Stop a child as its specification says, and wait until it is dead.

    Under a `Supervisor` the child is named by its id, and its specification stays unless it is temporary; nothing
    happens if it does not run. Under a `DynamicSupervisor` the child is named by its process and is forgotten. A
    restart that is delayed, or tried again and again, ends with this, too. Raises ``ChildNotFoundError``.
    """
    await supervisor.call(TerminateChild(child), timeout=None)


async def delete_child(supervisor: SupervisorRef, child_id: str) -> None:
    """Remove the specification of a child that does not run.

    Raises ``ChildNotFoundError``, ``ChildRunningError`` or ``ChildRestartingError``.
    """
    await supervisor.call(DeleteChild(child_id), timeout=None)


async def which_child(supervisor: SupervisorRef, child: str | ActorRef) -> ChildInfo:
    """Tell about one child, named as for `terminate_child`. Raises ``ChildNotFoundError``."""
    return await supervisor.call(WhichChild(child), timeout=None)


async def which_children(supervisor: SupervisorRef) -> list[ChildInfo]:
    """Tell about all children, the newest first; a `DynamicSupervisor` in no particular order."""
    return await supervisor.call(WhichChildren(), timeout=None)


async def count_children(supervisor: SupervisorRef) -> ChildCounts:
    """Count the children: all, those alive, and by their kind."""
    return await supervisor.call(CountChildren(), timeout=None)


async def get_child_spec(supervisor: SupervisorRef, child: str | ActorRef) -> ChildSpec:
    """Return the specification of a child, named as for `terminate_child`. Raises ``ChildNotFoundError``.

    One of a temporary child that was started on request has lost its arguments: nobody needs them again.
    """
    return await supervisor.call(GetChildSpec(child), timeout=None)


async def reconfigure(supervisor: SupervisorRef, spec: SupervisorSpec | None = None) -> None:
    """Give a running supervisor another specification (OTP's code change); no child is started or stopped by it.

    Strategy, intensity, period and auto_shutdown are replaced. A child of a known id has the new specification from
    its next start or stop on; new ones are added but not started; those that *spec* leaves out are kept, as the
    newest. Without *spec* the supervisor asks again whatever it was started with; if that returns `IGNORE`, nothing
    changes. A restart of the supervisor itself begins again with what it was started with.

    Raises ``BadSpecError``, and the supervisor goes on as before.
    """
    await supervisor.call(Reconfigure(spec), timeout=None)
