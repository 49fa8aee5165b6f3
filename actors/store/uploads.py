"""Uploads: values that come piece by piece, under a number, until their hash is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.store.behaviour import Loose
from actors.store.errors import StoreFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from actors.caller import Caller
    from actors.store import requests as ask
    from actors.store.commits import Commits
    from actors.store.ledger import Facts, Ledger

IDLE_SECONDS: Final = 300.0
"""A value of which nothing came for so long will never be complete."""


class Uploads:
    """The values that are still coming. In the ReferenceStore they are loose, so the next incarnation knows them."""

    def __init__(self, commits: Commits, ledger: Ledger, now: Callable[[], float], last_seq: int) -> None:
        self._commits = commits
        self._ledger = ledger
        self._now = now
        self._last_seq = last_seq
        self._open: dict[int, tuple[int, float]] = {}
        """How many pieces each has, and when the last came."""

    def __len__(self) -> int:
        return len(self._open)

    def load(self, stored: Iterable[Loose]) -> None:
        """Take in what is loose, unless it is known: what is not continued is removed in time."""
        doomed = {loose.seq for loose in self._ledger.doomed}
        for loose in stored:
            if loose.seq not in doomed and loose.seq not in self._open:
                self._open[loose.seq] = (loose.pieces, self._now())

    def new_seq(self) -> int:
        """Return a number for a value."""
        self._last_seq += 1
        return self._last_seq

    def begin(self, _request: ask.Begin, caller: Caller) -> Any:
        """Give a value a number. It is stored, so that it is not given again."""
        seq = self.new_seq()
        self._open[seq] = (0, self._now())
        self._ledger.add((), Loose(seq, 0))
        return self._commits.submit(caller, None, seq)

    def add(self, request: ask.AddPieces, caller: Caller) -> Any:
        """Store pieces."""
        seq = request.pieces[0].seq
        pieces = max(self._known(seq), *(piece.number + 1 for piece in request.pieces))
        self._open[seq] = (pieces, self._now())
        return self._commits.submit_pieces(caller, request.pieces, Loose(seq, pieces))

    def end(self, seq: int, facts: Facts) -> Loose:
        """Let go of a value that is complete."""
        pieces = self._known(seq)
        if pieces != facts.pieces:
            raise StoreFailedError(f"value {seq} has {pieces} pieces, and should have {facts.pieces}")
        del self._open[seq]
        return Loose(seq, pieces)

    def abandon(self, seq: int) -> None:
        """Have the pieces of a value deleted, of which no more will come."""
        if seq in self._open:
            self._ledger.doom(Loose(seq, self._open.pop(seq)[0]))
            self._commits.store_soon()

    def sweep(self) -> None:
        """Give up what will not be complete."""
        past = self._now() - IDLE_SECONDS
        for seq in [seq for seq, (_, since) in self._open.items() if since < past]:
            self.abandon(seq)

    def _known(self, seq: int) -> int:
        found = self._open.get(seq)
        if found is None:
            raise StoreFailedError(f"value {seq} was given up: nothing came of it for {IDLE_SECONDS:g} s")
        return found[0]
