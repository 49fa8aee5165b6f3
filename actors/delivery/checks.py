"""What the options of delivery may be; each is checked when it is given, and the error names what is allowed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from actors.options import is_number

if TYPE_CHECKING:
    from collections.abc import Callable

    import attrs


def must(
    allowed: str, is_allowed: Callable[[Any], bool], *, optional: bool = False
) -> Callable[[Any, attrs.Attribute[Any], Any], None]:
    """Return a validator that refuses every value for which *is_allowed* is false, but None if it is *optional*."""

    def check(owner: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not ((optional and value is None) or is_allowed(value)):
            said = f"{allowed} or None" if optional else allowed
            raise ValueError(f"{type(owner).__name__}: {attribute.name} is {value!r}; allowed is {said}")

    return check


def is_positive_count(value: object) -> bool:
    """Tell whether *value* is an integer of at least 1, and not a bool."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_above_zero(value: object) -> bool:
    """Tell whether *value* is a number above 0."""
    return is_number(value) and value > 0


def is_not_negative(value: object) -> bool:
    """Tell whether *value* is a number of at least 0."""
    return is_number(value) and value >= 0


def is_finite_above_zero(value: object) -> bool:
    """Tell whether *value* is a finite number above 0."""
    return is_number(value) and 0 < value < math.inf


def is_share(value: object) -> bool:
    """Tell whether *value* is a number from 0 to 1."""
    return is_number(value) and 0 <= value <= 1


def is_factor(value: object) -> bool:
    """Tell whether *value* is a finite number of at least 1."""
    return is_number(value) and 1 <= value < math.inf


def is_flag(value: object) -> bool:
    """Tell whether *value* is True or False."""
    return isinstance(value, bool)
