"""Watch: an async iterator over the changes of some keys."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Self

import trio

from actors.shared_memory.interest import Interest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.shared_memory.entry import Entry, Tombstone


class Watch(Interest):
    """The changes of the keys of one part of a namespace that a pattern means. Made by `SharedMemoryClient.watch`.

    First the initial values come, all of them, in the order of their keys; then every change, once and in order. If
    *buffer* changes wait, the next ones are dropped, and counted in `dropped`. It ends when the shared memory is
    closed, and raises ``NoProcessError`` when that is gone for good.
    """

    def __init__(self, *place: Any, **terms: Any) -> None:
        super().__init__(*place, **terms)
        self.look: Callable[[], float] | None = None
        """What tells how long to wait before it is asked again, or raises when nobody will tell anything any more."""
        self._initial: deque[Entry] = deque()
        self._changes: deque[Entry | Tombstone] = deque()
        self._woken = trio.Event()

    # -- for who watches

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Entry | Tombstone:
        await trio.lowlevel.checkpoint()
        while True:
            if self._initial:
                return self._initial.popleft().opened()
            if self._changes:
                return self._changes.popleft().opened()
            if self.closed:
                raise StopAsyncIteration
            self._woken = trio.Event()
            with trio.move_on_after(self.look() if self.look is not None else float("inf")):
                await self._woken.wait()

    # -- what it is told

    def _state(self) -> str:
        return f"{len(self._initial) + len(self._changes)} waiting, "

    def _end(self) -> None:
        self._woken.set()

    def _forget(self) -> None:
        self._changes.clear()

    def _take_initial(self, values: Sequence[Entry]) -> None:
        self._initial.extend(values)

    def _take(self, change: Entry | Tombstone) -> None:
        if len(self._changes) >= self.buffer and self._view is None:
            self.dropped += 1
        else:
            self._changes.append(change)
            self._woken.set()
