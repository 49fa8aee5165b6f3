"""`topics`: what goes through the topic bus of a node, and to whom."""

from __future__ import annotations

from typing import Any, Final

import click

from actors.shell.client.connection import nearest
from actors.shell.commands.service import Service, limited, looks_at
from actors.shell.terminal.command_line import examples, fail, print_rows
from actors.shell.terminal.phrases import duration

TOPIC_ORDERS: Final = ("published", "dropped", "last", "name")
SUBSCRIPTION_ORDERS: Final = ("waiting", "dropped", "age")


@click.command(
    epilog=examples(
        "actors topics",
        "actors topics 'stock.*' --sort dropped",
        "actors topics --subscriptions --agent till",
        "actors topics --json | jq '.topics[] | select(.dropped > 0)'",
    )
)
@click.argument("pattern", required=False)
@click.option("--subscriptions", is_flag=True, help="Show who is subscribed, instead of the topics.")
@click.option("--agent", metavar="NAME", help="Only the subscriptions of this agent.")
@click.option(
    "--sort",
    type=click.Choice(sorted({*TOPIC_ORDERS, *SUBSCRIPTION_ORDERS})),
    help="What comes first: published, dropped, last or name of topics; waiting, dropped or age of subscriptions.",
)
@limited
@looks_at("topic bus")
def topics(
    service: Service, pattern: str | None, agent: str | None, sort: str | None, limit: int, *, subscriptions: bool
) -> None:
    """Show the topics of the bus of a running node, or who is subscribed to them.

    PATTERN is a topic, or a pattern such as 'stock.*' or 'stock.**', which stands for some.
    """
    orders = SUBSCRIPTION_ORDERS if subscriptions or agent is not None else TOPIC_ORDERS
    if sort is not None and sort not in orders:
        raise click.UsageError(f"these are not sorted by {sort}, but by {', '.join(orders)}")
    word = "subscriptions" if orders is SUBSCRIPTION_ORDERS else "topics"
    rows = service.ask(f"bus.{word}", pattern=pattern, agent=agent, order=sort or orders[0], most=limit)
    totals = service.statistics("bus.statistics")
    if not rows and pattern is not None and word == "topics":
        known = [row["topic"] for row in service.ask("bus.topics", order="name", most=1000)]
        fail(f"nothing was published or subscribed to {pattern!r}{nearest(pattern, known)}")
    if service.as_json:
        service.print_json(statistics=totals, **{word: rows})
        return
    print_rows([_topic(row) if word == "topics" else _subscription(row) for row in rows])
    closed = "; it is closed" if totals["closed"] else ""
    click.echo(
        f"{len(rows):,} shown of {totals['topics']:,} topics and {totals['subscriptions']:,} subscriptions; in all "
        f"{totals['published']:,} published, {totals['delivered']:,} delivered, {totals['dropped']:,} dropped{closed}"
    )


def _topic(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "topic": row["topic"],
        "subscriptions": row["subscriptions"],
        "published": row["published"],
        "delivered": row["delivered"],
        "dropped": row["dropped"],
        "last": duration(row["published_seconds_ago"]),
    }


def _subscription(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "pattern": f"{row['pattern']} (filtered)" if row["filtered"] else row["pattern"],
        "agent": row["agent"],
        "owner": row["owner"] or "",
        "waiting": row["waiting"],
        "room": row["buffer_size"],
        "dropped": row["dropped"],
        "expired": row["expired"],
        "since": duration(row["seconds"]),
    }
