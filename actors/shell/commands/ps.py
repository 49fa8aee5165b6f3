"""`ps` and `stats`: what the actors of a node do."""

from __future__ import annotations

import attrs
import click

from actors.shell.client.view import ORDERS, in_order
from actors.shell.terminal.command_line import connect, examples, print_json, which_node


@click.command(
    epilog=examples(
        "actors ps",
        "actors ps --sort mailbox --limit 10",
        "actors ps --node shop --json | jq '.actors[] | select(.state == \"zombie\")'",
    )
)
@which_node
@click.option("--sort", type=click.Choice(sorted(ORDERS)), default="age", show_default=True, help="What comes first.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show so many at most.")
def ps(node: str | None, seconds: float, sort: str, limit: int | None, *, as_json: bool) -> None:
    """List the actors of a running node.

    Each with its mailbox now and at its fullest, what it received, handled and dropped, how long messages waited and
    handlers took, how often its supervisor restarted it, and when it last handled a message.
    """
    with connect(node, seconds) as connection:
        answer = connection.actors()
    actors = in_order(answer.actors, sort)[:limit]
    if as_json:
        print_json({"node": answer.node, "sampled": "one message in 64", "actors": [attrs.asdict(it) for it in actors]})
    else:
        from actors.shell.terminal.tables import show_actors  # noqa: PLC0415 -- programs read JSON

        show_actors(answer.node, actors, len(answer.actors))


@click.command(epilog=examples("actors stats till", "actors stats '#17' --json"))
@click.argument("name")
@which_node
def stats(name: str, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Show all that is known of one actor.

    NAME is its name, what its supervisor calls it, or # and its number.
    """
    with connect(node, seconds) as connection:
        facts, found = connection.actor(name)
    if as_json:
        actors = [attrs.asdict(actor) | detail for actor, detail in found]
        print_json({"node": facts, "sampled": "one message in 64", "actors": actors})
        return
    from actors.shell.terminal.tables import show_actor  # noqa: PLC0415 -- as above

    for actor, detail in found:
        show_actor(actor, detail)
