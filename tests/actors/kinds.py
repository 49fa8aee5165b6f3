"""The kinds of callbacks a test is run with: ``def``, and two that are ``async def``.

A test whose callbacks need not wait takes the fixture `kind`, and starts ``kind(Till)`` where it would start
``Till``: the class as it is written, or its twin whose callbacks are ``async def``. An asynchronous callback that
never waits runs differently from one that does, so there is a twin of each sort.
"""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

import trio

from actors import Actor

if TYPE_CHECKING:
    from collections.abc import Callable

A = TypeVar("A", bound=Actor)

CALLBACKS: Final = ("init", "handle_call", "handle_cast", "handle_info", "handle_continue", "terminate")


class Kind(Protocol):
    """What makes a class one of its kind."""

    def __call__(self, actor: type[A], /) -> type[A]: ...


def synchronous(actor: type[A], /) -> type[A]:
    """Return *actor*, whose callbacks are written with ``def``."""
    return actor


def asynchronous(actor: type[A], /) -> type[A]:
    """Return the twin of *actor* whose callbacks are ``async def``, and never wait."""
    return twin(actor, without_wait)


def waiting(actor: type[A], /) -> type[A]:
    """Return the twin of *actor* whose callbacks are ``async def``, and wait for one turn of the scheduler."""
    return twin(actor, with_wait)


KINDS: Final[dict[str, Kind]] = {"def": synchronous, "async": asynchronous, "waiting": waiting}


def twin(actor: type[A], transform: Callable[[Callable[..., Any]], Callable[..., Any]]) -> type[A]:
    """Return a subclass of *actor* with all callbacks that are its own transformed."""
    own = [name for name in CALLBACKS if getattr(actor, name) is not getattr(Actor, name)]
    written = {name: getattr(actor, name) for name in own}
    synchronous = {name: callback for name, callback in written.items() if not inspect.iscoroutinefunction(callback)}
    members = {name: transform(callback) for name, callback in synchronous.items()}
    names = {"__module__": actor.__module__, "__qualname__": actor.__qualname__}
    return cast("type[A]", type(actor.__name__, (actor,), names | members))


def without_wait(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return *callback* as ``async def``."""

    @wraps(callback)
    async def asynchronous(*args: object) -> Any:
        return callback(*args)

    return asynchronous


def with_wait(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return *callback* as ``async def`` that waits before it does anything."""

    @wraps(callback)
    async def waiting(*args: object) -> Any:
        await trio.lowlevel.checkpoint()
        return callback(*args)

    return waiting
