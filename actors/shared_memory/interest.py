"""Interest: which changes somebody is to be told of, each once; it outlives the incarnations of the shared memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.pace import Pace, batches
from actors.shared_memory.entry import Entry, Tombstone
from actors.shared_memory.key import Key, place
from actors.sorting import sorted_in_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.pattern import Pattern
    from actors.ref import ActorRef
    from actors.shared_memory.key import Namespace
    from actors.shared_memory.shelves import View

BUFFER: Final = 100
"""So many changes wait for who watches; when there are more, the newest are dropped."""


class Interest:
    """The keys of one part of a namespace that a pattern means, and what is told of their changes."""

    owner: ActorRef | None = None
    """The actor that it ends with, if that does not close it itself."""

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
        self.on_close: Callable[[Interest], None] | None = None
        self._seen = 0
        """The number of the last change that it was told of."""
        self._view: View | None = None
        """What was there at the beginning, until all of it was gathered."""

    def __repr__(self) -> str:
        keys = "all" if self.pattern is None else self.pattern
        what = "closed" if self.closed else f"{self._state()}{self.dropped} dropped"
        return f"<{type(self).__name__} of {keys} in {place(self.namespace, self.scope)}: {what}>"

    def close(self) -> None:
        """End it: what waits still comes, and nothing else."""
        if not self.closed:
            self.closed = True
            self._end()
            if self.on_close is not None:
                self.on_close(self)

    async def gather(self) -> None:
        """Take in what was there at the beginning, in the order of the names.

        It is done by who watches, so that the shared memory does other things meanwhile. Changes that come in between
        wait until then, and need no room.
        """
        if (view := self._view) is None:
            return
        names = await sorted_in_slices(view.names, self.pattern)
        pace = Pace()
        for some in batches(names):
            self._take_initial([view.entry(Key(self.namespace, self.scope, name)) for name in some])
            await pace.keep()
        self._view = None
        self._begun()

    # -- for the shared memory

    def wants(self, change: Entry | Tombstone) -> bool:
        """Tell whether *change*, which is of its part of its namespace, is one to be told of."""
        if type(change) is Tombstone and not self.tombstones:
            return False
        return self.pattern is None or self.pattern.matches(change.where.name)

    def begin(self, view: View | None, change: int) -> None:
        """Begin after the change of that number, with what is to be gathered; what was told before is forgotten."""
        self._view = view
        self._seen = change
        self.dropped = 0
        self._forget()

    def tell(self, change: Entry | Tombstone) -> None:
        """Take *change* in, unless it was told of that before."""
        if change.change > self._seen and not self.closed:
            self._seen = change.change
            self._take(change)

    # -- what the two kinds do each in its way

    def _state(self) -> str:
        return ""

    def _end(self) -> None:
        """Do what is to be done at the end."""

    def _forget(self) -> None:
        """Let go of changes that wait."""
        raise NotImplementedError

    def _take(self, change: Entry | Tombstone) -> None:
        raise NotImplementedError

    def _take_initial(self, values: Sequence[Entry]) -> None:
        raise NotImplementedError

    def _begun(self) -> None:
        """Go on with the changes that came while initial values were gathered."""
