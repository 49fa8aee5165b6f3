"""Plain data: what can be sent of any value, with a limit to how much is looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

import attrs

from actors.show import shown

MOST_VALUES: Final = 1000
"""So many are looked at of one value; what is more is left out."""

DEEPEST: Final = 12
LONGEST_TEXT: Final = 10_000
MORE: Final = "..."
LARGEST: Final = 2**63


class Plainly:
    """One value on its way to plain data."""

    def __init__(self) -> None:
        self.left = MOST_VALUES

    def tell(self, value: Any, depth: int = 0) -> Any:
        """Return *value* as plain data; what has no place in that, as a text."""
        self.left -= 1
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return float(value)
        if isinstance(value, int) and not isinstance(value, Enum):
            return int(value) if -LARGEST <= value < LARGEST else shown(value)
        if type(value) is str:
            return _cut(value)
        if self.left <= 0 or depth >= DEEPEST:
            return MORE
        return self._of_many(value, depth + 1)

    def _of_many(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if attrs.has(kind):
            names = [it.name for it in attrs.fields(kind) if it.repr and hasattr(value, it.name)]
            return self._of_class(value, names, depth)
        if is_dataclass(value):
            return self._of_class(value, [it.name for it in fields(value) if it.repr], depth)
        if isinstance(value, Mapping):
            return self._of_pairs(value, depth)
        if isinstance(value, list | tuple | set | frozenset | deque):
            told: list[Any] = []
            for item in value:
                if self.left <= 0:
                    return [*told, MORE]
                told.append(self.tell(item, depth))
            return told
        return shown(value)

    def _of_class(self, value: Any, names: list[str], depth: int) -> dict[str, Any]:
        return {"class": type(value).__name__} | {name: self.tell(getattr(value, name), depth) for name in names}

    def _of_pairs(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for key, item in value.items():
            if self.left <= 0:
                return told | {MORE: MORE}
            told[_cut(key) if type(key) is str else shown(key)] = self.tell(item, depth)
        return told


def plain(value: Any) -> Any:
    """Return *value* as plain data: None, numbers, texts, lists and mappings by text.

    An instance of an attrs class or a dataclass is a mapping of its fields, without those that its repr leaves out;
    whatever else there is, its repr. Only so much is looked at; ``...`` stands for the rest.

    >>> plain({1: (True, "a", b"b")})
    {'1': [True, 'a', "b'b'"]}
    """
    try:
        return Plainly().tell(value)
    except Exception as error:  # noqa: BLE001 -- a value of any class is looked at, and may fail in any way
        return f"<{type(value).__name__} that raised {type(error).__name__} when it was looked at>"


def _cut(text: str) -> str:
    it = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}{MORE}"
    return it if it.isascii() else it.encode("utf-8", "backslashreplace").decode()
