"""What the commands that look at a service have in common: finding it, asking it, and saying that it is not there."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from actors.foremost import FEW, MOST
from actors.shell.errors import NoActorError, RefusedError
from actors.shell.terminal.command_line import USAGE, connect, fail, print_json, print_rows, which_node
from actors.shell.terminal.phrases import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.shell.client.connection import Connection

Row = dict[str, Any]

AFTERWARDS: Final = 1.0
"""So many seconds are left to a node to say that its service was too slow."""


@attrs.frozen
class Service:
    """A service of a node, as a command asks it."""

    connection: Connection
    what: str
    """How it is called where there is none."""
    actor: str | None
    """Which one is meant, if there are several."""
    seconds: float
    as_json: bool

    def ask(self, word: str, **arguments: Any) -> list[Row]:
        """Return the rows of an answer. Raises `NoActorError` if no such service runs."""
        given = {name: value for name, value in arguments.items() if value is not None}
        if self.actor is not None:
            given["actor"] = self.actor
        try:
            return self.connection.ask(word, wait=AFTERWARDS, **given).rows
        except RefusedError as error:
            if error.code != "unknown":
                raise
            called = "" if self.actor is None else f" called {self.actor!r}"
            raise NoActorError(f"node {self.connection.name} has no {self.what}{called}") from None

    def statistics(self, word: str) -> Row:
        """Return the one row of an answer."""
        [row] = self.ask(word)
        return row

    def print_json(self, **content: Any) -> None:
        """Print what was answered, and the node, for programs."""
        print_json({"node": self.connection.facts, **content})

    def print_first(self, what: str, rows: list[Row], view: Callable[[Row], Row], limit: int) -> None:
        """Print the first of what is called *what*: for programs, by its last word, or as a table with their number."""
        if self.as_json:
            self.print_json(**{what.rsplit(maxsplit=1)[-1]: rows})
            return
        print_rows([view(row) for row in rows])
        click.echo(f"{len(rows):,} {what}{', and perhaps more' if len(rows) == limit else ''}")

    def print_letter(self, letter: Row, page: Row) -> None:
        """Print a dead letter: for programs as it came, for people as a page."""
        if self.as_json:
            self.print_json(letter=letter)
            return
        for title, value in page.items():
            click.echo(f"{title:8} {printable(str(value))}")


def looks_at(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the options of all that ask a service, and the `Service` as its first argument."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(node: str | None, seconds: float, actor: str | None, *, as_json: bool, **others: Any) -> Any:
            with connect(node, seconds) as connection:
                return command(Service(connection, what, actor, seconds, as_json), **others)

        named = click.option("--actor", metavar="NAME", help=f"Which {what}, if there are several.")
        return which_node(named(run))

    return decorate


def limited(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option of how many rows are shown."""
    count = click.IntRange(min=1, max=MOST)
    return click.option("--limit", type=count, default=FEW, show_default=True, metavar="N", help="Show N at most.")(
        command
    )


def sorted_by(*orders: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option of what comes first, the first of *orders* unless it is said."""
    return click.option(
        "--sort", type=click.Choice(orders), default=orders[0], show_default=True, help="What comes first."
    )


def which_letter(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the id of a dead letter, or all."""
    every = click.option("--all", "every", is_flag=True, help="All that there are.")
    return click.argument("letter", metavar="[ID]", required=False)(every(command))


def act_on_letters(service: Service, word: str, letter: str | None, *, every: bool, to: str | None = None) -> None:
    """Have a service do what *word* says to one dead letter, or to all, and say what became of each."""
    if (letter is None) != every:
        fail(f"say which letter to {word.rpartition('.')[2]}: its ID, or --all", USAGE)
    rows = service.ask(word, id=letter, all=every or None, to=to)
    if service.as_json:
        service.print_json(letters=rows)
        return
    for row in rows:
        click.echo(printable(f"{row['id']} {row['did']}"))
    if not rows:
        click.echo("there are no dead letters")
