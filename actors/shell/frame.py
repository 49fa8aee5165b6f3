"""Frames: what goes through a node's socket, in both directions, as pure functions over bytes.

A frame is four bytes of length, most significant first, and so many bytes of msgpack: ``[version, word, content]``.
A request's word is what is asked for. It is answered by frames of the word ``part``, as many as there are, and then
one of the word ``end`` or ``error``.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgpack

from actors.shell.errors import FrameError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VERSION: Final = 1

HEADER: Final = Struct(">I")

PART: Final[bytes] = msgpack.packb([VERSION, "part", [0, 0]])[:-2]
"""How a part begins: all but its time and its rows."""

MAX_REQUEST_BYTES: Final = 64 * 1024
MAX_REPLY_BYTES: Final = 16 * 1024 * 1024
"""The longest frame in each direction. An answer of any size is cut into parts."""


@attrs.frozen
class Frame:
    """What one frame says."""

    word: str
    content: Any


def encode(word: str, content: object) -> bytes:
    r"""Return the bytes of a frame, its length included.

    >>> encode("end", None)
    b'\x00\x00\x00\x07\x93\x01\xa3end\xc0'
    """
    body: bytes = msgpack.packb([VERSION, word, content], default=_unknown)
    return HEADER.pack(len(body)) + body


def packer() -> Callable[[object], bytes]:
    """Return what packs one value after the other for `encode_part`.

    It raises ``UnicodeEncodeError`` for a text that is none, which `pack_escaped` packs.
    """
    pack: Callable[[object], bytes] = msgpack.Packer(default=_unknown).pack
    return pack


def pack_escaped(value: object) -> bytes:
    r"""Return *value* packed, with what is no text in its texts escaped.

    >>> pack_escaped("\ud800")
    b'\xa6\\ud800'
    """
    packed: bytes = msgpack.packb(value, default=_unknown, unicode_errors="backslashreplace")
    return packed


def encode_part(now: int, rows: Sequence[bytes]) -> bytes:
    r"""Return the bytes of a part of an answer: when it was made, and its rows, which are packed already.

    >>> encode_part(7, [b"\xa1a", b"\xa1b"]) == encode("part", [7, ["a", "b"]])
    True
    """
    head: bytes = PART + msgpack.packb(now) + msgpack.Packer().pack_array_header(len(rows))
    return b"".join((HEADER.pack(len(head) + sum(map(len, rows))), head, *rows))


def length_of(header: bytes, most: int) -> int:
    """Return how long the body is that *header* announces. Raises `FrameError` if it is more than *most* bytes."""
    (length,) = HEADER.unpack(header)
    if length > most:
        raise FrameError(f"a frame of {length} bytes was announced; allowed are {most}", "oversized")
    return int(length)


def decode(body: bytes) -> Frame:
    """Return what *body* says. Raises `FrameError` if that is not a frame of this version.

    >>> decode(encode("actors", {})[4:])
    Frame(word='actors', content={})
    """
    try:
        frame = msgpack.unpackb(body, strict_map_key=False)
    except Exception as error:
        # What is wrong with hostile bytes comes as errors of many kinds.
        raise FrameError(f"a frame of {len(body)} bytes is no msgpack: {error}", "malformed") from error
    match frame:
        case [int(version), str(), _] if version != VERSION:
            raise FrameError(f"version {version} of the protocol was spoken; this is version {VERSION}", "version")
        case [int(), str(word), content]:
            return Frame(word, content)
        case _:
            raise FrameError(f"a frame of {len(body)} bytes is not [version, word, content]", "malformed")


def _unknown(value: object) -> str:
    """Return what can be sent of a value that has no place in msgpack: its class."""
    return f"<{type(value).__qualname__}>"
