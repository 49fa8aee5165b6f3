"""Starting under a supervisor of the test's own, as ExUnit's ``start_supervised`` does."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from actors import Actor, IgnoredError
from actors.testing.given import check_system
from supervision.calls import delete_child, start_child, terminate_child
from supervision.errors import ChildNotFoundError
from supervision.spec import ChildSpec, SupervisorSpec
from supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from actors import ActorRef, ActorSystem

INTENSITY: Final = 1_000_000
"""A test may have its actors crash as often as it likes."""

NAME: Final = "test_supervisor"
"""What the supervisor is called."""


async def start_supervised(
    system: ActorSystem, child: ChildSpec | SupervisorSpec | type[Actor], *args: Any, name: str | None = None
) -> ActorRef:
    """Start *child* under the test's own supervisor, ``test_supervisor``, which restarts it as its specification says.

    *child* is a specification, a whole tree, or a class, which is started with *args* and is permanent. *name* is that
    of a tree or a class, and its id too, which is else that of the class. The supervisor gives up only after
    1,000,000 restarts in a second, and is stopped with the system: the children in order, the newest first.

    Raises `ChildStartError` with what the child raised as its cause, ``IgnoredError`` if it chose not to start, and
    `AlreadyStartedError` for a second child of one id.
    """
    __tracebackhide__ = True
    check_system("start_supervised", system)
    spec = _spec_of(child, args, name)
    supervisor = system.whereis(NAME)
    if supervisor is None:
        supervisor = await system.start(Supervisor, SupervisorSpec(intensity=INTENSITY, period=1.0), name=NAME)
    ref = await start_child(supervisor, spec)
    if ref is None:
        raise IgnoredError(f"child {spec.id!r} chose not to start")
    return ref


async def stop_supervised(system: ActorSystem, child_id: str) -> None:
    """Stop a child that `start_supervised` has started, for good and within its own time.

    Raises `ChildNotFoundError`.
    """
    __tracebackhide__ = True
    check_system("stop_supervised", system)
    supervisor = system.whereis(NAME)
    if supervisor is None:
        raise ChildNotFoundError(f"{system} has no child {child_id!r} that start_supervised has started")
    await terminate_child(supervisor, child_id)
    with suppress(ChildNotFoundError):  # a temporary child is forgotten when it is stopped
        await delete_child(supervisor, child_id)


def _spec_of(child: ChildSpec | SupervisorSpec | type[Actor], args: tuple[Any, ...], name: str | None) -> ChildSpec:
    __tracebackhide__ = True
    if isinstance(child, type) and issubclass(child, Actor):
        return ChildSpec(name or child.__name__, child, args=args, name=name)
    if isinstance(child, SupervisorSpec) and not args:
        return ChildSpec(name or "tree", Supervisor, args=(child,), name=name, shutdown=math.inf)
    if isinstance(child, ChildSpec) and not args and name is None:
        return child
    given = f"{child!r} with args={args!r} and name={name!r}"
    raise TypeError(f"start_supervised takes a ChildSpec alone, a SupervisorSpec, or an Actor's class; got {given}")
