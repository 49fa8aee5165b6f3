"""`call`, `cast` and `send`: a message to an actor."""

from __future__ import annotations

from typing import Any

import click

from actors.shell.errors import LiteralError
from actors.shell.terminal.command_line import USAGE, connect, examples, fail, of_actor, print_json, within
from actors.shell.terminal.literals import parse_message
from actors.shell.terminal.phrases import printable


@click.command(
    epilog=examples(
        "actors call till 'Total()'",
        "actors call till \"shop.Price('bread', loaves=2)\" --timeout 30",
        "actors call till '\"how many?\"' --json | jq .value",
    )
)
@of_actor
@click.argument("message")
@within
def call(name: str, message: str, timeout: float, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Call an actor with MESSAGE, and show its reply.

    MESSAGE is a literal of JSON or Python, such as 7, '"open"', '{"loaves": 2}' or '("sell", 2)', or a message class
    with its arguments, such as 'Sell("bread", loaves=2)'. A class without a module is looked up in the module of the
    actor's class; one of another module that the node has imported is written 'orders.Sell(...)'. It has to be an
    attrs class, a dataclass, a named tuple or derived from Call. Nothing is evaluated.
    """
    row = _give("call", name, message, (node, seconds), timeout)
    if as_json:
        print_json(row)
    else:
        click.echo(printable(row["reply"]))


@click.command(epilog=examples("actors cast till '\"open\"'", "actors cast till 'Sell(\"bread\", loaves=2)'"))
@of_actor
@click.argument("message")
def cast(name: str, message: str, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Send MESSAGE to the handle_cast of an actor; it is written as for `actors call`."""
    _show(_give("cast", name, message, (node, seconds)), "was cast", as_json=as_json)


@click.command(epilog=examples("actors send till '\"tick\"'", "actors send '#17' 'Tick(7)'"))
@of_actor
@click.argument("message")
def send(name: str, message: str, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Send MESSAGE to the handle_info of an actor; it is written as for `actors call`."""
    _show(_give("send", name, message, (node, seconds)), "was sent", as_json=as_json)


def _give(
    how: str, name: str, message: str, where: tuple[str | None, float], timeout: float | None = None
) -> dict[str, Any]:
    """Give an actor a message, and return what the node said."""
    try:
        tree = parse_message(message)
    except LiteralError as error:
        fail(str(error), USAGE)
    within = {} if timeout is None else {"timeout": timeout}
    with connect(*where) as connection:
        [row] = connection.ask("message", wait=timeout or 0.0, name=name, how=how, message=tree, **within).rows
    told: dict[str, Any] = row
    return told


def _show(row: dict[str, Any], did: str, *, as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        click.echo(printable(f"{row['actor']} {did} {row['message']}"))
