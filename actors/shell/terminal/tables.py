"""How the shell shows actors to people: tables, and pages about one actor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.shell.client.view import SAMPLED
from actors.shell.terminal.columns import COMFORTABLE, GAP, Column, folded, room_for, table
from actors.shell.terminal.output import bold, columns, show
from actors.shell.terminal.phrases import duration, headline, printable, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from actors.shell.client.connection import NodeFacts
    from actors.shell.client.view import ActorView, Times

NARROW: Final = 130
"""A terminal of fewer columns is shown less."""


@attrs.frozen
class Field:
    """A column of the table of actors."""

    title: str
    cell: Callable[[ActorView], str]
    text: bool = False
    """Whether it holds words, which begin at the left, rather than a number."""
    wide: bool = False
    """Whether a narrow terminal goes without."""


def show_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of *rows*, of which there is one at least: a column for each key, those of numbers to the right."""
    show_table([_column(title, [row[title] for row in rows]) for title in rows[0]])


def _column(title: str, values: Sequence[object]) -> Column:
    number = all(isinstance(value, int | float | None) for value in values)
    return Column(printable(title), [_cell(value) for value in values], number)


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if type(value) is int else printable(str(value))


def show_table(listed: Sequence[Column]) -> None:
    """Print a table that fits, its titles bold."""
    titles, rows = table(listed, columns())
    show(*map(bold, titles), *rows)


def show_actors(node: NodeFacts, actors: Sequence[ActorView], total: int) -> None:
    """Print a table of *actors*, of *total* that there are."""
    show(headline(node))
    listed = [(it, _listed(it, actors)) for it in FIELDS]
    has_room = columns() >= max(NARROW, room_for([column for _, column in listed]))
    show_table([column for field, column in listed if has_room or not field.wide])
    more = "" if len(actors) == total else f"{len(actors):,} of {total:,} shown; "
    show(f"{more}{SAMPLED}")


def _listed(field: Field, actors: Sequence[ActorView]) -> Column:
    texts = [field.cell(actor) for actor in actors]
    return Column(field.title, list(map(printable, texts)) if field.text else texts, number=not field.text)


def _id(id_: int | None) -> str:
    return "" if id_ is None else f"#{id_}"


def _restarts(actor: ActorView) -> str:
    return "" if actor.restarts is None else f"{actor.restarts:,}"


def _median(times: Times | None) -> str:
    return duration(times.p50 if times else None)


def _tail(times: Times | None) -> str:
    return duration(times.p99 if times else None)


FIELDS: Final = (
    Field("id", lambda it: _id(it.id)),
    Field("actor", lambda it: it.label, text=True),
    Field("class", lambda it: it.kind, text=True, wide=True),
    Field("parent", lambda it: _id(it.parent), wide=True),
    Field("state", state, text=True),
    Field("mailbox", lambda it: f"{it.length:,}"),
    Field("most", lambda it: f"{it.greatest_length:,}", wide=True),
    Field("received", lambda it: f"{it.received:,}", wide=True),
    Field("handled", lambda it: f"{it.handled:,}"),
    Field("dropped", lambda it: f"{it.dropped:,}", wide=True),
    Field("wait p50", lambda it: _median(it.waiting), wide=True),
    Field("wait p99", lambda it: _tail(it.waiting)),
    Field("handler p50", lambda it: _median(it.handling), wide=True),
    Field("handler p99", lambda it: _tail(it.handling)),
    Field("restarts", _restarts),
    Field("last", lambda it: duration(it.handled_seconds_ago), wide=True),
)


def show_actor(actor: ActorView, detail: Mapping[str, Any]) -> None:
    """Print all that is known of one actor."""
    show(bold(f"{printable(actor.label)} {_id(actor.id)}"))
    known = list(facts(actor, detail))
    indent = max(len(title) for title, _ in known) + len(GAP)
    for title, text in known:
        first, *more = folded(printable(text), max(COMFORTABLE, columns() - indent))
        show(f"{title:{indent}}{first}".rstrip(), *(" " * indent + line for line in more))
    for title, lines in (("where it waits", detail["where"]), ("children", children(detail["children"] or ()))):
        if lines:
            show(f"{title}:", *(printable(f"  {line}") for line in lines))
    show(SAMPLED)


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
