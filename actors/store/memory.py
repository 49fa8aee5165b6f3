"""MemoryReferenceStore: values in memory, for those who need not outlive the program, and for tests."""

from __future__ import annotations

import sys
from bisect import bisect_right
from typing import TYPE_CHECKING

from actors.store.behaviour import Totals
from actors.store.errors import StaleStoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actors.store.behaviour import Batch, Done, Loose, Piece, Row
    from actors.system import ActorSystem


class MemoryReferenceStore:
    """The values of one store. They outlive its incarnations, as this object does, but not the program.

    A value is kept as the ``bytes`` it was given as, without a copy.
    """

    kind = "memory"
    prompt = True
    piece_bytes = sys.maxsize

    def __init__(self) -> None:
        self._epoch = 0
        self._last_seq = 0
        self._clear()

    def __repr__(self) -> str:
        return f"<MemoryReferenceStore: {len(self._rows)} values>"

    def _clear(self) -> None:
        self._rows: dict[int, Row] = {}
        self._pieces: dict[tuple[int, int], Piece] = {}
        self._loose: dict[int, Loose] = {}
        self._totals = Totals()

    async def open(self, system: ActorSystem) -> int:
        """Begin a new epoch."""
        self._epoch += 1
        return self._epoch

    def commit(self, epoch: int, batch: Batch, done: Done) -> None:
        """Keep *batch*, unless a later incarnation has opened the store."""
        if epoch != self._epoch:
            done(StaleStoreError(f"{self} is at epoch {self._epoch}; a batch of epoch {epoch} came too late"))
            return
        self._rows.update(batch.rows)
        for piece in batch.pieces:
            self._pieces[piece[0], piece[1]] = piece
        if batch.rows:
            self._last_seq = max(self._last_seq, *batch.rows)
        if batch.loose:
            self._loose.update(batch.loose)
            self._last_seq = max(self._last_seq, *batch.loose)
        for seq in batch.gone:
            self._rows.pop(seq, None)
        for numbers in batch.dropped:
            self._pieces.pop(numbers, None)
        for seq in batch.settled:
            self._loose.pop(seq, None)
        if batch.totals is not None:
            self._totals = batch.totals
        done(None)

    def rows(self, after: int, most: int) -> list[Row]:
        """Return rows; those of values that came piece by piece are younger than their numbers."""
        seqs = sorted(self._rows)
        start = bisect_right(seqs, after)
        return [self._rows[seq] for seq in seqs[start : start + most]]

    def loose(self) -> list[Loose]:
        """Return what has no row."""
        return list(self._loose.values())

    def totals(self) -> Totals:
        """Return what was ever done."""
        return self._totals

    def last_seq(self) -> int:
        """Return the greatest number there was."""
        return self._last_seq

    def fetch(self, seqs: Sequence[int]) -> list[Row]:
        """Return rows."""
        return [self._rows[seq] for seq in seqs if seq in self._rows]

    def piece(self, seq: int, number: int) -> Piece | None:
        """Return a piece."""
        return self._pieces.get((seq, number))

    def close(self) -> None:
        """Forget everything."""
        self._clear()
