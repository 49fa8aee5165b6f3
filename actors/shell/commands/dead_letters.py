"""`dead-letters`: messages that nobody handled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from actors.shell.errors import RefusedError
from actors.shell.terminal.command_line import (
    USAGE,
    WithDefault,
    connect,
    examples,
    fail,
    print_json,
    print_rows,
    which_node,
)
from actors.shell.terminal.phrases import duration, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from actors.shell.client.connection import Connection

ELSEWHERE: Final = {
    "router.dead_letters": "actors router dead-letters",
    "queue.dead_letters": "actors queue dead-letters",
}
"""What services answer that keep dead letters of their own, and the command that lists them."""

PATIENCE: Final = 1.0
"""So many seconds a service has to say whether it keeps some; who is busy for longer holds up no list of the others."""


@click.group(
    "dead-letters",
    cls=WithDefault,
    epilog=examples(
        "actors dead-letters",
        "actors dead-letters --json | jq '.letters[].target'",
        "actors dead-letters show 7",
        "actors dead-letters replay 7 --to till",
        "actors dead-letters discard --all",
    ),
)
def dead_letters() -> None:
    """List the messages that nobody handled, look at one, send them again, or throw them away.

    The last 1,000 are kept. Without a command they are listed, which is `actors dead-letters list`. What a router or a
    queue gave up it keeps itself; the list says so, and which command shows it.
    """


@dead_letters.command("list", epilog=examples("actors dead-letters list", "actors dead-letters list --limit 20 --json"))
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show the last N.")
@which_node
def list_(node: str | None, seconds: float, limit: int | None, *, as_json: bool) -> None:
    """List the dead letters that are kept, the oldest first; their messages by their classes alone."""
    with connect(node, seconds) as connection:
        reply = connection.ask("dead_letters")
        elsewhere = list(_elsewhere(connection))
    letters = reply.rows if limit is None else reply.rows[-limit:]
    if as_json:
        print_json(
            {"node": reply.node, "count": reply.node["dead_letters"], "letters": letters, "elsewhere": elsewhere}
        )
        return
    if letters:
        print_rows([_line(it) for it in letters])
    click.echo(f"{len(letters):,} of {len(reply.rows):,} that are kept; there were {reply.node['dead_letters']:,}")
    for it in elsewhere:
        knows = "has" if it["why"] is None else "may have"
        reason = "" if it["why"] is None else f" ({it['why']})"
        click.echo(printable(f"{it['actor']} {knows} dead letters of its own: {it['command']}{reason}"))


def _elsewhere(connection: Connection) -> Iterator[dict[str, str | None]]:
    """Yield a row for each service with dead letters of its own: who looks for a message finds it from here."""
    for offer in connection.ask("offers").rows:
        command = ELSEWHERE.get(offer["command"])
        if command is None:
            continue
        why = None
        try:
            arguments = {"most": 1, "actor": offer["id"], "timeout": PATIENCE}
            if not connection.ask(offer["command"], wait=2 * PATIENCE, **arguments).rows:
                continue
        except RefusedError as error:
            why = str(error)
        yield {"actor": offer["actor"], "command": command, "why": why}


def _line(it: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": it["number"],
        "ago": duration(it["seconds_ago"]),
        "for": it["target"],
        "from": it["sender"] or "",
        "by": "cast" if it["kind"] == "cast" else "send",
        "message": it["message"],
        "reason": it["reason"],
    }


@dead_letters.command(epilog=examples("actors dead-letters show 7", "actors dead-letters show 7 --json | jq .value"))
@click.argument("number", type=click.IntRange(min=1))
@which_node
def show(number: int, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Show one dead letter with its message."""
    with connect(node, seconds) as connection:
        [row] = connection.ask("dead_letters", number=number).rows
    if as_json:
        print_json(row)
        return
    for title, text in _line(row).items():
        click.echo(f"{title:8} {printable(str(row['text'] if title == 'message' else text))}")


@dead_letters.command(epilog=examples("actors dead-letters replay 7", "actors dead-letters replay --all --to till"))
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.option("--all", "every", is_flag=True, help="All that are kept.")
@click.option("--to", metavar="NAME", help="Whom to send it to, instead of whoever has the name now.")
@which_node
def replay(number: int | None, to: str | None, node: str | None, seconds: float, *, every: bool, as_json: bool) -> None:
    """Send a dead letter again, as it was sent, and keep it no longer.

    Exit status: 1 if one of them could not be sent, since nobody has the name; it is kept then.
    """
    _do("replay", number, (node, seconds), every=every, as_json=as_json, to=to)


@dead_letters.command(epilog=examples("actors dead-letters discard 7", "actors dead-letters discard --all"))
@click.argument("number", type=click.IntRange(min=1), required=False)
@click.option("--all", "every", is_flag=True, help="All that are kept.")
@which_node
def discard(number: int | None, node: str | None, seconds: float, *, every: bool, as_json: bool) -> None:
    """Keep a dead letter no longer."""
    _do("discard", number, (node, seconds), every=every, as_json=as_json)


def _do(
    word: str, number: int | None, where: tuple[str | None, float], *, every: bool, as_json: bool, to: str | None = None
) -> None:
    """Do what *word* says to one letter, or to all, and say what became of each."""
    if (number is None) != every:
        fail(f"say which letter to {word}: its NUMBER, or --all", USAGE)
    chosen: dict[str, Any] = {"all": True} if number is None else {"number": number}
    if to is not None:
        chosen["to"] = to
    with connect(*where) as connection:
        rows = connection.ask(word, **chosen).rows
    if as_json:
        print_json({"letters": rows})
    for row in () if as_json else rows:
        click.echo(printable(f"letter {row['number']} {row['did']}"))
    if not all(row["done"] for row in rows):
        raise SystemExit(1)
