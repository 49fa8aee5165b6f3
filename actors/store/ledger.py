"""Ledger: which values there are, and what is to be stored of every change; made anew by each incarnation."""

from __future__ import annotations

import heapq
import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from actors.store.behaviour import Batch, Loose, Row, Totals
from actors.store.errors import ReferenceExpiredError, ReferenceNotFoundError, ValueRefusedError
from actors.store.reference import Reference, ReferenceType
from actors.store.requests import StoredValue
from actors.telemetry import STORE_QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from actors.store.behaviour import Piece

logger: Final = logging.getLogger("actors")

TYPES: Final = {kind.value: kind for kind in ReferenceType}

MOST_HOLDERS: Final = 2**62
"""A row takes no greater number; all that is stored together with one that it does not take would fail with it."""

SWEEP_ABOVE: Final = 1024
"""Up to so many expiries are not worth a sweep."""

new: Final = tuple.__new__


class Facts(NamedTuple):
    """What is said about a value when it is stored."""

    id: str
    size: int
    stored: int
    pieces: int
    type: str
    content_type: str
    ttl: float
    checked: int


class Ledger:
    """What a store knows, and the batch that has yet to be stored of it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.rows: dict[str, Row] = {}
        self.batch = Batch()
        self.doomed: list[Loose] = []
        """Values whose pieces are still to be deleted."""
        self.totals = Totals()
        self.bytes = 0
        self.stored = 0
        self._expiries: list[tuple[float, str]] = []
        """A heap; also of what was removed before its time, or has another by now, until half of the heap is such."""
        self._sweep_at = SWEEP_ABOVE
        self._unheld: set[str] = set()
        self.quarantined: dict[str, None] = {}

    # -- reading what is stored

    def load(self, rows: Iterable[Row]) -> None:
        """Take in rows as they are stored."""
        for row in rows:
            if (fault := fault_of(row)) is not None:
                logger.error("a row of the store is damaged: %s: %r", fault, tuple(row))
                if not (isinstance(row.seq, int) and isinstance(row.id, str)):
                    continue
                row = repaired(row, fault)  # noqa: PLW2901 -- what was read is not to be used any more
            self._keep(row)
            if row.holders <= 0:
                self._unheld.add(row.id)

    def reload(self, batch: Batch, rows: Sequence[Row], loose: Iterable[Loose], totals: Totals) -> None:
        """Undo *batch*, which could not be stored: *rows* and *loose* is what there is."""
        for seq, row_id in [(row.seq, row.id) for row in batch.rows.values()] + list(batch.gone.items()):
            known = self.rows.get(row_id)
            if known is not None and known.seq == seq:
                self._forget(known)
        self.load(rows)
        self.totals = totals
        doomed = {one.seq for one in self.doomed}.difference(row.seq for row in rows)
        self.doomed = [one for one in loose if one.seq in doomed]

    # -- looking

    def find(self, reference_id: str, now: float) -> Row:
        """Return a value that can be had; raises `ReferenceNotFoundError` or `ReferenceExpiredError`."""
        row = self.known(reference_id)
        if expired(row, now):
            raise ReferenceExpiredError(
                f"reference {reference_id} expired {now - row.expires_at:.3g} s ago in the {self.kind} store", row.id
            )
        return row

    def known(self, reference_id: str) -> Row:
        """Return a value, expired or not."""
        row = self.rows.get(reference_id)
        if row is None:
            raise ReferenceNotFoundError(
                f"reference {reference_id} not found in the {self.kind} store: it was never stored there, or it was "
                "released, deleted or collected",
                reference_id,
            )
        return row

    # -- changing

    def put(self, facts: Facts, seq: int, now: float) -> Row:
        """Hold a value once more; what is under *seq* is taken only if there is none that is as good."""
        reference_id, size, stored, pieces, kind, content_type, ttl, checked = facts
        row = self.rows.get(reference_id)
        count, created_at, expires_at = 1, now, now + ttl if ttl else 0.0
        if row is not None:
            if expired(row, now):
                self._evict(row)
            else:
                count, expires_at = row.holders + 1, later(row.expires_at, expires_at)
                if row.fault is None:
                    return self._change(row._replace(holders=count, expires_at=expires_at))
                kind, content_type, created_at = row.type, row.content_type, row.created_at
                self._remove(row)
        # A named tuple's own constructor takes twice as long.
        fields = (reference_id, kind, content_type, created_at, expires_at, count, size, stored, pieces, checked, None)
        refs, total, runs, evictions = self.totals
        self.totals = self.batch.totals = new(Totals, (refs + 1, total + size, runs, evictions))
        return self._change(new(Row, (seq, *fields)))

    def retain(self, reference_id: str, now: float, count: int = 1) -> Row:
        """Hold a value that can be had once more."""
        row = self.find(reference_id, now)
        if row.holders + count > MOST_HOLDERS:
            raise ValueRefusedError(
                f"reference {reference_id} is held {row.holders} times, and cannot be {count} times more: "
                f"at most {MOST_HOLDERS} are counted"
            )
        return self._change(row._replace(holders=row.holders + count))

    def release(self, reference_id: str) -> int:
        """Hold a value once less, and return how many still do; nobody's is removed at once."""
        row = self.known(reference_id)
        if row.holders <= 1:
            self._evict(row)
            return 0
        return self._change(row._replace(holders=row.holders - 1)).holders

    def delete(self, reference_id: str) -> bool:
        """Remove a value, however many hold it; tell whether there was one."""
        row = self.rows.get(reference_id)
        if row is not None:
            self._evict(row)
        return row is not None

    def quarantine(self, row: Row, fault: str) -> None:
        """Set a value apart that is not what was stored, whoever holds it by now."""
        known = self.rows.get(row.id)
        if known is not None and known.seq == row.seq:
            self._change(known._replace(fault=fault))
            if STORE_QUARANTINE.listeners:
                STORE_QUARANTINE.emit({"size": row.size}, {"reference_id": row.id, "reason": fault})

    def collect(self, now: float, most: int, *, expiry: bool, unheld: bool) -> int:
        """Remove up to *most* values that have expired, or that nobody holds, and return how many these were."""
        found = 0
        while unheld and self._unheld and found < most:
            row = self.rows.get(self._unheld.pop())
            if row is not None and row.holders <= 0:
                self._evict(row)
                found += 1
        while expiry and self._expiries and self._expiries[0][0] < now and found < most:
            row = self.rows.get(heapq.heappop(self._expiries)[1])
            if row is not None and expired(row, now):
                self._evict(row)
                found += 1
        return found

    def count_run(self) -> None:
        """Count that garbage was collected."""
        self.totals = self.batch.totals = self.totals._replace(gc_runs=self.totals.gc_runs + 1)

    # -- pieces

    def add(self, pieces: Iterable[Piece], loose: Loose | None = None) -> None:
        """Have pieces stored: those of a value that has a row, or of *loose*."""
        self.batch.pieces += pieces
        if loose is not None:
            self.batch.loose[loose.seq] = loose

    def settle(self, seq: int) -> None:
        """Note that a loose value has a row now."""
        self.batch.loose.pop(seq, None)
        self.batch.settled.append(seq)

    def doom(self, loose: Loose) -> None:
        """Have the pieces of a value deleted that nobody refers to."""
        self.doomed.append(loose)

    def drop_some(self, most: int) -> None:
        """Have up to *most* pieces deleted, of those that nobody refers to."""
        while self.doomed and most > 0:
            seq, pieces = self.doomed.pop()
            first = max(0, pieces - most)
            self.batch.dropped += [(seq, number) for number in range(first, pieces)]
            most -= pieces - first
            if first:
                self.doomed.append(Loose(seq, first))
                self.batch.loose[seq] = Loose(seq, first)
            else:
                self.settle(seq)

    # -- rows

    def _evict(self, row: Row) -> None:
        self._remove(row)
        refs, total, runs, evictions = self.totals
        self.totals = self.batch.totals = Totals(refs, total, runs, evictions + 1)

    def _remove(self, row: Row) -> None:
        self._forget(row)
        self.batch.rows.pop(row.seq, None)
        self.batch.gone[row.seq] = row.id
        if row.pieces == 1:
            self.batch.dropped.append((row.seq, 0))
            return
        self.batch.loose[row.seq] = loose = Loose(row.seq, row.pieces)
        if row.seq in self.batch.settled:
            self.batch.settled.remove(row.seq)
        self.doom(loose)

    def _change(self, row: Row) -> Row:
        self.batch.rows[row.seq] = row
        self._keep(row)
        return row

    def _keep(self, row: Row) -> None:
        known = self.rows.get(row.id)
        if known is None:
            self.bytes += row.size
            self.stored += row.stored
        self.rows[row.id] = row
        if row.fault is not None:
            self.quarantined[row.id] = None
        if row.expires_at and (known is None or known.expires_at != row.expires_at):
            if len(self._expiries) >= self._sweep_at:
                self._sweep()
            heapq.heappush(self._expiries, (row.expires_at, row.id))

    def _sweep(self) -> None:
        """Drop the expiries that are not those of a value any more, whenever the heap has doubled."""
        rows = self.rows
        self._expiries = list({it for it in self._expiries if (row := rows.get(it[1])) and row.expires_at == it[0]})
        heapq.heapify(self._expiries)
        self._sweep_at = max(SWEEP_ABOVE, 2 * len(self._expiries))

    def _forget(self, row: Row) -> None:
        del self.rows[row.id]
        self.quarantined.pop(row.id, None)
        self.bytes -= row.size
        self.stored -= row.stored

    def take_batch(self) -> Batch:
        """Return what is to be stored, and begin anew."""
        batch, self.batch = self.batch, Batch()
        return batch


