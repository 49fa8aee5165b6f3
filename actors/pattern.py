"""Pattern: which names are meant, segment by segment, as topics are subscribed to and keys are watched."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import attrs

from actors.errors import ActorError

MAX_LENGTH: Final = 1024
"""A pattern, or a name that one is for, has at most so many characters."""

WILD: Final = frozenset("*?[")
DOT: Final = r"\."


class PatternError(ActorError, ValueError):
    """A pattern is malformed: it has an empty segment, an open bracket, or a ``**`` that is not a segment."""

    kind = "invalid_message"


@attrs.frozen
class Pattern:
    """A pattern, read once. Made by `parse_pattern`."""

    text: str
    literal: bool
    """Whether it means the one name that is equal to it."""
    _regex: re.Pattern[str]

    def __str__(self) -> str:
        return self.text

    def matches(self, name: str) -> bool:
        """Tell whether *name* is meant; this takes no longer than the length of both, multiplied."""
        return name == self.text if self.literal else self._regex.fullmatch(name) is not None


def parse_pattern(text: str) -> Pattern:
    """Read a pattern whose segments are divided by dots.

    ``*`` is one segment, or within one any characters, perhaps none; ``?`` is one character and ``[abc]``, ``[a-z]``
    and ``[!a]`` are one of some, of one segment always. ``**`` is one segment or more at the end, and any number
    before others. Raises `PatternError`.

    >>> findings = parse_pattern("findings.*.draft")
    >>> [findings.matches(name) for name in ("findings.tea.draft", "findings.draft", "findings.a.b.draft")]
    [True, False, False]
    >>> [parse_pattern("a.**.z").matches(name) for name in ("a.z", "a.b.c.z", "a.b")]
    [True, True, False]
    """
    if not isinstance(text, str):
        raise PatternError(f"a pattern is a str; got {text!r}")
    if len(text) > MAX_LENGTH:
        raise PatternError(f"a pattern has at most {MAX_LENGTH} characters; {text[:40]!r}... has {len(text)}")
    return _parsed(text)


@lru_cache(maxsize=512)
def _parsed(text: str) -> Pattern:
    segments = text.split(".")
    if "" in segments:
        raise PatternError(f"pattern {text!r} has an empty segment")
    return Pattern(text, WILD.isdisjoint(text), re.compile(_regex_of(text, segments), re.DOTALL))


def _regex_of(text: str, segments: list[str]) -> str:
    """Return the regular expression of *segments*.

    What follows a wildcard counts where it is found first: an atomic group keeps many wildcards from taking
    exponential time, as in Python's ``fnmatch``.
    """
    runs: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            runs.append([])
        else:
            runs[-1].append(_regex_of_segment(text, segment))
    if len(runs) == 1:
        return r"\.".join(runs[0])
    first, *middle, last = runs
    regex = "".join(rf"{segment}\." for segment in first)
    for run in filter(None, middle):
        regex += rf"(?>(?:[^.]*\.)*?{''.join(rf'{segment}{DOT}' for segment in run)})"
    return regex + (r"(?:[^.]*\.)*" + r"\.".join(last) if last else ".+")


def _regex_of_segment(text: str, segment: str) -> str:
    if segment == "*":
        return "[^.]+"
    if "**" in segment:
        raise PatternError(f"pattern {text!r} has '**' within the segment {segment!r}; it stands alone")
    first, *rest = (_regex_of_piece(text, piece) for piece in _pieces(segment))
    if not rest:
        return first
    return first + "".join(f"(?>[^.]*?{piece})" for piece in rest[:-1]) + f"[^.]*{rest[-1]}"


def _pieces(segment: str) -> list[str]:
    """Divide *segment* at its stars, but for those in brackets.

    >>> _pieces("a*[*]b*")
    ['a', '[*]b', '']
    """
    pieces, start, within = [], 0, False
    for index, character in enumerate(segment):
        if character == "[" or (within and character == "]"):
            within = character == "["
        elif character == "*" and not within:
            pieces.append(segment[start:index])
            start = index + 1
    return [*pieces, segment[start:]]


def _regex_of_piece(text: str, piece: str) -> str:
    regex = ""
    rest = piece
    while rest:
        character, rest = rest[0], rest[1:]
        if character == "[":
            inside, closed, rest = rest.partition("]")
            regex += _regex_of_set(text, inside, closed)
        else:
            regex += "[^.]" if character == "?" else re.escape(character)
    return regex


def _regex_of_set(text: str, inside: str, closed: str) -> str:
    """Return what ``[inside]`` means; a dot is never meant."""
    wanted = inside.removeprefix("!").removeprefix("^")
    if not (closed and wanted):
        raise PatternError(f"pattern {text!r} has a '[' without a ']', or nothing between the two")
    escaped = re.sub(r"[\\\[\^&~|]", r"\\\g<0>", wanted)
    negated = "^" if wanted != inside else ""
    try:
        re.compile(f"[{escaped}]")
    except re.error as error:
        raise PatternError(f"pattern {text!r} has no set in '[{inside}]': {error}") from error
    return f"(?!\\.)[{negated}{escaped}]"
