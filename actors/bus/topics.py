"""Topics: texts of segments between dots; and the patterns that stand for some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.bus.errors import BadTopicError
from actors.pattern import MAX_LENGTH, CharSet, Glob, Pattern, PatternError, Wild, parse_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.pattern import Step

SPECIAL: Final = frozenset("*?[]\\")
"""The characters that no topic has, beside spaces and what cannot be printed."""

MOST_WILD: Final = 16
"""A pattern has at most so many ``**``, and each of its segments so many ``*``."""


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
    if not isinstance(topic, str) or not topic:
        raise BadTopicError(f"a topic is a str that is not empty; got {topic!r}")
    if len(topic) > MAX_LENGTH:
        raise BadTopicError(f"topic {topic[:40]!r}... has {len(topic)} characters; at most {MAX_LENGTH} are allowed")
    if not topic.isprintable() or " " in topic or not SPECIAL.isdisjoint(topic):
        raise BadTopicError(f"{topic!r} is no topic: it has {_stranger_in(topic)!r}, which no topic has")
    segments = topic.split(".")
    if "" in segments:
        raise BadTopicError(f"{topic!r} is no topic: segment {segments.index('') + 1} is empty")
    return segments


def pattern_of_topics(text: str) -> Pattern:
    """Read a pattern; raises ``PatternError`` also for a character that no topic has, and for too many wildcards.

    >>> str(pattern_of_topics("orders.*"))
    'orders.*'
    """
    pattern = parse_pattern(text)
    _refuse_too_many(text, pattern.steps, "**", "")
    for number, step in enumerate(pattern.steps, 1):
        if isinstance(step, Glob):
            _refuse_too_many(text, step.steps, "*", f" in segment {number}")
        for said in _texts_of(step):
            if (stranger := _stranger_in(said)) is not None:
                raise PatternError(f"{text!r} is no pattern of topics: it has {stranger!r}, which no topic has")
    return pattern


def _refuse_too_many(text: str, steps: tuple[Step, ...], wildcard: str, where: str) -> None:
    """Refuse what would take long to match."""
    number = steps.count(Wild.MANY)
    if number > MOST_WILD:
        said = f"{text[:40]!r}... is no pattern of topics: it has {number} {wildcard!r}{where}"
        raise PatternError(f"{said}; at most {MOST_WILD} are allowed")


def _stranger_in(text: str) -> str | None:
    """Return the first character that no topic has."""
    for character in text:
        if character == " " or character in SPECIAL or not character.isprintable():
            return character
    return None


def _texts_of(step: Step) -> Iterator[str]:
    """Give the texts that *step* wants to find as they are."""
    match step:
        case str():
            yield step
        case Glob(parts):
            for part in parts:
                yield from _texts_of(part)
        case CharSet(ranges, _):
            for first, last in ranges:
                yield first + last