def expired(row: Row, now: float) -> bool:
    """Tell whether the time of a value is over: not at that moment, but after."""
    return 0 < row.expires_at < now


def later(first: float, second: float) -> float:
    """Return the later of two expiries, of which 0 is the latest.

    >>> later(5.0, 7.0), later(5.0, 0.0)
    (7.0, 0.0)
    """
    return max(first, second) if first and second else 0.0


def reference_of(row: Row, kind: str) -> Reference:
    """Return what is sent in the place of a value."""
    _, reference_id, type_, content_type, created_at, expires_at, _, size, *_ = row
    known = TYPES.get(type_) or ReferenceType.UNSPECIFIED
    return Reference(reference_id, known, kind, created_at, expires_at, size, content_type)


def value_of(row: Row, kind: str) -> StoredValue:
    """Return what is known of a value."""
    return StoredValue(
        reference_of(row, kind), row.holders, row.stored, row.pieces, checked=bool(row.checked), fault=row.fault
    )


def fault_of(row: Row) -> str | None:
    """Return what is wrong with a row as it was read back; None if nothing is.

    >>> fault_of(Row(1, "0" * 64, "trace", "", 0.0, 0.0, 1, 3, 3, 1, 1))
    >>> fault_of(Row(1, "0" * 64, "trace", "", 0.0, None, 1, 3, 3, 1, 1))
    'expires_at is None'
    """
    for name, kind in KINDS.items():
        if not isinstance(getattr(row, name), kind):
            return f"{name} is {getattr(row, name)!r}"
    return None


def repaired(row: Row, fault: str) -> Row:
    """Return a row for quarantine, with what can be read of one that is damaged.

    >>> repaired(Row(1, "0" * 64, "trace", "", 0.0, None, 7, 3, 3, 1, 1), "expires_at is None").expires_at
    0.0
    """
    blank = Row(row.seq, row.id, ReferenceType.UNSPECIFIED.value, "", 0.0, 0.0, 1, 0, 0, 1, 1)
    sound = {name: getattr(row, name) for name, kind in KINDS.items() if isinstance(getattr(row, name), kind)}
    return blank._replace(**{**sound, "fault": f"its row is damaged: {fault}"})


KINDS: Final[dict[str, type | tuple[type, ...]]] = {
    "seq": int, "id": str, "type": str, "content_type": str, "created_at": (int, float), "expires_at": (int, float),
    "holders": int, "size": int, "stored": int, "pieces": int, "checked": int, "fault": (str, type(None)),
}  # fmt: skip
