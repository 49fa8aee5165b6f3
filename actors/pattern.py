"""Pattern: which names are meant, segment by segment, as topics are subscribed to and keys are watched.

``*`` is one segment, ``**`` any number of them, and at the end one or more. Within a segment ``*`` is any run of
characters, ``?`` one character, and ``[a-z]`` or ``[!a-z]`` one of a set, or one that is not in it. A pattern is read
into steps, which a trie keeps with those of many others; by itself it is matched as a regular expression.
"""

from __future__ import annotations

import enum
import re
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, NoReturn, TypeAlias

from actors.errors import ActorError

MAX_LENGTH: Final = 1024
"""A pattern, or a name that one is for, has at most so many characters."""

WILD: Final = frozenset("*?[")
"""The characters that stand for others."""


class PatternError(ActorError, ValueError):
    """A pattern is malformed: it has an empty segment, an open bracket, or a ``**`` that is not a segment."""

    kind = "invalid_message"


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


class Pattern:
    """A pattern, read once. Made by `parse_pattern`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps: tuple[Step, ...] = tuple(_segment(text, segment) for segment in text.split("."))
        self.literal = WILD.isdisjoint(text)
        """Whether it means the one name that is equal to it."""

    def __repr__(self) -> str:
        return f"<Pattern {self.text}>"

    def __str__(self) -> str:
        return self.text

    def matches(self, name: str) -> bool:
        """Tell whether *name* is meant; this takes no longer than the length of both, multiplied."""
        return name == self.text if self.literal else self._regex.fullmatch(name) is not None

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(_regex_of(self.steps), re.DOTALL)


def parse_pattern(text: str) -> Pattern:
    """Read a pattern whose segments are divided by dots. Raises `PatternError`.

    >>> findings = parse_pattern("findings.*.draft")
    >>> [findings.matches(name) for name in ("findings.tea.draft", "findings.draft", "findings.a.b.draft")]
    [True, False, False]
    >>> [parse_pattern("a.**.z").matches(name) for name in ("a.z", "a.b.c.z", "a.b")]
    [True, True, False]
    >>> parse_pattern("orders.*.**").steps
    ('orders', <Wild.ONE: 1>, <Wild.MANY: 2>)
    """
    if not isinstance(text, str) or not text:
        raise PatternError(f"a pattern is a str that is not empty; got {text!r}")
    if len(text) > MAX_LENGTH:
        raise PatternError(f"pattern {text[:40]!r}... has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    if text[0] == "." or text[-1] == "." or ".." in text:
        _refuse(text, f"segment {text.split('.').index('') + 1} is empty")
    return _parsed(text)


_parsed: Final = lru_cache(maxsize=512)(Pattern)


# -- reading


def _segment(pattern: str, segment: str) -> Step:
    if segment == "*":
        return Wild.ONE
    if segment == "**":
        return Wild.MANY
    if WILD.isdisjoint(segment):
        return segment
    return _glob(pattern, segment)


def _glob(pattern: str, segment: str) -> Glob:
    steps: list[str | Wild | CharSet] = []
    at = 0
    while at < len(segment):
        match segment[at]:
            case "*" if steps and steps[-1] is Wild.MANY:
                _refuse(pattern, f"'**' is a segment of its own, and {segment!r} has it beside something else")
            case "*":
                steps.append(Wild.MANY)
            case "?":
                steps.append(Wild.ONE)
            case "[":
                end = segment.find("]", at)
                if end < 0:
                    _refuse(pattern, f"the '[' in segment {segment!r} is not closed in it")
                steps.append(_char_set(pattern, segment[at + 1 : end]))
                at = end
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
            _refuse(pattern, f"the range in '[{inside}]' ends before it begins")
        ranges.append((members[at], members[last]))
        at = last + 1
    if not ranges:
        _refuse(pattern, f"'[{inside}]' has no characters")
    return CharSet(tuple(sorted(ranges)), negated)


def _refuse(pattern: str, why: str) -> NoReturn:
    raise PatternError(f"{pattern!r} is no pattern: {why}")


# -- matching by itself
#
# What follows a wildcard counts where it is found first: an atomic group keeps many wildcards from taking exponential
# time, as in Python's ``fnmatch``.


def _regex_of(steps: tuple[Step, ...]) -> str:
    """Return the regular expression of the segments of a pattern."""
    runs: list[list[str]] = [[]]
    for step in steps:
        if step is Wild.MANY:
            runs.append([])
        else:
            runs[-1].append(_regex_of_segment(step))
    if len(runs) == 1:
        return r"\.".join(runs[0])
    first, *middle, last = runs
    regex = _followed_by_dots(first)
    for run in filter(None, middle):
        regex += rf"(?>(?:[^.]*\.)*?{_followed_by_dots(run)})"
    return regex + (r"(?:[^.]*\.)*" + r"\.".join(last) if last else ".+")


def _followed_by_dots(segments: list[str]) -> str:
    return "".join(rf"{segment}\." for segment in segments)


def _regex_of_segment(step: Step) -> str:
    match step:
        case Wild.ONE:
            return "[^.]+"
        case Glob(steps):
            pieces = [""]
            for part in steps:
                if part is Wild.MANY:
                    pieces.append("")
                else:
                    pieces[-1] += _regex_of_character(part)
            first, *rest = pieces
            if not rest:
                return first
            return first + "".join(f"(?>[^.]*?{piece})" for piece in rest[:-1]) + f"[^.]*{rest[-1]}"
        case literal:
            return re.escape(str(literal))


def _regex_of_character(part: str | Wild | CharSet) -> str:
    match part:
        case Wild.ONE:
            return "[^.]"
        case CharSet(ranges, negated):
            inside = "".join(f"{re.escape(first)}-{re.escape(last)}" for first, last in ranges)
            return rf"(?!\.)[{'^' if negated else ''}{inside}]"
        case literal:
            return re.escape(str(literal))
