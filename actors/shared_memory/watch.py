"""Watch: an async iterator over the changes of some keys, which outlives the incarnations of the shared memory."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Self

import trio

from actors.shared_memory.entry import Entry, Tombstone
from actors.shared_memory.key import place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.pattern import Pattern
    from actors.shared_memory.key import Namespace

BUFFER: Final = 100
"""So many changes wait for who watches; when there are more, the newest are dropped."""


class Watch:
    """The changes of the keys of one part of a namespace that a pattern means. Made by `SharedMemoryClient.watch`.

    First the initial values come, all of them, in the order of their keys; then every change, once and in order. If
    *buffer* changes wait, the next ones are dropped, and counted in `dropped`. It ends when the shared memory is
    closed, and raises ``NoProcessError`` when that is gone for good.
    """

    def __init__(
        self,
        namespace: Namespace,
        scope: str,
        pattern: Pattern | None,
        *,
        initial: bool,
        tombstones: bool,
        buffer: int = BUFFER,
    ) -> None:
        self.namespace = namespace
        self.scope = scope
        self.pattern = pattern
        self.initial = initial
        self.tombstones = tombstones
        self.buffer = buffer
        self.dropped = 0
        """How many changes were dropped since there was no room for them."""
        self.closed = False
        self.on_close: Callable[[Watch], None] | None = None
        self.look: Callable[[], float] | None = None
        """What tells how long to wait before it is asked again, or raises when nobody will tell anything any more."""
        self._initial: deque[Entry] = deque()
        self._changes: deque[Entry | Tombstone] = deque()
        self._seen = 0
        self._woken = trio.Event()

    def __repr__(self) -> str:
        keys = "all" if self.pattern is None else self.pattern
        what = "closed" if self.closed else f"{len(self._initial) + len(self._changes)} waiting, {self.dropped} dropped"
        return f"<Watch of {keys} in {place(self.namespace, self.scope)}: {what}>"

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

    def close(self) -> None:
        """End it: what waits still comes, and nothing else."""
        if not self.closed:
            self.closed = True
            self._woken.set()
            if self.on_close is not None:
                self.on_close(self)

    # -- for the shared memory

    def wants(self, change: Entry | Tombstone) -> bool:
        """Tell whether *change*, which is of its part of its namespace, is one to be told of."""
        if type(change) is Tombstone and not self.tombstones:
            return False
        return self.pattern is None or self.pattern.matches(change.where.name)

    def begin(self, values: Sequence[Entry], change: int) -> None:
        """Begin with *values*, after the change of that number; whatever it was told before is forgotten."""
        self._initial = deque(values)
        self._changes.clear()
        self.dropped = 0
        self._seen = change
        self._woken.set()

    def tell(self, change: Entry | Tombstone) -> None:
        """Take *change* in, unless it was told of that before."""
        if change.change <= self._seen or self.closed:
            return
        self._seen = change.change
        if len(self._changes) >= self.buffer:
            self.dropped += 1
        else:
            self._changes.append(change)
            self._woken.set()
