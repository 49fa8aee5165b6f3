"""Packing: payloads as the bytes that a store keeps, and back."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgpack

from actors.bus.errors import BusRequestError

TEXT: Final = "text/plain; charset=utf-8"
MESSAGEPACK: Final = "application/msgpack"


class Packed(NamedTuple):
    """A payload as it is stored."""

    data: bytes | bytearray | memoryview
    content_type: str
    """What it was; empty for bytes."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return memoryview(self.data).nbytes


def packed(payload: object) -> Packed | None:
    r"""Return *payload* as bytes, or None if it would not come back as it is, or is empty.

    >>> packed(b"tea"), packed("caf\xe9"), packed({"a": (1, 2)})
    (Packed(data=b'tea', content_type=''), Packed(data=b'caf\xc3\xa9', content_type='text/plain; charset=utf-8'), None)
    """
    if isinstance(payload, bytes | bytearray | memoryview):
        found = Packed(payload, "")
    elif type(payload) is str:
        found = Packed(payload.encode(errors="surrogatepass"), TEXT)
    else:
        try:
            found = Packed(msgpack.packb(payload, strict_types=True), MESSAGEPACK)
        except (TypeError, ValueError, OverflowError):
            return None
    return found if found.size else None


def unpacked(data: bytes, content_type: str) -> Any:
    """Return what was packed.

    >>> unpacked(*packed({"a": [1, b"2", "3"]}))
    {'a': [1, b'2', '3']}
    """
    try:
        match content_type:
            case "text/plain; charset=utf-8":
                return data.decode(errors="surrogatepass")
            case "application/msgpack":
                return msgpack.unpackb(data, strict_map_key=False)
    except (ValueError, msgpack.UnpackException) as error:
        raise BusRequestError(f"a value of {len(data)} bytes is not {content_type}, as its reference says") from error
    return data
