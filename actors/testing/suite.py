"""What the suites for stores of all services stand on: a system in virtual time, and what a store has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import trio
from trio.testing import MockClock

from actors.system import open_system

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from actors.system import ActorSystem

B = TypeVar("B")


def in_virtual_time(
    bench: Callable[[ActorSystem, Any], B],
) -> Callable[[Callable[[Any, B], Awaitable[None]]], Callable[[Any, Path], None]]:
    """Return a decorator that has pytest run a test with what *bench* makes of a system and of the suite's store."""

    def decorate(test: Callable[[Any, B], Awaitable[None]]) -> Callable[[Any, Path], None]:
        def run(self: Any, tmp_path: Path) -> None:
            async def main() -> None:
                async with open_system() as system:
                    await test(self, bench(system, self.new_store(tmp_path)))

            trio.run(main, clock=MockClock(autojump_threshold=0))

        run.__name__ = test.__name__
        run.__doc__ = test.__doc__
        return run

    return decorate


async def answer(commit: Callable[[Callable[[Exception | None], None]], object]) -> Exception | None:
    """Call *commit* with what it is to tell its end to, and return what it has told, once."""
    told: list[Exception | None] = []
    event = trio.Event()

    def done(error: Exception | None) -> None:
        told.append(error)
        event.set()

    commit(done)
    await event.wait()
    assert len(told) == 1
    return told[0]


async def refusal(asked: Awaitable[object]) -> Exception | None:
    """Return what *asked* raises."""
    try:
        await asked
    except Exception as error:  # noqa: BLE001 -- whatever it is, a test looks at it
        return error
    return None
