"""What a store of references offers to whoever looks at its node (`actors.inspect.Commands`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.foremost import foremost, most_of, order_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from actors.inspect import Command
    from actors.store.behaviour import Row
    from actors.store.ledger import Ledger
    from actors.wall_clock import WallClock


class StoreOffers:
    """The commands of one incarnation of a store."""

    def __init__(self, ledger: Callable[[], Ledger], now: WallClock) -> None:
        self._ledger = ledger
        self._now = now

    def commands(self) -> dict[str, Command]:
        """Return the commands by their names."""
        return {"store.references": self.references, "store.statistics": self.statistics}

    def statistics(self, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Show what the store has and has done, in one row."""
        ledger = self._ledger()
        yield {
            "kind": ledger.kind,
            "references": len(ledger.rows),
            "bytes": ledger.bytes,
            "stored_bytes": ledger.stored,
            "quarantined": len(ledger.quarantined),
            "total_references": ledger.totals.refs,
            "total_bytes": ledger.totals.bytes,
            "evictions": ledger.totals.evictions,
            "collections": ledger.totals.gc_runs,
        }

    def references(self, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any] | None]:
        """Show what the store keeps: how many hold each value, and until when."""
        rank, most = order_of(arguments, ORDERS), most_of(arguments)
        begins = str(arguments.get("id", ""))
        apart = arguments.get("quarantined") is True
        rows = tuple(self._ledger().rows.values())
        chosen = (row for row in rows if row.id.startswith(begins) and (row.fault is not None or not apart))
        now = self._now()
        for row in (yield from foremost(chosen, most, rank)):
            yield {
                "id": row.id,
                "type": row.type,
                "content_type": row.content_type,
                "bytes": row.size,
                "stored_bytes": row.stored,
                "holders": row.holders,
                "seconds": max(0.0, now - row.created_at),
                "expires_in": row.expires_at - now if row.expires_at else None,
                "fault": row.fault,
            }


ORDERS: Final[dict[str, Callable[[Row], Any]]] = {
    "new": lambda row: -row.seq,
    "old": lambda row: row.seq,
    "size": lambda row: (-row.size, row.seq),
    "holders": lambda row: (-row.holders, row.seq),
}
