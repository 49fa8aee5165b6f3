"""How the agents of the chaos tests ask: again if that can help, and never without a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import trio

from actors import ActorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

R = TypeVar("R")

DEADLINE: Final = 11.0
"""Seconds in which every call has to end: twice the patience of a client, and one."""


async def within(request: Callable[[], Awaitable[R]]) -> R:
    """Ask once. A call that hangs fails the test."""
    with trio.fail_after(DEADLINE):
        return await request()


async def insist(request: Callable[[], Awaitable[R]]) -> R:
    """Ask until there is an answer, or an error that says that asking again is in vain."""
    while True:
        try:
            return await within(request)
        except ActorError as error:
            if not error.retryable:
                raise
