"""Answers: rows of any shape, which an actor that answers a command of its own may yield, shown to people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from actors.shell.terminal.command_line import print_rows
from actors.shell.terminal.phrases import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COLUMNS: Final = 8
"""Rows with more names than this are shown one name a line."""


def show_answer(rows: Sequence[Any]) -> None:
    """Print *rows*: as a table if all have names, whichever each has; else one in a line."""
    if not rows:
        click.echo("nothing")
    elif not all(isinstance(row, dict) for row in rows):
        for row in rows:
            click.echo(printable(row if isinstance(row, str) else told(row)))
    else:
        titles = list(dict.fromkeys(title for row in rows for title in row))
        if len(titles) <= MOST_COLUMNS:
            print_rows([{str(title): cell(row.get(title)) for title in titles} for row in rows])
        else:
            _show_lines(rows)


def _show_lines(rows: Sequence[dict[Any, Any]]) -> None:
    for place, row in enumerate(rows):
        if place:
            click.echo()
        width = max((len(str(title)) for title in row), default=0)
        for title, value in row.items():
            it = cell(value)
            click.echo(printable(f"{title:{width}}  {'' if it is None else it}").rstrip())


def cell(value: Any) -> Any:
    """Return *value* as it is shown beside others: what holds other values, as JSON.

    >>> cell(7), cell(True), cell({"loaves": [1, None]})
    (7, 'true', '{"loaves": [1, null]}')
    """
    plain = value is None or (isinstance(value, str | int | float) and not isinstance(value, bool))
    return value if plain else told(value)


def told(value: Any) -> str:
    """Return *value* as one line of JSON; bytes, which that has not, as Python writes them."""
    return repr(value) if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, default=repr)
