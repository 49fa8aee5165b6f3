"""What a ReferenceStore does by itself: the part of its suite that needs no store on it."""

from __future__ import annotations

from actors.store.behaviour import Batch, Loose, Piece, Totals
from actors.store.errors import StaleStoreError
from actors.testing.store_bench import NOW, Bench, in_virtual_time, row


class ReferenceStoreRows:
    """What becomes of rows and pieces."""

    @in_virtual_time
    async def test_rows_and_pieces_come_back_as_they_were_put(self, bench: Bench) -> None:
        """Every column, also those that may be empty; what is not there is not given."""
        epoch = await bench.store.open(bench.system)
        rows = [row(1, content_type="caf\u00e9", expires_at=NOW + 0.25), row(2, fault="it has 2 bytes", checked=0)]
        pieces = [Piece(1, 0, 0, b"tea"), Piece(2, 0, 1, b"\0\xff"), Piece(2, 1, 16, b"dGVh")]

        assert await bench.commit(epoch, Batch({one.seq: one for one in rows}, pieces)) is None

        assert bench.store.rows(0, 9) == bench.store.fetch([1, 2, 3]) == rows
        assert [bench.store.piece(*numbers) for numbers in [(1, 0), (2, 0), (2, 1)]] == pieces
        assert bench.store.piece(1, 1) is None
        assert bench.store.last_seq() == rows[-1].seq

    @in_virtual_time
    async def test_what_is_put_again_takes_the_place_of_what_was(self, bench: Bench) -> None:
        """And what was deleted does not come back."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch({1: row(1), 2: row(2)}, [Piece(1, 0, 0, b"tea"), Piece(2, 0, 0, b"tea")]))

        held = row(1, holders=3)
        await bench.commit(epoch, Batch({1: held}, [Piece(1, 0, 0, b"cup")], gone={2: row(2).id}, dropped=[(2, 0)]))

        assert bench.store.rows(0, 9) == [held]
        assert bench.store.piece(1, 0) == Piece(1, 0, 0, b"cup")
        assert bench.store.piece(2, 0) is None

    @in_virtual_time
    async def test_rows_come_page_by_page_in_the_order_of_their_numbers(self, bench: Bench) -> None:
        """However many there are."""
        epoch = await bench.store.open(bench.system)
        for first in range(1, 2501, 500):
            await bench.commit(epoch, Batch({seq: row(seq) for seq in range(first, first + 500)}))

        pages = [bench.store.rows(after, 1000) for after in (0, 1000, 2000, 2500)]

        assert [one.seq for page in pages for one in page] == list(range(1, 2501))
        assert [len(page) for page in pages] == [1000, 1000, 500, 0]

    @in_virtual_time
    async def test_rows_are_in_the_order_of_their_numbers_whenever_they_came(self, bench: Bench) -> None:
        """A value that comes piece by piece has its number long before its row."""
        epoch = await bench.store.open(bench.system)
        for seq in (4, 7, 2, 9, 1):
            await bench.commit(epoch, Batch({seq: row(seq)}))

        assert [one.seq for one in bench.store.rows(0, 9)] == [1, 2, 4, 7, 9]
        assert [one.seq for one in bench.store.rows(2, 2)] == [4, 7]

    @in_virtual_time
    async def test_what_is_loose_is_known_until_it_is_settled(self, bench: Bench) -> None:
        """Its number counts as one that was given."""
        epoch = await bench.store.open(bench.system)
        await bench.commit(epoch, Batch(loose={5: Loose(5, 1), 7: Loose(7, 0)}, pieces=[Piece(5, 0, 0, b"tea")]))
        await bench.commit(epoch, Batch(loose={7: Loose(7, 2)}))

        assert sorted(bench.store.loose()) == [(5, 1), (7, 2)]
        assert bench.store.last_seq() == Loose(7, 2).seq
        await bench.commit(epoch, Batch({5: row(5)}, settled=[5]))
        assert bench.store.loose() == [(7, 2)]

    @in_virtual_time
    async def test_totals_are_those_that_came_last(self, bench: Bench) -> None:
        """A batch without them changes nothing."""
        epoch = await bench.store.open(bench.system)
        assert bench.store.totals() == Totals()

        await bench.commit(epoch, Batch(totals=Totals(3, 2**40, 1, 2)))
        await bench.commit(epoch, Batch({1: row(1)}))

        assert bench.store.totals() == Totals(3, 2**40, 1, 2)

    @in_virtual_time
    async def test_an_earlier_incarnation_can_store_nothing(self, bench: Bench) -> None:
        """A zombie commits nothing after its successor has begun."""
        earlier = await bench.store.open(bench.system)
        later = await bench.store.open(bench.system)

        refused = await bench.commit(earlier, Batch({1: row(1)}))
        stored = await bench.commit(later, Batch({2: row(2)}))

        assert later > earlier
        assert (type(refused), stored) == (StaleStoreError, None)
        assert bench.store.rows(0, 9) == [row(2)]
