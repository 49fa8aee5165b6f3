"""Columns: texts in rows, laid out as the lines of a table of a certain width. It knows no terminal itself.

Ten thousand rows take a fraction of a second: a column is measured at once, and only what is wider than its column is
looked at for itself.
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP: Final = "  "

COMFORTABLE: Final = 20
"""Columns of words that are no narrower than this are easy to read."""

NARROWEST: Final = (16, 12, 8, 4)
"""Longer words are broken where a table has to be narrow: first the longest alone."""

WORD: Final = re.compile(r"\s*(?:\S*\d (?:µs|ms|s|min|h|d)\b\S*|\S+)")
"""What stays in one line: a word, or a number and its unit."""

NUMBER: Final = re.compile(r"[#\d.,:-]+|.*\d \w+\W*")
"""A word that is not broken: a time, an id, or a number and its unit."""

WIDER: Final = re.compile(r"[^\x00-\u02ff]")
"""What may take two cells of a terminal, or none."""


@attrs.frozen(slots=False)
class Column:
    """The cells of a column, in which everything is printable."""

    title: str
    cells: Sequence[str]
    number: bool = False
    """Whether they end at the right, and are never folded."""
    width: int = attrs.field(init=False)
    """How wide they are where nothing is folded."""

    @width.default
    def _widest(self) -> int:
        return _widest([self.title, *self.cells])

    @cached_property
    def words(self) -> dict[str, int]:
        """What stays in one line where that is possible, and how wide it is."""
        words = {word.strip() for text in (self.title, *self.cells) for word in WORD.findall(text)}
        return {word: width_of(word) for word in words}


def room_for(columns: Sequence[Column]) -> int:
    """Return how wide a table has to be to be easy to read."""
    widths = [it.width if it.number else min(it.width, COMFORTABLE) for it in columns]
    return sum(widths) + len(GAP) * (len(columns) - 1)


def table(columns: Sequence[Column], most: int) -> tuple[list[str], list[str]]:
    """Return the lines of the titles, and those of the rows: of *most* cells, unless the columns cannot be so narrow.

    >>> titles, rows = table([Column("id", ["#7", "#12"], number=True), Column("state", ["busy for 5.7 s", ""])], 14)
    >>> titles
    [' id  state']
    >>> rows
    [' #7  busy for', '     5.7 s', '#12']
    """
    widths = _widths(columns, most - len(GAP) * (len(columns) - 1))
    laid = [_laid(column, width) for column, width in zip(columns, widths, strict=True)]
    further = {place for _, folded in laid for place in folded}
    lines: list[str] = []
    titles = 0
    for place, row in enumerate(zip(*(first for first, _ in laid), strict=True)):
        lines.append(GAP.join(row).rstrip())
        if place in further:
            more = zip_longest(*(folded.get(place, ()) for _, folded in laid))
            lines += [_joined(texts, widths) for texts in more]
        if place == 0:
            titles = len(lines)
    return lines[:titles], lines[titles:]


def width_of(text: str) -> int:
    """Return how many cells of a terminal *text* takes."""
    return len(text) if _are_plain([text]) else _cells(text)


def folded(text: str, width: int) -> list[str]:
    """Return *text* as lines of *width* cells; what is no word of that width is broken, and nothing else.

    >>> folded("running for at most 33.3 ms", 20)
    ['running for at most', '33.3 ms']
    """
    if width_of(text) <= width:
        return [text]
    lines: list[str] = []
    line = ""
    for word in WORD.findall(text):
        if width_of(line) + width_of(word) <= width:
            line += word
            continue
        if line:
            lines.append(line)
        *pieces, line = _pieces(word.lstrip(), width)
        lines += pieces
    return [*lines, line]


def _pieces(word: str, width: int) -> list[str]:
    """Return *word* in pieces of *width* cells at most, or of one character."""
    if width_of(word) <= width:
        return [word]
    pieces, taken = [""], 0
    for character in word:
        size = width_of(character)
        if taken + size > width and pieces[-1]:
            pieces.append("")
            taken = 0
        pieces[-1] += character
        taken += size
    return pieces


def _widths(columns: Sequence[Column], room: int) -> list[int]:
    """Return how wide each column is: the widest are made narrower until all have room, or hold long words only."""
    natural = [it.width for it in columns]
    if sum(natural) <= room:
        return natural
    tried = [[it.width if it.number else _longest_word(it, narrowest) for it in columns] for narrowest in NARROWEST]
    # Where the table cannot be so narrow, lines are broken by the terminal, and words need not be.
    least = next((it for it in tried if sum(it) <= room), tried[0])
    widths, most = natural, max(1, min(room, max(natural)))
    while most and sum(widths) > room:
        most -= 1
        widths = [max(low, min(high, most)) for low, high in zip(least, natural, strict=True)]
    for place, width in enumerate(widths):
        # What is left, since all of the widest cannot have one cell more.
        if sum(widths) < room and width < natural[place]:
            widths[place] += 1
    return widths


def _longest_word(column: Column, most: int) -> int:
    """Return how wide *column* has to be for its words, of which those wider than *most* may be broken."""
    return max(
        (min(COMFORTABLE if NUMBER.fullmatch(word) else most, width) for word, width in column.words.items()), default=0
    )


def _widest(texts: Sequence[str]) -> int:
    return max(map(len if _are_plain(texts) else _cells, texts))


def _cells(text: str) -> int:
    from wcwidth import width  # noqa: PLC0415 -- it takes a while to be imported, and few texts need it

    return width(text)


def _are_plain(texts: Sequence[str]) -> bool:
    """Tell whether each character takes one cell."""
    together = "".join(texts)
    return together.isascii() or not WIDER.search(together)


def _laid(column: Column, width: int) -> tuple[list[str], dict[int, list[str]]]:
    """Return the first lines of title and cells, each as wide as the column, and the other lines that some have."""
    texts = [column.title, *column.cells]
    further: dict[int, list[str]] = {}
    if column.width > width:
        for place, text in enumerate(texts):
            texts[place], *more = folded(text, width)
            if more:
                further[place] = more
    if column.number:
        return [text.rjust(width) for text in texts], further
    if _are_plain(texts):
        return [text.ljust(width) for text in texts], further
    return [_padded(text, width) for text in texts], further


def _padded(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def _joined(texts: Sequence[str | None], widths: Sequence[int]) -> str:
    return GAP.join(_padded(text or "", width) for text, width in zip(texts, widths, strict=True)).rstrip()
