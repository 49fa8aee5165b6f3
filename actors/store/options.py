"""StoreOptions: what a store of references is told when it is made."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

import attrs

from actors.options import is_number
from actors.store.coding import Compression, check_compression

if TYPE_CHECKING:
    from collections.abc import Callable

    Check: TypeAlias = Callable[["StoreOptions", "attrs.Attribute[Any]", Any], None]

GcStrategy: TypeAlias = Literal["any", "ref_counting", "ttl", "manual"]
"""What the garbage collector removes by itself.

``any``: what has expired, and what nobody holds. ``ref_counting``: only what nobody holds. ``ttl``: only what has
expired. ``manual``: nothing.
"""

MAX_BYTES: Final = 256 * 2**20
LIMIT: Final = 2**36
"""A value has at most 2**16 pieces."""
GC_SECONDS: Final = 300.0
COMPRESS_ABOVE: Final = 100 * 1024


def _must(allowed: str, is_allowed: Callable[[Any], bool]) -> Check:
    """Return a validator that refuses every value for which *is_allowed* is false."""

    def check(_options: StoreOptions, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not is_allowed(value):
            raise ValueError(f"StoreOptions: {attribute.name} is {value!r}; allowed is {allowed}")

    return check


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _interval(seconds: float) -> float:
    """Return the time between two collections; 0 stands for the default."""
    return GC_SECONDS if is_number(seconds) and seconds == 0 else seconds


@attrs.frozen(kw_only=True)
class StoreOptions:
    """What a store takes, how it keeps it, and when it removes what nobody needs. Times are in seconds."""

    max_bytes: int = attrs.field(
        default=MAX_BYTES,
        validator=_must("an int from 1 to 2**36", lambda value: _is_count(value) and 1 <= value <= LIMIT),
    )
    """No value has more bytes; 256 MiB."""
    ttl: float = attrs.field(
        default=0.0,
        validator=_must("a finite number, 0 or more", lambda value: is_number(value) and 0 <= value < math.inf),
    )
    """How long a value is kept unless whoever stores it says otherwise; 0 for ever."""
    gc_enabled: bool = attrs.field(default=True, validator=_must("a bool", lambda value: isinstance(value, bool)))
    """Whether garbage is collected by itself; if not, `StoreClient.collect` does it."""
    gc_strategy: GcStrategy = attrs.field(
        default="any", validator=_must(", ".join(get_args(GcStrategy)), lambda value: value in get_args(GcStrategy))
    )
    gc_interval: float = attrs.field(
        default=GC_SECONDS,
        converter=_interval,
        validator=_must(
            "a finite number above 0, or 0 for 300", lambda value: is_number(value) and 0 < value < math.inf
        ),
    )
    compression: Compression = attrs.field(default="none")
    """How values above `compress_above` are compressed unless whoever stores them says otherwise."""
    compress_above: int = attrs.field(
        default=COMPRESS_ABOVE, validator=_must("an int of 0 or more", lambda value: _is_count(value) and value >= 0)
    )
    """In bytes; 100 KB."""

    @compression.validator
    def _check_compression(self, _: attrs.Attribute[Any], value: object) -> None:
        check_compression(value)
