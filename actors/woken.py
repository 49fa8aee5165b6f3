"""The outcome of a wait that has nothing to tell but that it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


class Woken(Outcome[None]):
    """A value that can be used any number of times, where trio makes a new one for each task that it wakes.

    To make one and open it is a tenth of what a call costs.
    """

    def unwrap(self) -> None:
        """Return nothing."""

    def send(self, gen: Generator[Any, None, object]) -> Any:
        """Send nothing into *gen*."""
        return gen.send(None)

    async def asend(self, agen: AsyncGenerator[Any, None]) -> Any:
        """Send nothing into *agen*."""
        return await agen.asend(None)


WOKEN: Final = Woken()
"""Passed to `trio.lowlevel.reschedule`."""
