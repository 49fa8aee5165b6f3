"""StoreClient: how everybody else stores values and resolves references, also across restarts of the store."""

from __future__ import annotations

from contextlib import aclosing
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias, TypeVar

import trio

from actors.backoff import Backoff
from actors.errors import ActorExitedError, CallTimeoutError, NoProcessError
from actors.name_ref import NameRef
from actors.options import DEFAULT_TIMEOUT, check_seconds
from actors.ref import ActorRef
from actors.store import requests as ask
from actors.store.behaviour import Piece
from actors.store.checks import check_facts, check_id, check_reference, checked_value
from actors.store.coding import STEP, decoded
from actors.store.commits import PIECES
from actors.store.errors import (
    IntegrityError,
    OutcomeUnknownError,
    ReferenceNotFoundError,
    ValueRefusedError,
    ValueTooLargeError,
)
from actors.store.ledger import Facts
from actors.store.packing import packed, verified
from actors.store.reference import ReferenceType
from actors.telemetry import STORE_DELETE, STORE_LIST, STORE_RELEASE, STORE_RESOLVE, STORE_RETAIN, STORE_STORE
from actors.unanswered import deadline_after, why_unanswered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from actors.message import Call
    from actors.store.behaviour import Row
    from actors.store.coding import Compression, Encoding
    from actors.store.packing import Packing
    from actors.store.reference import Reference

    References = list[Reference]
    Buffer = bytes | bytearray | memoryview

R = TypeVar("R")

Said: TypeAlias = tuple[str, str, float, bool]
"""Of a value: its type, its content type, for how many seconds it is kept, and whether its checksum is verified."""

BETWEEN: Final = Backoff(0.005, max_seconds=0.25)
"""How long to wait before looking again for a store that is being restarted."""

PAGE: Final = 500
"""So many references are listed with one call."""

UNANSWERED: Final = (NoProcessError, ActorExitedError, CallTimeoutError)
UNSPECIFIED: Final = ReferenceType.UNSPECIFIED

new: Final = tuple.__new__
"""Makes a named tuple in half the time that its own constructor takes."""


