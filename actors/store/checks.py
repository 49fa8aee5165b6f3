"""What a store and its clients may be given; errors name what was given, and what is allowed."""

from __future__ import annotations

import math
from typing import Any, Final
from weakref import WeakSet

from actors.options import is_number
from actors.store.errors import InvalidReferenceError, ValueRefusedError
from actors.store.options import StoreOptions
from actors.store.reference import Reference, ReferenceType

OPERATIONS: Final = ("open", "commit", "rows", "loose", "totals", "last_seq", "fetch", "piece", "close")
"""What a `ReferenceStore` can do."""


def check_store(store: object, options: object) -> None:
    """Refuse what no store can be made with."""
    lacking = [name for name in OPERATIONS if not callable(getattr(store, name, None))]
    if isinstance(store, type) or lacking:
        why = f", which lacks {', '.join(lacking)}" if 0 < len(lacking) < len(OPERATIONS) else ""
        raise TypeError(
            f"the store of a Store is a ReferenceStore, such as SqliteReferenceStore('values.db'); got {store!r}{why}"
        )
    try:
        WeakSet([store])
    except TypeError as error:
        raise TypeError(f"the store of a Store is known by its identity, and {store!r} cannot be: {error}") from error
    if not isinstance(options, StoreOptions | None):
        raise TypeError(f"the options of a Store are StoreOptions; got {options!r}")


def checked_value(data: Any) -> bytes | bytearray | memoryview:
    """Return what can be stored as bytes in a row; refuse what is no value."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise ValueRefusedError(f"a value is bytes, a bytearray or a memoryview; got {type(data).__name__}")
    if not memoryview(data).nbytes:
        raise ValueRefusedError("cannot store empty data: a value has at least one byte")
    if isinstance(data, memoryview):
        return data.cast("B") if data.c_contiguous else data.tobytes()
    return data


def check_facts(kind: object, content_type: object, ttl: object, checked: object) -> None:
    """Refuse what cannot be said about a value."""
    if not isinstance(kind, ReferenceType):
        raise ValueRefusedError(f"the type of a value is {kind!r}; allowed is a ReferenceType")
    if not isinstance(content_type, str):
        raise ValueRefusedError(f"the content_type of a value is {content_type!r}; allowed is a str")
    try:
        content_type.encode()
    except UnicodeEncodeError as error:
        raise ValueRefusedError(
            f"the content_type of a value is {content_type!r}, which is no text: {error}"
        ) from error
    if not isinstance(checked, bool):
        raise ValueRefusedError(f"compute_checksum is {checked!r}; allowed is a bool")
    if ttl is not None and not (is_number(ttl) and 0 <= ttl < math.inf):
        raise ValueRefusedError(f"the ttl of a value is {ttl!r}; allowed is a finite number of seconds, 0 for ever")


def check_reference(reference: object) -> str:
    """Return the id of a reference; refuse what is none."""
    if not isinstance(reference, Reference):
        raise InvalidReferenceError(f"{reference!r} is no Reference, which is what storing a value returns")
    return reference.id


def check_id(reference: object) -> str:
    """Return the id of a reference, or the id that is given; refuse what is none."""
    return reference if isinstance(reference, str) and reference else check_reference(reference)
