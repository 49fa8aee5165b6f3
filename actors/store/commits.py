"""Commits: how what a store has changed comes into its ReferenceStore, one batch at a time."""

from __future__ import annotations

import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.result import NO_REPLY
from actors.store.behaviour import Batch
from actors.store.errors import StaleStoreError, StoreError
from actors.store.outcomes import LATEST, outcomes_of, remember

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.caller import Caller
    from actors.ref import ActorRef
    from actors.settlement import Outcome
    from actors.store.behaviour import Loose, Piece, ReferenceStore
    from actors.store.ledger import Ledger

logger: Final = logging.getLogger("actors")

PIECES: Final = 4
"""So many pieces of values that have several are stored with one commit, and so many are deleted."""


@attrs.define(eq=False, slots=True)
class Waiting:
    """Somebody who is told when something is stored."""

    caller: Caller
    key: int | None
    result: object
    stored: bool = False
    """Whether it was stored while the handler runs, which returns the answer."""


@attrs.frozen(eq=False)
class Stored:
    """What the store has reported."""

    batch: Batch
    error: Exception | None


class Flush:
    """What gathered is to be stored."""


class Commits:
    """What gathers, what waits for its turn, and what the ReferenceStore is at work with."""

    def __init__(self, ref: ActorRef, store: ReferenceStore, epoch: int, ledger: Ledger) -> None:
        self._ref = ref
        self._store = store
        self._epoch = epoch
        self._ledger = ledger
        self._waiting: list[Waiting] = []
        self._at_work: list[Waiting] | None = None
        self._batch = Batch()
        """What the ReferenceStore is at work with, or was."""
        self._large: deque[tuple[tuple[Piece, ...], Loose, Waiting]] = deque()
        self._barriers: list[Callable[[], None]] = []
        self._flushing = False
        self._lately = 0
        self._outcomes = outcomes_of(store)
        self._prompt = store.prompt
        self._answering: Waiting | None = None
        """Whose request is being handled."""

    def pending(self, seq: int) -> bool:
        """Tell whether the row with this number is not stored yet."""
        return seq in self._ledger.batch.rows or (self._at_work is not None and seq in self._batch.rows)

    def outcome(self, key: int) -> Any:
        """Return what was done for a request, if it was and whoever asked was not told; else NO_REPLY."""
        latest, result = self._outcomes.get(LATEST, (0, None))
        return result if latest == key else self._outcomes.pop(key, NO_REPLY)

    def submit(self, caller: Caller, key: int | None, result: object) -> Any:
        """Return the answer of a handler to *caller*: *result*, or NO_REPLY, if it is given when that is stored."""
        if self._prompt and key is not None and not self._busy:
            told: list[Exception | None] = []
            self._batch = batch = self._ledger.take_batch()
            self._store.commit(self._epoch, batch, told.append)
            if told[0] is None:
                # Should the handler fail before it returns, it is only this one that was not told.
                self._outcomes[LATEST] = (key, result)
                return result
            self._at_work = [Waiting(caller, key, result)]
            self._ref.deliver(Stored(batch, told[0]), _settled)
            return NO_REPLY
        self._answering = waiting = Waiting(caller, key, result)
        self._waiting.append(waiting)
        self._gathered()
        self._answering = None
        return result if waiting.stored else NO_REPLY

    def tell(self, caller: Caller, result: object) -> None:
        """As `submit`, for a request whose handler has returned."""
        self._waiting.append(Waiting(caller, None, result))
        self._gathered()

    def submit_pieces(self, caller: Caller, pieces: tuple[Piece, ...], loose: Loose) -> Any:
        """Answer *caller* when *pieces* are stored, a few at a time."""
        self._large.append((pieces, loose, Waiting(caller, None, None)))
        self._gathered()
        return NO_REPLY

    def when_stored(self, action: Callable[[], None]) -> None:
        """Call *action* when the next batch is stored, or cannot be."""
        self._barriers.append(action)
        self.store_soon()

    def when_idle(self, action: Callable[[], None]) -> None:
        """Call *action* when nothing is left to be stored."""
        if self._at_work is None and not (self._waiting or self._large or self._ledger.batch):
            action()
        else:
            self.when_stored(partial(self.when_idle, action))

    def store_soon(self) -> None:
        """Have stored what was changed."""
        self._gathered()

    def _gathered(self) -> None:
        if self._at_work is None:
            if len(self._waiting) >= self._lately:
                self.flush()
            elif not self._flushing:
                self._flush_later()

    def _flush_later(self) -> None:
        """Store what gathers once those who are about to ask had their turn.

        What is sent by a timer overtakes nobody. A message to itself would stand in the mailbox before theirs, and what
        they ask would not be handled at once any more.
        """
        self._flushing = True
        self._ref.send_after(0.0, Flush)

    def flush(self) -> None:
        """Store what has gathered, unless the ReferenceStore is at work."""
        self._flushing = False
        if self._at_work is not None:
            return
        self._take_large()
        self._ledger.drop_some(PIECES)
        if self._ledger.batch or self._waiting:
            self._commit()
        else:
            self.pass_barriers()

    def _take_large(self) -> None:
        room = PIECES
        while self._large and (room == PIECES or len(self._large[0][0]) <= room):
            pieces, loose, waiting = self._large.popleft()
            room -= len(pieces)
            self._ledger.add(pieces, loose)
            self._waiting.append(waiting)

    def _commit(self) -> None:
        batch = self._ledger.take_batch()
        self._at_work, self._waiting = self._waiting, []
        self._lately = len(self._at_work)
        self._batch = batch
        self._store.commit(self._epoch, batch, partial(self._report, batch, self._at_work))

    def _report(self, batch: Batch, waiting: list[Waiting], error: Exception | None) -> None:
        """Tell everybody what the ReferenceStore has said; runs outside of the handlers, or within one."""
        if error is None:
            for one in waiting:
                caller = one.caller
                if one is self._answering:
                    one.stored = True
                    # Should the handler fail before it returns, it is only this one that was not told.
                    self._outcomes[LATEST] = (one.key, one.result)
                elif not caller.answered:
                    caller.reply(one.result)
                elif one.key is not None:
                    remember(self._outcomes, one.key, one.result)
        if error is None and not self._more:
            self._at_work = None
        else:
            self._ref.deliver(Stored(batch, error), _settled)

    # -- what was reported

    def settle(self, stored: Stored) -> Batch | None:
        """Go on with what gathered; return what could not be stored, and has to be undone."""
        told, self._at_work = self._at_work or [], None
        if stored.error is not None:
            return self._refuse(told, stored)
        self.pass_barriers()
        if self._more:
            self._flush_soon(len(told))
        return None

    @property
    def _busy(self) -> bool:
        """Whether something comes before what is submitted now."""
        return self._at_work is not None or bool(self._waiting or self._barriers or self._large or self._ledger.doomed)

    @property
    def _more(self) -> bool:
        """Whether something is left to do when a batch is stored."""
        ledger = self._ledger
        return bool(self._waiting or self._barriers or self._large or ledger.doomed or ledger.batch)

    def _flush_soon(self, told: int) -> None:
        """Store what gathered once those who were just told had their turn: else there would be two groups."""
        if self._flushing:
            return
        if told > 1:
            self._lately = told + len(self._waiting)
            self._flush_later()
        else:
            self.flush()

    def _refuse(self, told: list[Waiting], stored: Stored) -> Batch:
        error = stored.error
        assert error is not None
        if isinstance(error, StaleStoreError):
            raise error
        refused = told + self._waiting + [waiting for _, _, waiting in self._large]
        self._waiting = []
        self._large.clear()
        logger.error("%s could not store a batch, which %d callers waited for: %s", self._ref, len(refused), error)
        for one in refused:
            one.caller.refuse(error if isinstance(error, StoreError) else StoreError(str(error)))
        undone, more = stored.batch, self._ledger.take_batch()
        undone.rows.update(more.rows)
        undone.gone.update(more.gone)
        return undone

    def pass_barriers(self) -> None:
        """Do what waited for the last batch, which is stored, or could not be."""
        barriers, self._barriers = self._barriers, []
        for action in barriers:
            action()


def _settled(_: Outcome) -> None:
    """Do nothing: who ended meanwhile has nothing to go on with."""
