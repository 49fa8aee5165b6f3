"""Topics and patterns: texts of segments between dots, and what a pattern stands for, segment by segment.

``*`` is one segment, ``**`` any number of them, and at the end one or more. Within a segment ``*`` is any run of
characters, ``?`` one character, and ``[a-z]`` or ``[!a-z]`` one of a set, or one that is not in it. This is what
`actors.pattern` means as well; here patterns are taken apart, so that many can be looked at together.
"""

from __future__ import annotations

import enum
from typing import Final, NamedTuple, NoReturn, TypeAlias

from actors.bus.errors import BadTopicError
from actors.pattern import MAX_LENGTH, PatternError

SPECIAL: Final = frozenset("*?[]\\")
"""The characters that no topic has."""


class Wild(enum.Enum):
    """What stands for any item: of segments in a pattern, and of characters in a glob."""

    ONE = enum.auto()
    MANY = enum.auto()
    """Any number, also none."""


class CharSet(NamedTuple):
    """One character of some, or of all others."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool

    def has(self, character: str) -> bool:
        """Tell whether *character* is one of it."""
        return any(first <= character <= last for first, last in self.ranges) is not self.negated


class Glob(NamedTuple):
    """What one segment must look like."""

    steps: tuple[str | Wild | CharSet, ...]


Step: TypeAlias = str | Wild | CharSet | Glob
"""What stands for one item, or with `Wild.MANY` for several: a segment of a pattern, or a character of a glob."""


def is_pattern(text: str) -> bool:
    """Tell whether *text*, if it is a pattern at all, stands for more than the topic of that name.

    >>> is_pattern("orders.*"), is_pattern("orders.new")
    (True, False)
    """
    return not SPECIAL.isdisjoint(text)


def segments_of(topic: object) -> list[str]:
    """Return the segments of *topic*; raises `BadTopicError` if it is none.

    >>> segments_of("orders.new")
    ['orders', 'new']
    """
    text = _check_text("topic", topic)
    if not SPECIAL.isdisjoint(text):
        found = next(character for character in text if character in SPECIAL)
        _refuse("topic", text, f"{found!r} is for patterns")
    return text.split(".")


def parse(pattern: object) -> tuple[Step, ...]:
    """Return what *pattern* stands for; raises ``PatternError`` if it is malformed.

    >>> parse("orders.*.**")
    ('orders', <Wild.ONE: 1>, <Wild.MANY: 2>)
    """
    text = _check_text("pattern", pattern)
    return tuple(_segment(text, segment) for segment in text.split("."))


def _check_text(what: str, text: object) -> str:
    if not isinstance(text, str) or not text:
        raise _error(what, f"a {what} is a str that is not empty; got {text!r}")
    if len(text) > MAX_LENGTH:
        raise _error(what, f"{what} {text[:40]!r}... has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    if not text.isprintable() or " " in text:
        found = next(character for character in text if character == " " or not character.isprintable())
        _refuse(what, text, f"it has the character {found!r}")
    if text[0] == "." or text[-1] == "." or ".." in text:
        _refuse(what, text, f"segment {text.split('.').index('') + 1} is empty")
    return text


def _segment(pattern: str, segment: str) -> Step:
    if segment == "*":
        return Wild.ONE
    if segment == "**":
        return Wild.MANY
    if "**" in segment:
        _refuse("pattern", pattern, f"'**' is a segment of its own, and {segment!r} has it beside something else")
    if SPECIAL.isdisjoint(segment):
        return segment
    return _glob(pattern, segment)


def _glob(pattern: str, segment: str) -> Glob:
    steps: list[str | Wild | CharSet] = []
    at = 0
    while at < len(segment):
        match segment[at]:
            case "*":
                steps.append(Wild.MANY)
            case "?":
                steps.append(Wild.ONE)
            case "[":
                end = segment.find("]", at)
                if end < 0:
                    _refuse("pattern", pattern, f"the '[' in segment {segment!r} is not closed in it")
                steps.append(_char_set(pattern, segment[at + 1 : end]))
                at = end
            case "]" | "\\" as character:
                _refuse("pattern", pattern, f"{character!r} has no meaning in segment {segment!r}")
            case character:
                steps.append(character)
        at += 1
    return Glob(tuple(steps))


def _char_set(pattern: str, inside: str) -> CharSet:
    negated = inside[:1] in ("!", "^")
    members = inside[1:] if negated else inside
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(members):
        last = at + 2 if members[at + 1 : at + 2] == "-" and at + 2 < len(members) else at
        if members[at] > members[last]:
            _refuse("pattern", pattern, f"the range in '[{inside}]' ends before it begins")
        ranges.append((members[at], members[last]))
        at = last + 1
    if not ranges:
        _refuse("pattern", pattern, f"'[{inside}]' has no characters")
    if not SPECIAL.isdisjoint(members):
        _refuse("pattern", pattern, f"'[{inside}]' has a character that no topic has")
    return CharSet(tuple(sorted(ranges)), negated)


def _refuse(what: str, text: str, why: str) -> NoReturn:
    raise _error(what, f"{text!r} is no {what}: {why}")


def _error(what: str, said: str) -> BadTopicError | PatternError:
    return PatternError(said) if what == "pattern" else BadTopicError(said)
