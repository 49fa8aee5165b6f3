"""SharedMemory: the actor that keeps entries, decides which write comes first, and tells those who watch.

No handler waits for the store. One flight of writes is on its way to it at a time; what comes meanwhile gathers, and
is decided when that has landed: so nobody reads, and no version follows, what might still turn out not to be stored.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import aclosing
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from actors.actor import Actor
from actors.errors import UndefinedHandlerError
from actors.message import Down
from actors.result import NO_REPLY
from actors.shared_memory import requests as ask
from actors.shared_memory.behaviour import Change
from actors.shared_memory.entry import Broken, Entry
from actors.shared_memory.errors import (
    CorruptEntryError,
    FencedError,
    SharedMemoryClosedError,
    SharedMemoryError,
)
from actors.shared_memory.flight import MOST, Flight, Landed
from actors.shared_memory.key import Namespace
from actors.shared_memory.legacy import legacy_of
from actors.shared_memory.offers import MemoryOffers
from actors.shared_memory.shelves import Shelves
from actors.shared_memory.watches import Watches
from actors.show import shown
from actors.wall_clock import wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from actors.caller import Caller
    from actors.exit import ExitReason
    from actors.inspect import Command
    from actors.ref import ActorRef
    from actors.shared_memory.behaviour import EntryStore
    from actors.shared_memory.entry import Record
    from actors.shared_memory.flight import Answer
    from actors.shared_memory.interest import Interest
    from actors.shared_memory.requests import Write
    from actors.wall_clock import WallClock

logger: Final = logging.getLogger("actors")

new: Final = tuple.__new__

METHODS: Final = ("open", "commit", "records", "last_change", "outcome", "close")


@attrs.define(eq=False)
class Departure:
    """When what gathers is to be stored; sent by a shared memory to itself, to look whether more has come."""

    expected: int
    """When so many have gathered, all who may come are there."""
    gathered: int = -1
    """How many had when it was looked last. Not before the second look have all had their turn."""


class SharedMemory(Actor):
    """Entries that all agents read, write and watch; they outlive this actor in its *store*.

    Talk to it with a `SharedMemoryClient`.
    """

    def __init__(self, store: EntryStore, *, clock: WallClock | None = None) -> None:
        if isinstance(store, type):
            raise TypeError(f"the store of a SharedMemory is an EntryStore; got {store!r}, the class of one")
        if missing := [name for name in METHODS if not callable(getattr(store, name, None))]:
            raise TypeError(
                f"the store of a SharedMemory has the methods of EntryStore; {shown(store)} lacks {missing}"
            )
        self.store = store
        self.clock = clock
        self.closed = False

    async def init(self) -> None:
        """Find what is in the store, and tell those who watch what they were not told before."""
        self.now: WallClock = self.clock or wall_clock()
        self.epoch = await self.store.open(self.system)
        self.shelves = Shelves()
        async with aclosing(self.store.records()) as slices:
            async for records in slices:
                self._load(records)
                await trio.lowlevel.checkpoint()
        self.last_change = self.store.last_change()
        self.legacy = legacy_of(self.store)
        self._counts = self.legacy.counts
        self._take_over_watches()
        self._flight: Flight | None = None
        self._gathered: deque[tuple[Write, Caller]] = deque()
        self._departure: Departure | None = None
        self._told: deque[Exception | None] = deque(maxlen=1)
        self._note = self._told.append
        """What a prompt store tells what became of a put."""
        self._handlers: dict[type, Callable[[Any, Caller], Any]] = {
            ask.Get: self._get,
            ask.Put: self._put_now if self.store.prompt else self._write,
            ask.Delete: self._write,
            ask.ListKeys: self._list,
            ask.StartWatch: self._start_watch,
            ask.GetStatistics: self._statistics,
            ask.Close: self._close,
        }
        if self.system in self.legacy.closed_in:
            self._shut()

    def _take_over_watches(self) -> None:
        self.watches = Watches()
        self._owned: dict[ActorRef, dict[Interest, None]] = {}
        for watch in self.legacy.watches:
            self._add_watch(watch)
        self._tell_all()

    def handle_call(self, message: object, caller: Caller) -> Any:
        """Do what is asked, or refuse with a `SharedMemoryError`."""
        handler = self._handlers.get(type(message))
        if handler is not None:
            return handler(message, caller)
        if self.closed:
            caller.refuse(SharedMemoryClosedError(f"the shared memory {self.ref} is closed"))
        else:
            caller.refuse(UndefinedHandlerError(f"{self.ref} is a shared memory, and knows no {shown(message)}"))
        return NO_REPLY

    def handle_cast(self, message: object) -> None:
        """Go on with what the store has reported."""
        if type(message) is Landed and message.flight is self._flight:
            self._arrive(message.flight)
            if self._gathered or len(message.flight.answers) > 1:
                self._depart_soon(len(message.flight.answers))

    def handle_info(self, message: object) -> None:
        """Store what has gathered, or end the watches of an actor that has ended."""
        if type(message) is Down:
            for watch in self._owned.pop(message.ref, ()):
                watch.close()
        elif type(message) is Departure and message is self._departure:
            if len(self._gathered) > message.gathered:
                message.gathered = len(self._gathered)
                self.ref.send_after(0.0, message)
            else:
                self._depart()

    def shell_commands(self) -> Mapping[str, Command]:
        """Offer to show what is kept (`actors.inspect.Commands`)."""
        return MemoryOffers(self).commands() if hasattr(self, "_handlers") else {}

    async def terminate(self, reason: ExitReason) -> None:
        """Wait for what is on its way to the store, so that its callers are told."""
        if hasattr(self, "_flight"):
            while (flight := self._flight) is not None:
                await flight.wait()
                self._arrive(flight)
        self.store.close()

    # -- reading

    def _get(self, request: ask.Get, caller: Caller) -> Any:
        where = request.where
        record = self.shelves.records.get(where)
        counts = self._counts[where.namespace]
        counts.reads += 1
        counts.last_access_at = self.now()
        if record is None or type(record) is Entry:
            return record
        if type(record) is Broken:
            caller.refuse(CorruptEntryError(f"{where} cannot be read back: {record.why}"))
            return NO_REPLY
        return None

    def _list(self, request: ask.ListKeys, _caller: Caller) -> list[str]:
        counts = self._counts[request.namespace]
        counts.reads += 1
        counts.last_access_at = self.now()
        return self.shelves.names(request.namespace, request.scope)

    def _statistics(self, _request: ask.GetStatistics, _caller: Caller) -> Any:
        self._sweep()
        return {namespace: self.statistics_of(namespace) for namespace in Namespace}

    def statistics_of(self, namespace: Namespace) -> ask.NamespaceStatistics:
        """Count what is in *namespace*, and what was done with it."""
        tally, counts = self.shelves.tallies[namespace], self._counts[namespace]
        return ask.NamespaceStatistics(
            key_count=tally.keys,
            total_bytes=tally.stored_bytes,
            read_count=counts.reads,
            write_count=counts.writes,
            conflict_count=counts.conflicts,
            watcher_count=self.watches.count(namespace),
            last_access_at=counts.last_access_at,
        )

    # -- writing

    def _put_now(self, put: ask.Put, caller: Caller) -> Any:
        """Do what `_write` does, in a third of the time, where the store is prompt and the put is a plain one."""
        id, again, where, agent_id, value, compressed, metadata, expected, create_only = put
        if again or expected or create_only:
            return self._write(put, caller)
        shelves, legacy = self.shelves, self.legacy
        record = shelves.records.get(where)
        now = self.now()
        if record is None:
            version, by, at = 1, agent_id, now
        elif type(record) is Entry:
            version, by, at = record[2] + 1, record[3], record[4]
        else:
            return self._write(put, caller)
        created = record is None
        number = self.last_change + 1
        # A named tuple's own constructor takes twice as long, and so do its fields by their names.
        entry = new(Entry, (where, value, version, by, at, agent_id, now, metadata, compressed, number))
        self.store.commit(self.epoch, (new(Change, (id, entry, created)),), self._note)
        if self._told[0] is not None:
            return self._refuse(self._told[0], caller)
        counts = self._counts[where[0]]
        counts.writes += 1
        counts.last_access_at = now
        self.last_change = number
        if legacy.watches:
            legacy.untold.append(entry)
        shelves.replace(record, entry)
        if legacy.untold:
            self._tell_all()
        return new(ask.PutResult, (version, created, value, compressed))

    def _refuse(self, error: Exception, caller: Caller) -> Any:
        if isinstance(error, FencedError):
            raise error
        caller.refuse(error)
        return NO_REPLY

    def _write(self, request: Write, caller: Caller) -> Any:
        if self._flight is not None or self._departure is not None:
            self._gathered.append((request, caller))
            if self._departure is not None and len(self._gathered) >= self._departure.expected:
                self._depart()
            return NO_REPLY
        flight = Flight(self.legacy, self.last_change)
        flight.board(request, caller, self.shelves, self.store, self.now())
        self._send_off(flight)
        if not flight.landed:
            return NO_REPLY
        result = flight.answers[0].result
        if flight.error is not None or isinstance(result, SharedMemoryError):
            self._arrive(flight)
            return NO_REPLY
        self._settle(flight)
        return result

    def _depart(self) -> None:
        """Send off what has gathered, as long as the store is done with it at once."""
        self._departure = None
        while self._gathered and self._flight is None:
            flight = Flight(self.legacy, self.last_change)
            now = self.now()
            for request, caller in list(islice(self._gathered, MOST)):
                flight.board(request, caller, self.shelves, self.store, now)
                self._gathered.popleft()
            self._send_off(flight)
            if flight.landed:
                self._arrive(flight)

    def _depart_soon(self, told: int) -> None:
        """Send off what has gathered when the *told*, of the flight before, have had their turn: they may write again.

        Else those who write would fall into two groups, each of which waits for the other's flight.
        """
        self._departure = Departure(len(self._gathered) + told)
        self.ref.send_after(0.0, self._departure)

    def _send_off(self, flight: Flight) -> None:
        if flight.changes:
            self.store.commit(self.epoch, flight.changes, flight.land)
        else:
            flight.land(None)
        # Only now: what a store has raised at never lands, and whoever ends would wait for it.
        self._flight = flight
        if not flight.landed:
            flight.ref = self.ref

    def _arrive(self, flight: Flight) -> None:
        """Do what was stored, and answer."""
        self._settle(flight)
        error = flight.error
        for answer in flight.answers:
            _give(answer, error)
        if isinstance(error, FencedError):
            raise error
        if error is not None:
            logger.error("%s could not store %d changes: %s", self.ref, len(flight.changes), error)

    def _settle(self, flight: Flight) -> None:
        """Do what was stored, and tell those who watch."""
        self._flight = None
        if flight.error is None:
            self.last_change = flight.last_change
            for change in flight.changes:
                self.shelves.apply(change.made)
            self._tell_all()

    # -- watching

    def _start_watch(self, request: ask.StartWatch, _caller: Caller) -> None:
        watch = request.watch
        if watch.closed:
            return
        watch.begin(self.shelves.view(watch.namespace, watch.scope) if watch.initial else None, self.last_change)
        self._sweep()
        self.legacy.add(watch)
        self._add_watch(watch)

    def _add_watch(self, watch: Interest) -> None:
        self.watches.add(watch)
        if watch.owner is not None:
            if watch.owner not in self._owned:
                self._owned[watch.owner] = {}
                watch.owner.monitor()
            self._owned[watch.owner][watch] = None

    def _sweep(self) -> None:
        """Let go of the watches that were closed since this was asked last."""
        closed = self.legacy.closed
        while closed:
            watch = closed.pop()
            self.watches.discard(watch)
            if watch.owner is not None:
                self._owned.get(watch.owner, {}).pop(watch, None)

    def _tell_all(self) -> None:
        """Tell those who watch of all that is stored; each is out of the way only when it was told to everybody."""
        untold = self.legacy.untold
        while untold:
            self.watches.tell(untold[0])
            untold.popleft()

    def _close(self, _request: ask.Close, _caller: Caller) -> None:
        self.legacy.closed_in.add(self.system)
        self._shut()
        for _, caller in self._gathered:
            caller.refuse(SharedMemoryClosedError(f"the shared memory {self.ref} was closed"))
        self._gathered.clear()

    def _shut(self) -> None:
        self.closed = True
        self._handlers = {ask.Close: self._close}
        for watch in list(self.legacy.watches):
            watch.close()

    # -- what is found at the start

    def _load(self, records: Sequence[Record]) -> None:
        for record in records:
            if type(record) is Broken:
                logger.error("%s cannot be read back: %s", record.where, record.why)
                if not isinstance(record.where.namespace, Namespace):
                    continue
            self.shelves.load(record)


def _give(answer: Answer, error: Exception | None) -> None:
    caller, result = answer
    if error is not None:
        caller.refuse(error)
    elif isinstance(result, SharedMemoryError):
        caller.refuse(result)
    else:
        caller.reply(result)
