"""Flight: writes that are stored together, decided one after the other as if each had been stored before the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import attrs
import trio

from actors.shared_memory.behaviour import Change, Outcome
from actors.shared_memory.entry import Entry
from actors.shared_memory.errors import SharedMemoryError, VersionConflictError
from actors.shared_memory.requests import DeleteResult, Put, PutResult
from actors.shared_memory.versions import entry_after, tombstone_after

if TYPE_CHECKING:
    from actors.caller import Caller
    from actors.ref import ActorRef
    from actors.shared_memory.behaviour import EntryStore
    from actors.shared_memory.entry import Record
    from actors.shared_memory.key import Key
    from actors.shared_memory.legacy import Legacy
    from actors.shared_memory.requests import Delete, Write
    from actors.shared_memory.shelves import Shelves

MOST: Final = 512
"""So many writes are stored together at most."""

NOT_YET: Final = object()
"""The record of a key that no write of the flight has changed."""


class Answer(NamedTuple):
    """What one caller is to be told when everything is stored."""

    caller: Caller
    result: PutResult | DeleteResult | SharedMemoryError


@attrs.frozen(eq=False)
class Landed:
    """A flight is stored, or is not."""

    flight: Flight


class Flight:
    """Writes on their way to the store."""

    __slots__ = (
        "_changed",
        "_done",
        "_legacy",
        "_waited_for",
        "answers",
        "changes",
        "error",
        "landed",
        "last_change",
        "ref",
    )

    def __init__(self, legacy: Legacy, last_change: int) -> None:
        self._legacy = legacy
        self._changed: dict[Key, Record | None] = {}
        self._done: dict[str, Change] = {}
        self.changes: list[Change] = []
        self.answers: list[Answer] = []
        self.last_change = last_change
        self.landed = False
        self.error: Exception | None = None
        self._waited_for: trio.Event | None = None
        self.ref: ActorRef | None = None
        """Who is told that it has landed; None if whoever sent it off looks by itself."""

    def board(self, request: Write, caller: Caller, shelves: Shelves, store: EntryStore, now: float) -> None:
        """Decide what becomes of *request*."""
        try:
            outcome = self._remembered(request, store) if request.again else None
            result = self._repeated(request, outcome) if outcome else self._decided(request, shelves, now)
        except SharedMemoryError as error:
            self.answers.append(Answer(caller, error))
            if type(error) is VersionConflictError:
                counts = self._legacy.counts[request.where.namespace]
                counts.conflicts += 1
                counts.last_access_at = now
        else:
            self.answers.append(Answer(caller, result))

    def land(self, error: Exception | None) -> None:
        """Note that it is stored, or why it is not; this is what the store calls, whoever lives then."""
        self.landed = True
        self.error = error
        if error is None:
            self._legacy.took([change.made for change in self.changes])
        if self.ref is not None:
            # It settles, so if nobody is there any more it is no dead letter, which would keep the actor in memory.
            self.ref.deliver(Landed(self), _settled)
        if self._waited_for is not None:
            self._waited_for.set()

    async def wait(self) -> None:
        """Wait until it has landed."""
        if not self.landed:
            self._waited_for = trio.Event()
            await self._waited_for.wait()

    def _remembered(self, request: Write, store: EntryStore) -> Outcome | None:
        change = self._done.get(request.id)
        return store.outcome(request.id) if change is None else Outcome(change.made.version, change.created)

    def _repeated(self, request: Write, outcome: Outcome) -> PutResult | DeleteResult:
        """Return what the write had as a result when it was done."""
        if type(request) is not Put:
            return DeleteResult(deleted=True, deleted_version=outcome.version)
        return PutResult(outcome.version, outcome.created, request.value, request.compressed)

    def _decided(self, request: Write, shelves: Shelves, now: float) -> PutResult | DeleteResult:
        where = request.where
        record: Any = self._changed.get(where, NOT_YET) if self._changed else NOT_YET
        if record is NOT_YET:
            record = shelves.records.get(where)
        if isinstance(request, Put):
            entry = entry_after(record, request, now, self.last_change + 1)
            created = type(record) is not Entry
            self._add(Change(request.id, entry, created), entry)
            return PutResult(entry.version, created, request.value, request.compressed)
        return self._deleted(request, record, now)

    def _deleted(self, request: Delete, record: Record | None, now: float) -> DeleteResult:
        tombstone = tombstone_after(record, request, now, self.last_change + 1)
        if tombstone is None:
            return DeleteResult(deleted=False, deleted_version=0)
        self._add(Change(request.id, tombstone, created=False), tombstone if tombstone.kept else None)
        return DeleteResult(deleted=True, deleted_version=tombstone.version)

    def _add(self, change: Change, record: Record | None) -> None:
        self.last_change += 1
        self.changes.append(change)
        self._changed[change.made.where] = record
        self._done[change.id] = change


def _settled(_: object) -> None:
    """Do nothing: who ended meanwhile has nothing to go on with."""
