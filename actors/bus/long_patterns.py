"""LongPatterns: patterns that a trie would be slow with, each matched by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from actors.pattern import CharSet, Glob, Wild

if TYPE_CHECKING:
    from collections.abc import Hashable

    from actors.pattern import Pattern, Step

V = TypeVar("V")

MOST_PLACES: Final = 32
"""A pattern that may be matched in more places at once is long: a trie looks at each for each character."""

SLOW: Final = 4


def is_long(pattern: Pattern) -> bool:
    """Tell whether a trie may have to look at many places of *pattern* for each character of a topic.

    >>> from actors.pattern import parse_pattern
    >>> [is_long(parse_pattern(text)) for text in ("*a.**.late", "*" + 40 * "a", "**" + 40 * ".a", 40 * "a" + "*")]
    [False, True, True, False]
    """
    return _places(pattern.steps) > MOST_PLACES


def _places(steps: tuple[Step, ...]) -> int:
    """Return how many places come after the first wildcard for any number, or do so within one segment."""
    first = steps.index(Wild.MANY) if Wild.MANY in steps else len(steps)
    after = sum(map(_weight, steps[first:]))
    return max([after, *(_places(step.steps) for step in steps if isinstance(step, Glob))])


def _weight(step: Step) -> int:
    """Return for how many places *step* counts; to begin with a segment takes as long as four, as a set does."""
    match step:
        case Glob(steps):
            return SLOW + sum(map(_weight, steps))
        case CharSet():
            return SLOW
        case _:
            return 1


class _Kept(NamedTuple, Generic[V]):
    pattern: Pattern
    values: dict[Hashable, V]


class LongPatterns(Generic[V]):
    """Values under long patterns."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept[V]] = {}
        self._length = 0

    def __repr__(self) -> str:
        return f"<LongPatterns: {self._length} values>"

    def __len__(self) -> int:
        return self._length

    def add(self, pattern: Pattern, key: Hashable, value: V) -> None:
        """Keep *value* for what matches *pattern*, under *key*."""
        if pattern.text not in self._kept:
            self._kept[pattern.text] = _Kept(pattern, {})
        values = self._kept[pattern.text].values
        self._length += key not in values
        values[key] = value

    def remove(self, pattern: Pattern, key: Hashable) -> None:
        """Let go of what *key* has for *pattern*; raises ``KeyError`` if there is nothing."""
        kept = self._kept[pattern.text]
        del kept.values[key]
        self._length -= 1
        if not kept.values:
            del self._kept[pattern.text]

    def values(self, pattern: Pattern) -> list[V]:
        """Return the values for just *pattern*."""
        kept = self._kept.get(pattern.text)
        return [] if kept is None else list(kept.values.values())

    def find(self, topic: str) -> list[V]:
        """Return the values of all patterns that match *topic*."""
        return [value for kept in self._kept.values() if kept.pattern.matches(topic) for value in kept.values.values()]
