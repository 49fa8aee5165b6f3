"""Packing: a value as the pieces it is kept as, and back, with its hash; so that a large one stalls nobody."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from trio.lowlevel import checkpoint

from actors.store.coding import STEP, check_compression, check_encoding, coded, coding_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from hashlib import _Hash as Hash

    from actors.store.behaviour import Row
    from actors.store.coding import Compression, Encoding

    Buffer = bytes | bytearray | memoryview

PIECE: Final = 2**20
"""What is compressed has so many bytes at most before that."""


class Part(NamedTuple):
    """A piece that has no number yet."""

    coding: int
    data: bytes


class Packing:
    """One value on its way into the store: its pieces, and, after the last, its hash."""

    def __init__(self, data: Buffer, compression: Compression, encoding: Encoding, piece_bytes: int) -> None:
        self._data = data
        self._coding = coding_of(compression, encoding)
        self._piece_bytes = min(piece_bytes, PIECE) if self._coding else piece_bytes
        self._hash = sha256()
        self.size = len(data)
        self.stored = 0
        self.pieces = 0

    @property
    def single(self) -> bool:
        """Whether the value is one piece."""
        return self.size <= self._piece_bytes

    @property
    def id(self) -> str:
        """The hash of the pieces so far."""
        return self._hash.hexdigest()

    async def parts(self) -> AsyncGenerator[Part]:
        """Yield the pieces. What is hashed is what is kept, even if somebody changes the value meanwhile."""
        with memoryview(self._data) as view:
            for start in range(0, self.size, self._piece_bytes):
                whole = self.single and isinstance(self._data, bytes)
                data = self._data if whole else bytes(view[start : start + self._piece_bytes])
                assert isinstance(data, bytes)
                await hash_in_steps(self._hash, data)
                coding, kept = await coded(data, self._coding) if self._coding else (0, data)
                self.stored += len(kept)
                self.pieces += 1
                yield Part(coding, kept)


def packed(data: Buffer, compression: Compression, encoding: Encoding, piece_bytes: int) -> Packing:
    """Begin to pack a value; refuse what is no compression or encoding."""
    check_compression(compression)
    check_encoding(encoding)
    return Packing(data, compression, encoding, piece_bytes)


async def hash_in_steps(hashing: Hash, data: bytes) -> None:
    """Add *data* to a hash; others have their turns meanwhile."""
    if len(data) <= STEP:
        hashing.update(data)
        return
    with memoryview(data) as view:
        for start in range(0, len(view), STEP):
            hashing.update(view[start : start + STEP])
            await checkpoint()


async def verified(row: Row, data: bytes) -> bytes:
    """Return *data*; raises ``ValueError`` if it is not what was stored."""
    if len(data) != row.size:
        raise ValueError(f"it has {len(data)} bytes")
    if row.checked:
        hashing = sha256()
        await hash_in_steps(hashing, data)
        if hashing.hexdigest() != row.id:
            raise ValueError(f"its SHA-256 is {hashing.hexdigest()}")
    return data
