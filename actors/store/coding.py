"""Coding: how the pieces of a value are compressed and encoded, a part at a time, so that a large one stalls nobody.

The bytes of a piece are compressed by themselves, and kept as they are if that saves nothing.
"""

from __future__ import annotations

import binascii
import sys
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, get_args

from trio.lowlevel import checkpoint

from actors.store.errors import CompressionMissingError, ValueRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

Compression: TypeAlias = Literal["none", "gzip", "zstd"]
Encoding: TypeAlias = Literal["none", "base64"]

CODES: Final[dict[str, int]] = {"none": 0, "gzip": 1, "zstd": 2}
BASE64: Final = 16
STEP: Final = 64 * 1024
"""So many bytes are worked on at a time: about a millisecond of the slowest compression."""
GZIP: Final = 16 + zlib.MAX_WBITS
FAST: Final = 1
"""The level of gzip: the higher ones take several times as long, for a tenth less."""


class Worker(Protocol):
    """What compresses, piece by piece of what it is given."""

    def compress(self, data: Any, /) -> bytes:
        """Return what can be told so far."""

    def flush(self) -> bytes:
        """Return the rest."""


def check_compression(compression: object) -> None:
    """Refuse what is no compression, or none that is installed."""
    if compression not in get_args(Compression):
        raise ValueRefusedError(f"compression is {compression!r}; allowed is {', '.join(get_args(Compression))}")
    if compression == "zstd":
        zstd()


def check_encoding(encoding: object) -> None:
    """Refuse what is no encoding."""
    if encoding not in get_args(Encoding):
        raise ValueRefusedError(f"encoding is {encoding!r}; allowed is {', '.join(get_args(Encoding))}")


def zstd() -> Any:
    """Return Python's module of zstd, or its backport; raises `CompressionMissingError`."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return import_module(name)
    except ImportError as error:
        raise CompressionMissingError(f"zstd takes {name}: pip install 'trio-actors[zstd]' ({error})") from error


def coding_of(compression: Compression, encoding: Encoding) -> int:
    """Return the number that stands for both.

    >>> coding_of("gzip", "base64")
    17
    """
    return CODES[compression] | (BASE64 if encoding == "base64" else 0)


async def coded(data: bytes, coding: int) -> tuple[int, bytes]:
    """Return *data* as it is kept, and by which coding: not compressed, if that would save nothing."""
    code = coding & ~BASE64
    kept = data
    if code:
        worker = _worker(code)
        parts = []
        for part in _steps(data):
            parts.append(worker.compress(part))
            await checkpoint()
        parts.append(worker.flush())
        kept = b"".join(parts)
        if len(kept) >= len(data):
            kept, code = data, 0
    if coding & BASE64:
        kept = binascii.b2a_base64(kept, newline=False)
    return code | (coding & BASE64), kept


async def decoded(data: bytes, coding: int, most: int) -> bytes:
    """Return what was coded, *most* bytes at most; raises ``ValueError`` if it cannot have been."""
    if coding == 0:
        return data
    if coding & BASE64:
        data = binascii.a2b_base64(data, strict_mode=True)
    code = coding & ~BASE64
    if code == 0:
        return data
    try:
        return await _decompressed(data, code, most)
    except (zlib.error, EOFError) as error:
        raise ValueError(str(error)) from error
    except Exception as error:
        if code == CODES["zstd"] and isinstance(error, zstd().ZstdError):
            raise ValueError(str(error)) from error
        raise


async def _decompressed(data: bytes, code: int, most: int) -> bytes:
    parts, size = [], 0
    worker: Any = zlib.decompressobj(GZIP) if code == CODES["gzip"] else zstd().ZstdDecompressor()
    rest = data
    while not worker.eof and size <= most:
        part = worker.decompress(rest, STEP)
        rest = worker.unconsumed_tail if code == CODES["gzip"] else b""
        if not part and not rest and not worker.eof:
            raise ValueError(f"it ends after {size} bytes")
        parts.append(part)
        size += len(part)
        await checkpoint()
    return b"".join(parts)


def _worker(code: int) -> Worker:
    worker: Worker = zlib.compressobj(FAST, zlib.DEFLATED, GZIP) if code == CODES["gzip"] else zstd().ZstdCompressor()
    return worker


def _steps(data: bytes) -> Iterator[memoryview]:
    with memoryview(data) as view:
        for start in range(0, len(view), STEP):
            yield view[start : start + STEP]
