"""The writer of a file: gathers what is appended, commits it in batches, and tells everybody what became of it.

While one batch is committed the next one gathers, so a hundred waiting tasks cost one wait for the disk.
"""

from __future__ import annotations

import logging
from collections import deque
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

import trio

from actors.sqlite.batch import Unit, commit
from actors.sqlite.errors import explained

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

logger: Final = logging.getLogger("actors")

MAX_UNITS: Final = 1024
"""How many units one commit takes at most; telling as many takes about a millisecond."""


class Job:
    """A function that the writer runs on its connection between two batches."""

    __slots__ = ("_on_end", "error", "function", "result")

    def __init__(self, function: Callable[[sqlite3.Connection], object], on_end: Callable[[], object]) -> None:
        self.function = function
        self.result: Any = None
        self.error: BaseException | None = None
        self._on_end = on_end

    def run(self, connection: sqlite3.Connection) -> None:
        """Run the function, and keep what comes of it."""
        try:
            self.result = self.function(connection)
        except BaseException as error:  # noqa: BLE001 -- raised where it is waited for
            self.error = error

    def tell(self) -> None:
        """Tell whoever waits that the function has ended."""
        self._on_end()


class Batch:
    """Units that are committed at once."""

    __slots__ = ("errors", "units")

    def __init__(self, units: Sequence[Unit]) -> None:
        self.units = units
        self.errors: Sequence[Exception | None] | None = None
        """What kept each from being stored; None if all are."""

    def tell(self, path: str) -> None:
        """Tell everybody who asked, in the order of the units."""
        for unit, error in zip(self.units, self.errors or repeat(None)):  # noqa: B905 -- `repeat` never ends
            if unit[2] is not None:
                try:
                    unit[2](None if error is None else explained(error, path))
                except BaseException as raised:
                    logger.error("telling what became of a unit in %s failed", path, exc_info=raised)  # noqa: TRY400


class Writer:
    """What both writers have: what waits, in its order, and the count of what was done."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.appended = 0
        """How many units and jobs were appended so far."""
        self.told = 0
        """How many of them were told what became of them."""
        self.commits = 0
        self.stored = 0
        """How many units were stored."""
        self.failed = 0
        """How many were not."""
        self.largest = 0
        """The units of the largest commit."""
        self._waiting: deque[Unit | Job] = deque()
        self._ended: deque[Batch | Job] = deque()
        self._urgent = False
        """Whether there is something that the writer was woken for, and has not begun."""
        self._urgent_until = 0
        """How many have been told when nobody waits any more."""

    def append(self, item: Unit | Job, *, lazy: bool = False) -> None:
        """Append *item*; if it is *lazy*, it waits for one that is not, or for `hurry`."""
        self._waiting.append(item)
        self.appended += 1
        if not lazy:
            self.hurry()

    def hurry(self) -> None:
        """Have everything committed that was appended so far."""
        if self.told == self.appended:
            return
        # With very much to do, the thread goes on by itself, and then the loop does not know of it.
        awake = self._urgent and self.told < self._urgent_until
        self._urgent_until = self.appended
        if not awake:
            self._urgent = True
            self.wake()

    def wake(self) -> None:
        """Let the writer run."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the writer, which has nothing to do any more."""

    async def attend(self) -> None:
        """Help the writer, for ever, from within the loop."""
        await trio.sleep_forever()

    def let_go(self) -> None:
        """Note that the statements of a batch have run, or that a job begins: that may take as long as it likes."""

    def work(self) -> None:
        """Commit the next batch, or run the next job."""
        self._urgent = False  # before looking: what is appended from here on wakes the writer anew
        waiting = self._waiting
        units: list[Unit] = []
        while waiting and len(units) < MAX_UNITS:
            item = waiting[0]
            if type(item) is Job:
                if not units:
                    self._run(item)
                break
            units.append(waiting.popleft())  # type: ignore[arg-type]  # no Job, as was just seen
        if waiting:
            self._urgent = True
        if units:
            self._commit(units)

    def _run(self, job: Job) -> None:
        self._waiting.popleft()
        self.let_go()
        job.run(self.connection)
        self._ended.append(job)

    def _commit(self, units: Sequence[Unit]) -> None:
        batch = Batch(units)
        batch.errors = commit(self.connection, units, self.let_go)
        failed = 0 if batch.errors is None else sum(error is not None for error in batch.errors)
        self.commits += 1
        self.failed += failed
        self.stored += len(units) - failed
        self.largest = max(self.largest, len(units))
        self._ended.append(batch)

    def tell(self) -> None:
        """Tell what became of what was done, in the thread of the loop."""
        ended = self._ended
        while ended:
            item = ended.popleft()
            if isinstance(item, Batch):
                self.told += len(item.units)
                item.tell(self.path)
                continue
            self.told += 1
            item.tell()


class InlineWriter(Writer):
    """A writer that keeps the loop waiting while it commits, for virtual time; batches gather in a turn of the loop."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection)
        self._token = trio.lowlevel.current_trio_token()

    def wake(self) -> None:
        """Commit in the next turn of the loop."""
        self._token.run_sync_soon(self._work)

    def _work(self) -> None:
        while self._urgent:
            self.work()
        self.tell()
