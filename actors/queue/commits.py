"""Commits: how what a queue has to store comes into its store, one batch at a time."""

from __future__ import annotations

import logging
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, Protocol

import attrs
import trio

from actors.queue.errors import FencedError
from actors.queue.telling import persist_told
from actors.queue.unstored import MOST, first_of
from actors.settlement import Handled
from actors.telemetry import QUEUE_PERSIST

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.queue.answers import Answers
    from actors.queue.behaviour import Batch, Done, QueueStore, Row
    from actors.queue.lanes import Box
    from actors.queue.ledger import Ledger
    from actors.queue.unstored import Unstored
    from actors.ref import ActorRef
    from actors.settlement import Outcome

logger: Final = logging.getLogger("actors")

RETRY_SECONDS: Final = 1.0
"""How long the queue waits before it tries again to store what became of messages, after the store failed."""


class Teller(Protocol):
    """Who put something and is told what became of it."""

    @property
    def answered(self) -> bool:
        """Whether it would not hear any more."""

    def reply(self, value: object) -> None:
        """Say that it is stored."""

    def refuse(self, error: Exception) -> None:
        """Say that it is not."""


class Posted:
    """A message on its way into the store."""

    # No `__init__`: as in the runtime, it would cost as much as all the rest of making one.
    __slots__ = ("callers", "row")

    row: Row
    callers: list[Teller]


@attrs.frozen(eq=False)
class Stored:
    """What the store has reported."""

    posted: dict[str, Posted]
    batch: Batch
    barriers: list[Callable[[], None]]
    error: Exception | None = None


class Flush:
    """What gathered is to be stored."""


class Ride:
    """What became of messages has waited long enough for a put to be stored with."""