class StoreClient:
    """A store of references as its users see it.

    *store* is best a name (``system.named("store")``): what is asked while the store is being restarted is then asked
    again of its next incarnation, for *patience* seconds, and done once. Every method raises `StoreClosedError` for a
    closed store, and ``NoProcessError`` if there is none; those that change something raise `OutcomeUnknownError` where
    it is not known whether that was done, and those that read ``CallTimeoutError`` after *patience* seconds.
    """

    def __init__(self, store: ActorRef | NameRef, *, patience: float = DEFAULT_TIMEOUT) -> None:
        if not isinstance(store, ActorRef | NameRef):
            raise TypeError(f"a StoreClient is of an ActorRef or a NameRef (system.named(...)); got {store!r}")
        check_seconds("patience", patience)
        self._store = store
        self._find: Callable[[], ActorRef | None] = store.whereis if isinstance(store, NameRef) else lambda: store
        """What finds who has the name now: to call that is faster than to call the name."""
        self.patience = patience
        self._terms: ask.Terms | None = None

    def __repr__(self) -> str:
        return f"<StoreClient of {self._store}>"

    # -- storing

    async def store(  # noqa: PLR0913 -- a value has so many facts, each with a default
        self,
        data: Buffer,
        *,
        type: ReferenceType = UNSPECIFIED,  # noqa: A002 -- as the field is named
        content_type: str = "",
        ttl: float | None = None,
        compression: Compression | None = None,
        encoding: Encoding = "none",
        compute_checksum: bool = True,
    ) -> Reference:
        """Store a value, and return the reference to it once it is stored; the caller holds it.

        The same bytes stored again are held once more: the first type stays, and the later expiry counts. It can be
        resolved for *ttl* seconds: None for as long as the store says, 0 for ever. Without *compression* the store's
        options decide. Unless *compute_checksum*, the value is not verified when it is resolved.

        Raises `ValueRefusedError` for what is empty or no bytes, `ValueTooLargeError`, and `StoreFailedError` if it
        cannot be stored. Cancelled, it may be stored all the same.
        """
        if data.__class__ is not bytes or not data:
            data = checked_value(data)
        if type is not UNSPECIFIED or content_type != "" or ttl is not None or compute_checksum is not True:
            check_facts(type, content_type, ttl, compute_checksum)
        terms = self._terms or await self._learn()
        size = len(data)
        if size > terms.max_bytes:
            self._refuse_size(size, terms.max_bytes)
        if compression is None:
            compression = terms.compression if size > terms.compress_above else "none"
        said = (type._value_, content_type, terms.ttl if ttl is None else ttl, compute_checksum)
        if size > STEP or not compression == encoding == "none" or STORE_STORE.listeners:
            return await self._pack(packed(data, compression, encoding, terms.piece_bytes), said)
        request = _put_of(bytes(data), said)
        try:
            stored: Reference = await (self._find() or self._store).call(request, timeout=self.patience)
        except UNANSWERED as error:
            stored = await self._again(request, error)
        return stored

    def _refuse_size(self, size: int, max_bytes: int) -> NoReturn:
        text = f"a value of {size} bytes is too large: {self._store} takes {max_bytes}"
        raise ValueTooLargeError(text, size, max_bytes)

    async def _pack(self, packing: Packing, said: Said) -> Reference:
        if STORE_STORE.listeners:
            with STORE_STORE.begin() as span:
                stored = await self._store_packed(packing, said)
                span.measure(size=stored.size)
                span.note(reference_id=stored.id)
                return stored
        return await self._store_packed(packing, said)

    async def _store_packed(self, packing: Packing, said: Said) -> Reference:
        async with aclosing(packing.parts()) as parts:
            if packing.single:
                part = await anext(parts)
                facts = Facts(packing.id, packing.size, packing.stored, 1, *said)
                stored: Reference = await self._asked(ask.Put(ask.new_key(), facts, part.coding, part.data))
                return stored
            seq = await self._ask(ask.Begin())
            try:
                await self._upload(seq, parts)
                facts = Facts(packing.id, packing.size, packing.stored, packing.pieces, *said)
                return await self._ask(ask.Finish(ask.new_key(), facts, seq))
            except BaseException:
                self._store.cast(ask.Abandon(seq))
                raise

    async def _upload(self, seq: int, parts: AsyncGenerator[Any]) -> None:
        pieces: list[Piece] = []
        number = 0
        async for coding, data in parts:
            pieces.append(Piece(seq, number, coding, data))
            number += 1
            if len(pieces) == PIECES:
                await self._ask(ask.AddPieces(tuple(pieces)))
                pieces.clear()
        if pieces:
            await self._ask(ask.AddPieces(tuple(pieces)))

    async def _learn(self) -> ask.Terms:
        self._terms = await self._ask(ask.GetTerms())
        return self._terms

    # -- resolving

    async def resolve(self, reference: Reference) -> bytes:
        """Return the value, which is verified to be what was stored. Who holds it does not change.

        Raises `ReferenceNotFoundError`, `ReferenceExpiredError`, and `IntegrityError` if it is not what was stored;
        then the value is put into quarantine, until the same bytes are stored again.
        """
        reference_id = check_reference(reference)
        if STORE_RESOLVE.listeners:
            with STORE_RESOLVE.begin(reference_id=reference_id) as span:
                data = await self._resolve(reference_id)
                span.measure(size=len(data))
                return data
        return await self._resolve(reference_id)

    async def _resolve(self, reference_id: str) -> bytes:
        try:
            return await self._resolve_once(reference_id)
        except ReferenceNotFoundError:
            # It may have been removed and stored anew between two of its pieces.
            return await self._resolve_once(reference_id)

    async def _resolve_once(self, reference_id: str) -> bytes:
        row, piece = await self._ask(ask.Fetch(reference_id))
        try:
            if row.pieces == 1 and piece.coding == 0 and row.size <= STEP and row.checked:
                data = piece.data
                if sha256(data).hexdigest() == reference_id:
                    return data
            data = await decoded(piece.data, piece.coding, row.size)
            return await verified(row, data if row.pieces == 1 else await self._rest(row, data))
        except ValueError as error:
            if isinstance(error, ValueRefusedError):
                raise
            await self._ask(ask.Quarantine(row, str(error)))
            text = (
                f"reference {reference_id} of {row.size} bytes is not what was stored, and in quarantine now: {error}"
            )
            raise IntegrityError(text, reference_id) from error

    async def _rest(self, row: Row, first: bytes) -> bytes:
        """Return the value whose first piece is *first*."""
        whole = BytesIO()
        whole.write(first)
        for number in range(1, row.pieces):
            content = await self._ask(ask.Fetch(row.id, number, row.seq))
            whole.write(await decoded(content.piece.data, content.piece.coding, row.size))
        # This copies nothing; to join pieces at the end would stop the loop for as long as 200 MiB take.
        return whole.getvalue()

    async def resolve_and_retain(self, reference: Reference) -> bytes:
        """As `resolve`, and hold the value once more before; if it cannot be resolved, nobody holds it for that."""
        await self.retain(reference)
        try:
            return await self.resolve(reference)
        except BaseException:
            with trio.CancelScope(shield=True):
                await self.release(reference)
            raise

    # -- holding

    async def retain(self, reference: Reference | str, count: int = 1) -> Reference:
        """Hold a value once more, or *count* times, and return the reference as it is now.

        Raises `ReferenceNotFoundError` and `ReferenceExpiredError`.
        """
        if type(count) is not int or count < 1:
            raise ValueRefusedError(f"count is {count!r}; allowed is an int of 1 or more")
        request = ask.Retain(ask.new_key(), check_id(reference), count)
        if STORE_RETAIN.listeners:
            with STORE_RETAIN.begin(reference_id=request.id) as span:
                span.measure(count=count)
                return await self._ask(request)
        return await self._ask(request)

    async def release(self, reference: Reference | str) -> int:
        """Hold a value once less, and return how many still hold it; at 0 it is removed at once.

        Raises `ReferenceNotFoundError`.
        """
        request = ask.Release(ask.new_key(), check_id(reference))
        if STORE_RELEASE.listeners:
            with STORE_RELEASE.begin(reference_id=request.id) as span:
                holders = await self._ask(request)
                span.measure(holders=holders)
                return holders
        return await self._ask(request)

    async def delete(self, reference: Reference | str) -> bool:
        """Remove a value, however many hold it, and tell whether there was one."""
        request = ask.Delete(ask.new_key(), check_id(reference))
        if STORE_DELETE.listeners:
            with STORE_DELETE.begin(reference_id=request.id) as span:
                deleted = await self._ask(request)
                span.note(deleted=deleted)
                return deleted
        return await self._ask(request)

    # -- looking

    async def list(self) -> list[Reference]:
        """Return references to all values that can be had, in the order in which they were stored."""
        if STORE_LIST.listeners:
            with STORE_LIST.begin() as span:
                listed = await self._listed()
                span.measure(count=len(listed))
                return listed
        return await self._listed()

    async def _listed(self) -> References:
        found: list[Reference] = []
        after, references = await self._ask(ask.ListReferences(0, PAGE))
        while after:
            found += references
            after, references = await self._ask(ask.ListReferences(after, PAGE))
        return found

    async def values(self) -> tuple[ask.StoredValue, ...]:
        """Return what is known of all values, also of those that have expired or are in quarantine."""
        found: tuple[ask.StoredValue, ...] = ()
        after, values = await self._ask(ask.ListValues(0, PAGE))
        while after:
            found += values
            after, values = await self._ask(ask.ListValues(after, PAGE))
        return found

    async def value(self, reference: Reference | str) -> ask.StoredValue:
        """Return what is known of one value, such as how many hold it; raises `ReferenceNotFoundError`."""
        return await self._ask(ask.GetValue(check_id(reference)))

    async def quarantined(self) -> tuple[tuple[Reference, str], ...]:
        """Return references to what is in quarantine, and why it is."""
        return await self._ask(ask.ListQuarantined())

    async def stats(self) -> ask.StoreStatistics:
        """Return what the store has done and has."""
        return await self._ask(ask.GetStatistics())

    async def collect(self) -> int:
        """Remove what has expired and what nobody holds, whatever the strategy; return how many values these were."""
        return await self._ask(ask.Collect())

    async def close(self) -> None:
        """Close the store: everything but `stats` is refused from now on; what is in memory only is gone."""
        await self._ask(ask.Close())

    # -- asking, and asking again

    async def _ask(self, request: Call[R]) -> R:
        answer: R = await self._asked(request)
        return answer

    async def _asked(self, request: object) -> Any:
        try:
            return await (self._find() or self._store).call(request, timeout=self.patience)
        except UNANSWERED as error:
            return await self._again(request, error)

    async def _again(self, request: object, error: Exception) -> Any:
        """Ask until `patience` is over since it was first asked."""
        deadline = deadline_after(error, self.patience)
        sent = not isinstance(error, NoProcessError)
        request = ask.asked_again(request)
        retry = 1
        while not isinstance(error, CallTimeoutError) and (left := deadline - trio.current_time()) > 0:
            await trio.sleep(min(left, BETWEEN.seconds(retry)))
            retry += 1
            try:
                return await self._store.call(request, timeout=max(0.0, deadline - trio.current_time()))
            except UNANSWERED as latest:
                error = latest
                sent = sent or not isinstance(latest, NoProcessError)
        if sent and (done := ask.done_by(request)) is not None:
            why = why_unanswered(error, self.patience)
            raise OutcomeUnknownError(f"whether {done} is not known: {why}") from error
        raise error


def _put_of(data: bytes, said: Said) -> ask.Put:
    size = len(data)
    facts = new(Facts, (sha256(data).hexdigest(), size, size, 1, *said))
    return new(ask.Put, (ask.new_key(), facts, 0, data, False))
