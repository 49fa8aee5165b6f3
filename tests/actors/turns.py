"""Turns: whether others may work while something that takes long is done."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


class Turns:
    """Those that another task has had."""

    taken = 0


@asynccontextmanager
async def another_task() -> AsyncIterator[Turns]:
    """Run another task, which counts its turns."""
    turns = Turns()

    async def take_turns() -> None:
        while True:
            turns.taken += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        yield turns
        nursery.cancel_scope.cancel()


async def turns_during(do: Callable[[], Awaitable[object]]) -> int:
    """Return how many turns another task has had while *do* was done."""
    async with another_task() as turns:
        await do()
    return turns.taken
