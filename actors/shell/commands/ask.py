"""`ask` and `offers`: the commands that actors offer themselves."""

from __future__ import annotations

from typing import Any

import click

from actors.shell.client.connection import nearest
from actors.shell.errors import RefusedError
from actors.shell.terminal.answers import show_answer
from actors.shell.terminal.command_line import USAGE, connect, examples, fail, print_json, print_rows, which_node
from actors.shell.terminal.literals import plain_value


@click.command(epilog=examples("actors offers", "actors offers --json | jq '.offers[].command'"))
@which_node
def offers(node: str | None, seconds: float, *, as_json: bool) -> None:
    """List the commands that actors of a running node offer themselves, for `actors ask`."""
    with connect(node, seconds) as connection:
        reply = connection.ask("offers")
    if as_json:
        print_json({"node": reply.node, "offers": reply.rows})
    elif not reply.rows:
        click.echo("no actor offers a command")
    else:
        print_rows(reply.rows)


@click.command(
    epilog=examples(
        "actors ask orders",
        "actors ask orders limit=10 status=open",
        "actors ask orders --actor till --json",
    )
)
@click.argument("command")
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--actor", metavar="NAME", help="Whose command it is, if several actors offer it.")
@which_node
def ask(
    command: str, arguments: tuple[str, ...], actor: str | None, node: str | None, seconds: float, *, as_json: bool
) -> None:
    """Ask an actor what a command that it offers answers; `actors offers` lists them.

    A VALUE is a number, or another literal of Python or JSON; anything else is a text as it stands. Rows with names are
    a table, or line by line where they have more than 8; --json prints what came.
    """
    named = dict(_argument(text) for text in arguments)
    if actor is not None:
        named["actor"] = actor
    with connect(node, seconds) as connection:
        try:
            reply = connection.ask(command, **named)
        except RefusedError as error:
            if error.code != "unknown":
                raise
            known = [it["command"] for it in connection.ask("offers").rows]
            fail(f"{error}{nearest(command, known)}")
    if as_json:
        print_json({"node": reply.node, "rows": reply.rows})
    else:
        show_answer(reply.rows)


def _argument(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        fail(f"{text!r} is no argument; it is written NAME=VALUE", USAGE)
    return name, plain_value(value)
