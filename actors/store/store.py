"""Store: the actor that knows which values there are, who holds them, and when they go.

No handler waits for the ReferenceStore. Changes gather until it is done with the batch before; who asked for one is
answered when it is stored.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors.actor import Actor
from actors.errors import UndefinedHandlerError
from actors.result import NO_REPLY
from actors.show import shown
from actors.store import outcomes
from actors.store import requests as ask
from actors.store.behaviour import Piece
from actors.store.checks import check_store
from actors.store.commits import Commits, Flush, Stored
from actors.store.errors import (
    IntegrityError,
    ReferenceNotFoundError,
    StoreClosedError,
    StoreError,
    ValueTooLargeError,
)
from actors.store.ledger import Ledger, expired, reference_of, value_of
from actors.store.offers import StoreOffers
from actors.store.options import StoreOptions
from actors.store.uploads import Uploads
from actors.telemetry import STORE_COLLECT
from actors.wall_clock import can_be_set, never_back, wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from actors.caller import Caller
    from actors.inspect import Command
    from actors.store.behaviour import ReferenceStore, Row
    from actors.store.ledger import Facts
    from actors.wall_clock import WallClock

logger: Final = logging.getLogger("actors")

new: Final = tuple.__new__

SLICE: Final = 1000
"""So many rows are read at a time."""

AT_ONCE: Final = 256
"""So much garbage is collected before others have their turn."""

SWEEP_SECONDS: Final = 60.0
"""How often the store looks for values that will never be complete."""


@attrs.frozen
class Collecting:
    """Go on collecting garbage; *caller* asked for it, if somebody did."""

    caller: Caller | None = None
    count: int = 0


class CollectGarbage:
    """It is time to collect garbage."""


class Sweep:
    """It is time to look for values that will never be complete."""


class Store(Actor):
    """A store of values by their content, which outlive this actor in its *store*. Talk to it with a `StoreClient`."""

    def __init__(
        self, store: ReferenceStore, options: StoreOptions | None = None, *, clock: WallClock | None = None
    ) -> None:
        check_store(store, options)
        self.store = store
        self.options = StoreOptions() if options is None else options
        self.clock = clock
        self.closed = False

    async def init(self) -> None:
        """Find what is in the store; what was coming piece by piece may go on."""
        wall = self.clock or wall_clock()
        self.now: WallClock = never_back(wall, self.system.timers.now) if can_be_set(wall) else wall
        self.epoch = await self.store.open(self.system)
        self.closed = self.system in outcomes.closed_in(self.store)
        self.ledger = Ledger(self.store.kind)
        await self._load()
        self.commits = Commits(self.ref, self.store, self.epoch, self.ledger)
        last = self.store.last_seq()
        self.uploads = Uploads(self.commits, self.ledger, self.system.timers.now, last)
        self.uploads.load(self.store.loose())
        self._handlers = self._handlers_by_request()
        self.ref.send_every(SWEEP_SECONDS, Sweep)
        if self.options.gc_enabled and self.options.gc_strategy != "manual":
            self.ref.send_every(self.options.gc_interval, CollectGarbage)

    def handle_call(self, message: object, caller: Caller) -> Any:
        """Do what is asked, or refuse with a `StoreError`."""
        handler = self._handlers.get(type(message))
        if handler is None:
            caller.refuse(UndefinedHandlerError(f"{self.ref} is a store of references, and knows no {shown(message)}"))
            return NO_REPLY
        if self.closed and type(message) not in WHEN_CLOSED:
            return self._answer_closed(message, caller)
        try:
            return handler(message, caller)
        except StoreError as error:
            caller.refuse(error)
            return NO_REPLY

    def _answer_closed(self, message: Any, caller: Caller) -> Any:
        """Refuse what was not done before the store was closed."""
        if getattr(message, "again", False) and (done := self.commits.outcome(message.key)) is not NO_REPLY:
            return done
        caller.refuse(StoreClosedError(f"the store {self.ref} is closed"))
        return NO_REPLY

    def handle_cast(self, message: object) -> None:
        """Go on with what the ReferenceStore has reported, or let go of what will not be complete."""
        if isinstance(message, Stored):
            undone = self.commits.settle(message)
            if undone is not None:
                rows, loose = self.store.fetch(list(undone.rows | undone.gone)), self.store.loose()
                self.ledger.reload(undone, rows, loose, self.store.totals())
                self.uploads.load(loose)
                self.commits.pass_barriers()
        elif isinstance(message, ask.Abandon):
            self.uploads.abandon(message.seq)

    def handle_info(self, message: object) -> None:
        """Do what time brings."""
        if message is Flush:
            self.commits.flush()
        elif message is CollectGarbage:
            self._collect_garbage()
        elif message is Sweep:
            self.uploads.sweep()
        elif isinstance(message, Collecting):
            self._collect_some(message)

    async def _load(self) -> None:
        after = 0
        while rows := self.store.rows(after, SLICE):
            self.ledger.load(rows)
            after = rows[-1].seq
            await trio.lowlevel.checkpoint()
        self.ledger.totals = self.store.totals()

    def shell_commands(self) -> Mapping[str, Command]:
        """Offer to show what is kept (`actors.inspect.Commands`)."""
        return StoreOffers(lambda: self.ledger, self.now).commands() if hasattr(self, "_handlers") else {}

    def _handlers_by_request(self) -> dict[type, Callable[[Any, Caller], Any]]:
        return {
            ask.Put: self._put,
            ask.Fetch: self._fetch,
            ask.Begin: self.uploads.begin,
            ask.AddPieces: self.uploads.add,
            ask.Finish: self._finish,
            ask.Quarantine: self._quarantine,
            ask.Retain: self._retain,
            ask.Release: self._release,
            ask.Delete: self._delete,
            ask.ListReferences: self._list,
            ask.ListValues: self._list_values,
            ask.GetValue: self._value,
            ask.ListQuarantined: self._list_quarantined,
            ask.GetStatistics: self._statistics,
            ask.GetTerms: self._terms,
            ask.Collect: self._collect,
            ask.Close: self._close,
        }

    # -- storing

    def _put(self, request: ask.Put, caller: Caller) -> Any:
        key, facts, coding, data, again = request
        if again and (done := self.commits.outcome(key)) is not NO_REPLY:
            return done
        if facts[1] > self.options.max_bytes:
            self._refuse_size(facts)
        seq = self.uploads.new_seq()
        row = self.ledger.put(facts, seq, self.now())
        if row.seq == seq:
            self.ledger.batch.pieces.append(new(Piece, (seq, 0, coding, data)))
        return self.commits.submit(caller, key, reference_of(row, self.ledger.kind))

    def _finish(self, request: ask.Finish, caller: Caller) -> Any:
        if request.again and (done := self.commits.outcome(request.key)) is not NO_REPLY:
            return done
        self._refuse_size(request.facts)
        loose = self.uploads.end(request.seq, request.facts)
        row = self.ledger.put(request.facts, request.seq, self.now())
        if row.seq == request.seq:
            self.ledger.settle(request.seq)
        else:
            self.ledger.doom(loose)
        return self.commits.submit(caller, request.key, reference_of(row, self.store.kind))

    def _refuse_size(self, facts: Facts) -> None:
        """Refuse a value that is too large; a client that knows the options of today has refused it before."""
        size, most = facts.size, self.options.max_bytes
        if size > most:
            raise ValueTooLargeError(f"a value of {size} bytes is too large: {self.ref} takes {most}", size, most)

    # -- resolving

    def _fetch(self, request: ask.Fetch, caller: Caller) -> Any:
        find = self.ledger.find
        row = find(request.id, self.now()) if request.number == 0 else self.ledger.known(request.id)
        if row.fault is not None:
            raise _in_quarantine(row, row.fault)
        if request.seq is not None and request.seq != row.seq:
            raise ReferenceNotFoundError(f"reference {row.id} was removed, and stored anew, meanwhile", row.id)
        piece = self.store.piece(row.seq, request.number)
        if piece is not None:
            return ask.Content(row, piece)
        if not self.commits.pending(row.seq):
            self.ledger.quarantine(row, fault := f"piece {request.number} of {row.pieces} is missing")
            self.commits.store_soon()
            raise _in_quarantine(row, fault)
        self.commits.when_stored(partial(self._fetch_again, request, caller))
        return NO_REPLY

    def _fetch_again(self, request: ask.Fetch, caller: Caller) -> None:
        found = self.handle_call(request, caller)
        if found is not NO_REPLY:
            caller.reply(found)

    def _quarantine(self, request: ask.Quarantine, caller: Caller) -> Any:
        self.ledger.quarantine(request.row, request.fault)
        return self.commits.submit(caller, None, None)

    # -- holding

    def _retain(self, request: ask.Retain, caller: Caller) -> Any:
        if request.again and (done := self.commits.outcome(request.key)) is not NO_REPLY:
            return done
        row = self.ledger.retain(request.id, self.now(), request.count)
        return self.commits.submit(caller, request.key, reference_of(row, self.store.kind))

    def _release(self, request: ask.Release, caller: Caller) -> Any:
        if request.again and (done := self.commits.outcome(request.key)) is not NO_REPLY:
            return done
        return self.commits.submit(caller, request.key, self.ledger.release(request.id))

    def _delete(self, request: ask.Delete, caller: Caller) -> Any:
        if request.again and (done := self.commits.outcome(request.key)) is not NO_REPLY:
            return done
        return self.commits.submit(caller, request.key, self.ledger.delete(request.id))

    # -- looking

    def _list(self, request: ask.ListReferences, _caller: Caller) -> Any:
        last, rows = self._page(request)
        now = self.now()
        return last, tuple(reference_of(row, self.store.kind) for row in rows if not expired(row, now))

    def _list_values(self, request: ask.ListValues, _caller: Caller) -> Any:
        last, rows = self._page(request)
        return last, tuple(value_of(row, self.store.kind) for row in rows)

    def _page(self, request: ask.ListReferences | ask.ListValues) -> tuple[int, list[Row]]:
        rows = self.store.rows(request.after, request.most)
        known = self.ledger.rows
        return rows[-1].seq if rows else 0, [known[row.id] for row in rows if row.id in known]

    def _value(self, request: ask.GetValue, _caller: Caller) -> ask.StoredValue:
        return value_of(self.ledger.known(request.id), self.store.kind)

    def _list_quarantined(self, _request: ask.ListQuarantined, _caller: Caller) -> Any:
        rows = [self.ledger.rows[reference_id] for reference_id in self.ledger.quarantined]
        return tuple((reference_of(row, self.store.kind), row.fault) for row in rows)

    def _statistics(self, _request: ask.GetStatistics, _caller: Caller) -> ask.StoreStatistics:
        ledger = self.ledger
        return ask.StoreStatistics(
            total_refs=ledger.totals.refs,
            total_bytes=ledger.totals.bytes,
            active_refs=len(ledger.rows),
            current_bytes=ledger.bytes,
            stored_bytes=ledger.stored,
            gc_runs=ledger.totals.gc_runs,
            eviction_count=ledger.totals.evictions,
            quarantined=len(ledger.quarantined),
        )

    def _terms(self, _request: ask.GetTerms, _caller: Caller) -> ask.Terms:
        options = self.options
        return ask.Terms(
            self.store.kind, self.store.piece_bytes, options.max_bytes, options.ttl, options.compression,
            options.compress_above,
        )  # fmt: skip

    # -- garbage

    def _collect_garbage(self) -> None:
        if not self.closed:
            self.ledger.count_run()
            self._collect_some(Collecting())

    def _collect(self, _request: ask.Collect, caller: Caller) -> Any:
        self.ledger.count_run()
        self._collect_some(Collecting(caller))
        return NO_REPLY

    def _collect_some(self, collecting: Collecting) -> None:
        caller = collecting.caller
        if self.closed:
            if caller is not None:
                caller.refuse(StoreClosedError(f"the store {self.ref} was closed, with {collecting.count} collected"))
            return
        strategy = "any" if caller is not None else self.options.gc_strategy
        count = self.ledger.collect(
            self.now(), AT_ONCE, expiry=strategy in ("any", "ttl"), unheld=strategy in ("any", "ref_counting")
        )
        collecting = Collecting(caller, collecting.count + count)
        if STORE_COLLECT.listeners and count < AT_ONCE:
            STORE_COLLECT.emit({"count": collecting.count}, {"actor": self.ref})
        if count == AT_ONCE:
            self.commits.store_soon()
            self.ref.send(collecting)
        elif caller is not None:
            self.commits.tell(caller, collecting.count)
        else:
            self.commits.store_soon()

    # -- closing

    def _close(self, _request: ask.Close, caller: Caller) -> Any:
        if self.closed:
            return None
        self.closed = True
        outcomes.closed_in(self.store).add(self.system)
        self.commits.when_idle(partial(self._closed, caller))
        return NO_REPLY

    def _closed(self, caller: Caller) -> None:
        self.store.close()
        if not self.store.rows(0, 1):
            totals, self.ledger = self.ledger.totals, Ledger(self.store.kind)
            self.ledger.totals = totals
        caller.reply(None)


WHEN_CLOSED: Final = frozenset({ask.Close, ask.GetStatistics, ask.GetTerms})
"""What a closed store still answers."""


def _in_quarantine(row: Row, fault: str) -> IntegrityError:
    return IntegrityError(f"reference {row.id} of {row.size} bytes is in quarantine: {fault}", row.id)
