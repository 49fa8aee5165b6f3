"""JSON as agents exchange it: no spaces, no escapes but the necessary, and nothing that other programs cannot read."""

from __future__ import annotations

import json
from typing import Any, Final

from actors.agent.errors import NotSerialisableError, PayloadNotDecodedError
from actors.show import shown

_encode: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decode: Final = json.JSONDecoder().decode


def json_of(data: object) -> bytes:
    """Return *data* as JSON; tuples become lists, and the keys of dicts texts.

    >>> json_of({"grams": (250, 500)})
    b'{"grams":[250,500]}'

    Raises `NotSerialisableError`, also for numbers that JSON does not have, such as NaN.
    """
    try:
        return _encode(data).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise NotSerialisableError(f"{shown(data)} is not what JSON can hold: {error}") from error


def data_of(text: bytes, message_id: str) -> Any:
    """Return what *text* says; raises `PayloadNotDecodedError`."""
    try:
        return _decode(str(text, "utf-8"))
    except (TypeError, ValueError, RecursionError) as error:
        size = len(text) if isinstance(text, bytes) else type(text).__name__
        raise PayloadNotDecodedError(
            f"the payload of message {message_id} ({size} bytes) is no JSON: {error}"
        ) from error