class Commits:
    """What is gathered for the store, and what it is at work with."""

    usher: ActorRef
    """Who asks the queue to store what gathered."""

    def __init__(self, ref: ActorRef, store: QueueStore, epoch: int, ledger: Ledger, ride_seconds: float) -> None:
        self._ref = ref
        self._store = store
        self._epoch = epoch
        self._ledger = ledger
        self._ride_seconds = ride_seconds
        self._gathered: dict[str, Posted] = {}
        self._storing: dict[str, Posted] | None = None
        self._barriers: list[Callable[[], None]] = []
        self._lately = 0
        """How many messages the larger of the last two batches had."""
        self._last = 0
        self._flushing = False
        self._riding = False
        self._failed = False
        self._unstored = ledger.unstored

    # -- gathering

    def post(self, posted: Posted) -> None:
        """Have a message stored with the next batch."""
        self._gathered[posted.row.id] = posted
        if self._storing is None:
            if len(self._gathered) >= self._lately:
                # As many as put something lately have done so again, which may be one: there is nobody to wait for.
                self._commit()
            elif not self._flushing:
                self._flushing = True
                self.usher.cast(Flush)

    @property
    def gathering(self) -> bool:
        """Whether what gathers will be stored without anybody's asking for it."""
        return self._flushing or self._storing is not None

    def gather(self, posted: Posted) -> None:
        """As `post`, while a batch is being gathered anyway."""
        self._gathered[posted.row.id] = posted

    def waiting(self) -> list[Teller]:
        """Return those who put something and have not been told yet what became of it."""
        on_their_way = chain(self._gathered.values(), (self._storing or {}).values())
        return [caller for posted in on_their_way for caller in posted.callers]

    def posted(self, message_id: str) -> Posted | None:
        """Return the message with this id if it is on its way."""
        return self._gathered.get(message_id) or (self._storing or {}).get(message_id)

    def was_stored(self, message_id: str) -> bool:
        """Tell whether such a message was stored and who put it may not know."""
        return self._unstored.remembers(message_id)

    def ride(self) -> None:
        """Have what became of messages stored with the next batch, or before long."""
        if not self._riding:
            self._riding = True
            self._ref.send_after(RETRY_SECONDS if self._failed else self._ride_seconds, Ride)

    def when_stored(self, action: Callable[[], None]) -> None:
        """Call *action* when everything before is stored, or could not be."""
        self._barriers.append(action)
        self._unstored.ripen()
        if self._storing is None:
            self._commit()

    # -- storing

    def flush(self) -> None:
        """Store what has gathered, unless the store is at work: then that follows."""
        self._flushing = False
        if self._storing is None:
            self._commit()

    def ride_alone(self) -> None:
        """Store what became of messages, which has waited long enough."""
        self._riding = False
        self._unstored.ripen()
        self.flush()

    def _commit(self) -> None:
        # What became of messages may make room, so after a failure it goes first.
        alone = self._failed and self._unstored.ripe
        posted, self._gathered = ({}, self._gathered) if alone else first_of(self._gathered, MOST)
        batch = self._unstored.take_batch([one.row for one in posted.values()])
        barriers: list[Callable[[], None]] = []
        if not self._unstored.ripe:
            barriers, self._barriers = self._barriers, []
        self._lately, self._last = max(self._last, len(posted)), len(posted)
        if batch:
            self._storing = posted
            done: Done = partial(self._report, Stored(posted, batch, barriers))
            if QUEUE_PERSIST.listeners:
                done = persist_told(done, self._ref, len(posted))
            self._store.commit(self._epoch, batch, done)
            return
        for action in barriers:
            action()

    def _report(self, stored: Stored, error: Exception | None) -> None:
        """Tell the queue what the store has said; runs outside of its handlers."""
        if error is not None:
            stored = attrs.evolve(stored, error=error)
        self._ref.deliver(stored, partial(self._remember, stored))

    def _remember(self, stored: Stored, outcome: Outcome) -> None:
        """Keep what a queue that has ended can no longer act on: its next incarnation does."""
        if type(outcome) is Handled:
            return
        if stored.error is None:
            for message_id in stored.posted:
                self._unstored.remember(message_id)
        elif not isinstance(stored.error, FencedError):
            self._unstored.owe(stored.batch)

    # -- what the store has reported

    def settle(self, stored: Stored, now: float, answers: Answers) -> set[Box]:
        """Take the messages of a batch in, and answer those who put them; return for whom something came."""
        self._storing = None
        error = stored.error
        self._failed = error is not None
        if error is None:
            boxes, actions = self._take_in(stored, now, answers), stored.barriers
        else:
            boxes, actions = self._refuse(stored, error), stored.barriers + self._barriers
            self._barriers = []
        for action in actions:
            action()
        if self._barriers or (self._unstored.ripe >= MOST and not self._failed):
            self._commit()
        elif self._gathered:
            self._flush_later(len(stored.posted))
        elif self._unstored:
            self.ride()
        return boxes

    def _flush_later(self, told: int) -> None:
        """Store what has gathered when so many who were just told have had their turn: they may put something again.

        Else those who put something would fall into two groups, each of which waits for the other's commit.
        """
        self._lately = max(self._lately, len(self._gathered) + told)
        if not self._flushing:
            self._flushing = True
            self._ref.send_after(0.0, Flush)

    def _take_in(self, stored: Stored, now: float, answers: Answers) -> set[Box]:
        boxes = set()
        admit = self._ledger.admit
        for message_id, posted in stored.posted.items():
            if posted.row.kind and answers.deliver_row(posted.row):
                self._unstored.deleted.append(posted.row.seq)
            else:
                boxes.add(admit(posted.row, now).box)
            for caller in posted.callers:
                if caller.answered:
                    self._unstored.remember(message_id)
                else:
                    caller.reply(message_id)
        return boxes

    def _refuse(self, stored: Stored, error: Exception) -> set[Box]:
        refused = stored.posted
        if not refused:
            # What waited for a batch that was to make room has the same answer.
            refused, self._gathered = self._gathered, {}
        for message_id, posted in refused.items():
            self._ledger.ids.pop(message_id, None)
            for caller in posted.callers:
                caller.refuse(error)
        if isinstance(error, FencedError):
            raise error
        logger.error("%s could not store %d messages: %s", self._ref, len(refused), error)
        self._unstored.owe(stored.batch)
        return set()

    async def finish(self) -> None:
        """Store what became of messages, and wait for that; what was not stored yet is forgotten."""
        await store_now(self._store, self._epoch, self._unstored)


async def store_now(store: QueueStore, epoch: int, unstored: Unstored) -> None:
    """Store what became of messages and is not in *store* yet; raises what the store says."""
    unstored.ripen()
    while batch := unstored.take_batch([]):
        if (error := await _committed(store, epoch, batch)) is not None:
            unstored.owe(batch)
            raise error


async def _committed(store: QueueStore, epoch: int, batch: Batch) -> Exception | None:
    event = trio.Event()
    errors: list[Exception | None] = []

    def done(error: Exception | None) -> None:
        errors.append(error)
        event.set()

    store.commit(epoch, batch, done)
    await event.wait()
    return errors[0]
