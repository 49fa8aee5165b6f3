"""Board: what `actors top` shows, as lines for a terminal of any size. It knows no terminal itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs
from wcwidth import clip, ljust

from actors.shell.terminal.orders import ORDERS
from actors.shell.terminal.phrases import duration, headline, printable, state
from actors.shell.terminal.seen import Seen
from actors.shell.terminal.trend import BARS, Trend, Trends, short, sparkline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.shell.client.connection import Answer

SPARK: Final = 12
"""So many looks are drawn of each actor."""

KEYS: Final = "t m h w b a n sort, r reverse, arrows scroll, space pause, q quit"

NEVER: Final = Trend(0)


@attrs.frozen
class Field:
    """A column: those of the least rank are shown first where there is little room."""

    title: str
    width: int
    rank: int
    cell: Callable[[Seen], str]
    text: bool = False
    most: int = 0
    """How wide it may become where there is room left."""


FIELDS: Final = (
    Field("id", 7, 5, lambda it: "" if it.actor.id is None else f"#{it.actor.id}"),
    Field("actor", 10, 0, lambda it: printable(it.actor.label), text=True, most=40),
    Field("state", 18, 6, lambda it: printable(state(it.actor)), text=True, most=50),
    Field("msg/s", 6, 1, lambda it: short(it.trend.rate)),
    Field("throughput", SPARK, 3, lambda it: sparkline(it.trend.rates, SPARK, it.bars)),
    Field("mailbox", 7, 2, lambda it: short(it.actor.length)),
    Field("depth", SPARK, 4, lambda it: sparkline(it.trend.lengths, SPARK, it.bars)),
    Field("handled", 7, 7, lambda it: short(it.actor.handled)),
    Field("wait p99", 8, 8, lambda it: duration(it.wait)),
    Field("busy p99", 8, 9, lambda it: duration(it.busy)),
    Field("restarts", 8, 10, lambda it: "" if it.actor.restarts is None else f"{it.actor.restarts:,}"),
)

Line = tuple[str, str]
"""A style, and a text that is as wide as the terminal."""


@attrs.define
class Board:
    """What was seen of a node, and what of it is shown."""

    trends: Trends = attrs.field(factory=Trends)
    answer: Answer | None = None
    problem: str | None = None
    """Why nothing more was seen."""
    order: str = "throughput"
    reverse: bool = False
    first: int = 0
    """How many actors are scrolled past."""
    paused: bool = False
    bars: str = BARS

    def seen(self, answer: Answer, time: float) -> None:
        """Take in a look at the node."""
        self.problem = None
        if not self.paused:
            if self.answer is not None and self.answer.node["name"] != answer.node["name"]:
                self.trends = Trends()
            self.trends.look(answer.actors, time)
            self.answer = answer

    def sort(self, order: str) -> None:
        """Sort the actors by *order*, from the first one on."""
        self.order, self.first = order, 0

    def scroll(self, rows: int) -> None:
        """Go on by so many actors, or back."""
        total = 0 if self.answer is None else len(self.answer.actors)
        self.first = max(0, min(self.first + rows, total - 1))

    def lines(self, width: int, height: int) -> list[Line]:
        """Return what is shown on a terminal of this size: never more than fits."""
        bottom = [("reverse", self.problem if self.problem is not None else self._hint())]
        if self.answer is None:
            said = [("", "waiting for the node ...")] if self.problem is None else []
            return _fitted([*said, *bottom], width, height)
        room = max(0, height - HEADER_LINES - len(bottom))
        fields = chosen(width)
        rows = [("", _row(seen, fields)) for seen in self._sorted()[self.first : self.first + room]]
        blank = [("", "")] * (room - len(rows))
        top = [("bold", headline(self.answer.node)), ("", self._totals(width)), ("bold underline", _titles(fields))]
        # Of a terminal that is too low for all, the line at the bottom is shown first: it may say what is wrong.
        return _fitted([*top, *rows, *blank][: max(0, height - 1)] + bottom, width, height)

    def _sorted(self) -> list[Seen]:
        assert self.answer is not None
        seen = [Seen(actor, self.trends.of.get(actor.id or 0, NEVER), self.bars) for actor in self.answer.actors]
        return sorted(seen, key=ORDERS[self.order], reverse=self.reverse)

    def _totals(self, width: int) -> str:
        rates, lengths = self.trends.rates, self.trends.lengths
        spark = max(0, min(24, width // 2 - 18))
        rate = f"{short(rates[-1] if rates else 0):>6} msg/s {sparkline(rates, spark, self.bars)}"
        return f"{rate}  {short(lengths[-1] if lengths else 0):>6} waiting {sparkline(lengths, spark, self.bars)}"

    def _hint(self) -> str:
        paused = "paused, " if self.paused else ""
        return f"{paused}by {self.order}{' reversed' if self.reverse else ''}: {KEYS}"


HEADER_LINES: Final = 3


def chosen(width: int) -> list[tuple[Field, int]]:
    """Return the columns that a terminal has room for, each with its width."""
    left = width
    found: list[Field] = []
    for field in sorted(FIELDS, key=lambda field: field.rank):
        if found and left < field.width + 2:
            break
        left -= field.width + (2 if found else 0)
        found.append(field)
    widths = {field.title: field.width for field in found}
    for field in found:
        more = max(0, min(left, field.most - field.width))
        widths[field.title] += more
        left -= more
    return [(field, widths[field.title]) for field in FIELDS if field in found]


def _row(seen: Seen, fields: Sequence[tuple[Field, int]]) -> str:
    return "  ".join(_cell(field.cell(seen), width, field) for field, width in fields)


def _titles(fields: Sequence[tuple[Field, int]]) -> str:
    return "  ".join(_cell(field.title, width, field) for field, width in fields)


def _cell(text: str, width: int, field: Field) -> str:
    cut = _of_width(text, width)
    return cut if field.text else cut.rstrip().rjust(width)


def _fitted(lines: Sequence[Line], width: int, height: int) -> list[Line]:
    return [(style, _of_width(text, max(0, width))) for style, text in lines[: max(0, height)]]


def _of_width(text: str, width: int) -> str:
    return ljust(clip(text, 0, width), width)
