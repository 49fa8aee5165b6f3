"""`log` and `waits`: who ended, and who waits for whom."""

from __future__ import annotations

import math
from typing import Any

import click

from actors.shell.terminal.command_line import connect, examples, print_json, print_rows, which_node
from actors.shell.terminal.phrases import duration, moment, printable


@click.command(
    epilog=examples(
        "actors log",
        "actors log --failed --limit 5",
        "actors log --actor till --json | jq '.ends[-1].reason'",
    )
)
@click.option("--failed", is_flag=True, help="Only those who did not end in an orderly way.")
@click.option("--actor", metavar="NAME", help="Only those of this name, or whom their supervisor called so.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show the last N.")
@which_node
def log(node: str | None, seconds: float, actor: str | None, limit: int | None, *, failed: bool, as_json: bool) -> None:
    """Show which actors of a node ended: when, why, and in which handler.

    The last 1,000 failures are kept, and the last 1,000 other ends, from when the node began to listen.
    """
    with connect(node, seconds) as connection:
        reply = connection.ask("log")
    ends = [it for it in reply.rows if it["failed"] or not failed]
    if actor is not None:
        ends = [it for it in ends if actor in {it["name"], it["child"], f"#{it['id']}"}]
    ends = ends[-limit:] if limit is not None else ends
    if as_json:
        print_json({"node": reply.node, "ends": ends})
    elif not ends:
        click.echo("no actor has ended" if not (failed or actor) else "no such end is known")
    else:
        print_rows([_end(it) for it in ends])


def _end(it: dict[str, Any]) -> dict[str, Any]:
    handler = it["handler"] or ""
    return {
        "when": moment(it["time"]),
        "id": f"#{it['id']}",
        "actor": it["name"] or it["child"] or it["kind"],
        "class": it["kind"],
        "of": "" if it["parent"] is None else f"#{it['parent']}",
        "doing": f"{handler}({it['message']})" if it["message"] else handler,
        "reason": f"{it['reason']} (zombie)" if it["zombie"] else it["reason"],
    }


@click.command(epilog=examples("actors waits", "actors waits --json | jq .deadlocks"))
@which_node
def waits(node: str | None, seconds: float, *, as_json: bool) -> None:
    """Show who waits in a call for whom, the longest first, and who waits in a ring.

    A ring is a deadlock: each of its actors waits for the next, so none of them goes on until one of their calls has no
    more time. A call without a timeout does not say how long it has waited, and comes first.
    """
    with connect(node, seconds) as connection:
        reply = connection.ask("waits")
    calls = [it for it in reply.rows if "deadlock" not in it]
    calls.sort(key=lambda it: -math.inf if it["seconds"] is None else -it["seconds"])
    deadlocks = [it for it in reply.rows if "deadlock" in it]
    if as_json:
        print_json({"node": reply.node, "waits": calls, "deadlocks": deadlocks})
        return
    for ring in deadlocks:
        lefts = [it["left"] for it in ring["calls"] if it["left"] is not None]
        until = f"; the first call gives up in {duration(min(lefts))}" if lefts else "; no call ever gives up"
        click.echo(printable(f"deadlock: {' waits for '.join([*ring['deadlock'], ring['deadlock'][0]])}{until}"))
    if calls:
        print_rows([_wait(it) for it in calls])
    else:
        click.echo("nobody waits in a call")


def _wait(it: dict[str, Any]) -> dict[str, Any]:
    handles = f"{it['handler']}({it['handles']})" if it["handles"] else it["handler"] or ""
    unanswered = f", {it['owes']:,} unanswered" if it["owes"] and not handles else ""
    return {
        "caller": it["caller"] or it["task"],
        "waits for": it["target"],
        "with": it["message"],
        "for": "?" if it["seconds"] is None else duration(it["seconds"]),
        "gives up in": "never" if it["left"] is None else duration(it["left"]),
        "which is": f"{it['state']} {handles}".strip() + unanswered,
    }
