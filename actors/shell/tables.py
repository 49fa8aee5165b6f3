"""How the shell shows actors to people: tables, and pages about one actor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs
from rich.console import Console
from rich.table import Table
from rich.text import Text

from actors.shell.phrases import duration, headline, printable, state
from actors.shell.view import SAMPLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from actors.shell.client import NodeFacts
    from actors.shell.view import ActorView, Times

WIDTH: Final = 200
"""Columns where there is no terminal."""

NARROW: Final = 130
"""A terminal of fewer columns is shown less."""


@attrs.frozen
class Column:
    """A column of the table of actors."""

    title: str
    cell: Callable[[ActorView], str]
    text: bool = False
    """Whether it holds words, which begin at the left, rather than a number."""
    wide: bool = False
    """Whether a narrow terminal goes without."""


class Output(Console):
    """A console that leaves it to the command line to end when nobody reads what is printed any more."""

    def on_broken_pipe(self) -> None:
        """Raise the error again, which is handled."""
        raise  # noqa: PLE0704 -- rich calls this where it handles the error


def console() -> Console:
    """Return what prints to stdout: in colours on a terminal, and not folded at 80 columns elsewhere."""
    plain = Output(highlight=False)
    return plain if plain.is_terminal else Output(highlight=False, width=WIDTH, color_system=None)


def show_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of *rows*, of which there is one at least: a column for each key, those of numbers to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in rows[0]:
        number = all(isinstance(row[title], int | float | None) for row in rows)
        table.add_column(Text(printable(title)), justify="right" if number else "left")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    console().print(table)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if type(value) is int else printable(str(value))


def show_actors(node: NodeFacts, actors: Sequence[ActorView], total: int) -> None:
    """Print a table of *actors*, of *total* that there are."""
    out = console()
    columns = [it for it in COLUMNS if out.width >= NARROW or not it.wide]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column.title, justify="left" if column.text else "right", no_wrap=not column.text)
    for actor in actors:
        table.add_row(*(Text(printable(column.cell(actor))) for column in columns))
    out.print(Text(headline(node)))
    out.print(table)
    more = "" if len(actors) == total else f"{len(actors):,} of {total:,} shown; "
    out.print(Text(f"{more}{SAMPLED}"))


def _id(id_: int | None) -> str:
    return "" if id_ is None else f"#{id_}"


def _restarts(actor: ActorView) -> str:
    return "" if actor.restarts is None else f"{actor.restarts:,}"


def _median(times: Times | None) -> str:
    return duration(times.p50 if times else None)


def _tail(times: Times | None) -> str:
    return duration(times.p99 if times else None)


COLUMNS: Final = (
    Column("id", lambda it: _id(it.id)),
    Column("actor", lambda it: it.label, text=True),
    Column("class", lambda it: it.kind, text=True, wide=True),
    Column("parent", lambda it: _id(it.parent), wide=True),
    Column("state", state, text=True),
    Column("mailbox", lambda it: f"{it.length:,}"),
    Column("most", lambda it: f"{it.greatest_length:,}", wide=True),
    Column("received", lambda it: f"{it.received:,}", wide=True),
    Column("handled", lambda it: f"{it.handled:,}"),
    Column("dropped", lambda it: f"{it.dropped:,}", wide=True),
    Column("wait p50", lambda it: _median(it.waiting), wide=True),
    Column("wait p99", lambda it: _tail(it.waiting)),
    Column("handler p50", lambda it: _median(it.handling), wide=True),
    Column("handler p99", lambda it: _tail(it.handling)),
    Column("restarts", _restarts),
    Column("last", lambda it: duration(it.handled_seconds_ago), wide=True),
)


def show_actor(actor: ActorView, detail: Mapping[str, Any]) -> None:
    """Print all that is known of one actor."""
    grid = Table.grid(padding=(0, 2))
    for title, text in facts(actor, detail):
        grid.add_row(Text(title), Text(printable(text)))
    out = console()
    out.print(Text(f"{printable(actor.label)} {_id(actor.id)}", style="bold"))
    out.print(grid)
    for title, lines in (("where it waits", detail["where"]), ("children", children(detail["children"] or ()))):
        if lines:
            out.print(Text(f"{title}:"))
            for line in lines:
                out.print(Text(printable(f"  {line}")), soft_wrap=True)
    out.print(Text(SAMPLED))


def facts(actor: ActorView, detail: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each line about *actor*: what it is about, and what it says."""
    yield "class", detail["class"]
    yield "state", state(actor)
    if actor.child is not None:
        yield "child", f"{actor.child} of #{actor.parent}, restarted {actor.restarts:,} times"
    yield "mailbox", f"{actor.length:,} waiting, {actor.greatest_length:,} at most"
    yield "messages", f"{actor.received:,} received, {actor.handled:,} handled, {actor.dropped:,} dropped"
    yield "last received", _since(actor.received_seconds_ago)
    yield "last handled", _since(actor.handled_seconds_ago)
    yield "wait", distribution(actor.waiting)
    yield "handlers", distribution(actor.handling)
    yield "stops within", detail["shutdown"] if isinstance(detail["shutdown"], str) else duration(detail["shutdown"])
    yield "traps exits", {None: "", True: "yes", False: "no"}[detail["trap_exit"]]
    yield "links", ", ".join(_id(id_) for id_ in detail["links"]) or "none"
    yield "monitors", f"{detail['monitors']:,}, and is monitored {detail['monitored_by']:,} times"
    yield "owes answers", f"{detail['owes']:,}"


def children(listed: Iterable[Sequence[Any]]) -> list[str]:
    """Return a line about each child."""
    return [
        f"{printable(id_)}: {state}{'' if ref is None else f' as #{ref}'}, restarted {restarts:,} times"
        for id_, ref, state, restarts in listed
    ]


def distribution(times: Times | None) -> str:
    """Return what is known of durations in one line."""
    if times is None:
        return "none timed yet"
    named = {"mean": times.mean, "p50": times.p50, "p99": times.p99, "max": times.max}
    return ", ".join([f"{times.count:,} timed", *(f"{name} {duration(seconds)}" for name, seconds in named.items())])


def _since(seconds: float | None) -> str:
    return "never" if seconds is None else f"{duration(seconds)} ago"
