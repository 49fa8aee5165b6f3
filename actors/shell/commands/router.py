"""`router` and `breakers`: what a router has done, what it gave up, and whom it leaves alone."""

from __future__ import annotations

from typing import Any

import click

from actors.shell.commands.service import Service, act_on_letters, limited, looks_at, which_letter
from actors.shell.terminal.command_line import WithDefault, examples, print_rows
from actors.shell.terminal.phrases import duration, printable


@click.command(
    epilog=examples("actors breakers", "actors breakers --json | jq '.breakers[] | select(.state==\"open\")'")
)
@looks_at("router")
def breakers(service: Service) -> None:
    """Show the circuit breakers of a router that have seen failures since the last success."""
    rows = service.ask("router.breakers")
    if service.as_json:
        service.print_json(breakers=rows)
    elif rows:
        print_rows([_breaker(it) for it in rows])
    else:
        click.echo("all circuit breakers are closed, and have seen no failures")


def _breaker(it: dict[str, Any]) -> dict[str, Any]:
    half_open = it["state"] == "half_open"
    return {
        "target": it["target"],
        "state": it["state"],
        "failures": f"{it['failures']} of {it['threshold']}",
        "open for": duration(it["open_seconds"]),
        "probe in": "now" if it["probe_in"] == 0 else duration(it["probe_in"]),
        "probes": f"{it['probing']} under way, {it['passed']} of {it['probes']} passed" if half_open else "",
    }


@click.group(
    cls=WithDefault,
    epilog=examples(
        "actors router",
        "actors router statistics --json | jq .statistics.success_rate",
        "actors router dead-letters",
        "actors router dead-letters replay --all",
    ),
)
def router() -> None:
    """Show what the router of a running node has done, and act on what it gave up.

    Without a command, its statistics are shown: `actors router statistics`.
    """


@router.command(epilog=examples("actors router", "actors router statistics --actor orders --json"))
@looks_at("router")
def statistics(service: Service) -> None:
    """Show what became of the messages of each guarantee, and what is still to be done."""
    totals, rows = service.statistics("router.statistics"), service.ask("router.guarantees")
    if service.as_json:
        service.print_json(statistics=totals, guarantees=rows)
        return
    print_rows([_guarantee(it) for it in [*rows, {**totals, "guarantee": "all"}]])
    closed = "; it is closed" if totals["closed"] else ""
    click.echo(
        f"{totals['pending']:,} are not done with, {totals['in_flight']:,} of them in flight; "
        f"{totals['late']:,} handled late, {totals['repeated']:,} repeated, {totals['forgotten']:,} ids forgotten; "
        f"{totals['dead_letters']:,} dead letters, {totals['active_routes']:,} routes, "
        f"{totals['breakers_open']:,} breakers not closed{closed}"
    )


def _guarantee(it: dict[str, Any]) -> dict[str, Any]:
    counts = ("routed", "delivered", "acknowledged", "failed", "expired", "retries")
    done = it["acknowledged"] + it["failed"] + it["expired"]
    succeeded = f"{100 * it['success_rate']:.1f} %" if done else ""
    return {"guarantee": it["guarantee"], **{name: it[name] for name in counts}, "succeeded": succeeded}


@router.group(
    "dead-letters",
    cls=WithDefault,
    epilog=examples(
        "actors router dead-letters",
        "actors router dead-letters show 4f1c",
        "actors router dead-letters replay 4f1c --to till",
        "actors router dead-letters discard --all",
    ),
)
def dead_letters() -> None:
    """List the messages that the router gave up, look at one, send them again, or throw them away.

    Without a command, they are listed.
    """


@dead_letters.command("list", epilog=examples("actors router dead-letters list --limit 20 --json"))
@limited
@looks_at("router")
def list_(service: Service, limit: int) -> None:
    """List the dead letters that are kept, the latest first; their messages by their classes alone."""
    rows = service.ask("router.dead_letters", most=limit)
    totals = service.statistics("router.statistics")
    if service.as_json:
        service.print_json(count=totals["dead_letters"], letters=rows)
        return
    print_rows([_letter(it) for it in rows])
    click.echo(f"{len(rows):,} shown; there were {totals['dead_letters']:,}")


def _letter(it: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": it["id"],
        "for": it["to"],
        "from": it["sender"] or "",
        "message": it["message"],
        "status": it["status"],
        "attempts": it["attempts"],
        "ago": duration(it["seconds_ago"]),
        "reason": it["reason"] or "",
    }


@dead_letters.command(epilog=examples("actors router dead-letters show 4f1c --json"))
@click.argument("letter", metavar="ID")
@looks_at("router")
def show(service: Service, letter: str) -> None:
    """Show one dead letter with its message, and why each attempt failed."""
    [row] = service.ask("router.dead_letters", id=letter)
    service.print_letter(row, {**_letter(row), "message": row["text"]})
    if service.as_json:
        return
    for number, fault in enumerate(row["faults"], 1):
        click.echo(printable(f"attempt {number}, {duration(fault['seconds_ago'])} ago: {fault['reason']}"))


@dead_letters.command(
    epilog=examples(
        "actors router dead-letters replay 4f1c --to till", "actors router dead-letters replay --all --json"
    )
)
@which_letter
@click.option("--to", metavar="NAME", help="Whom to send it to, instead of where it was to go.")
@looks_at("router")
def replay(service: Service, letter: str | None, to: str | None, *, every: bool) -> None:
    """Send a dead letter again, with the same id and options, and keep it no longer."""
    act_on_letters(service, "router.replay", letter, every=every, to=to)


@dead_letters.command(
    epilog=examples("actors router dead-letters discard 4f1c", "actors router dead-letters discard --all")
)
@which_letter
@looks_at("router")
def discard(service: Service, letter: str | None, *, every: bool) -> None:
    """Keep a dead letter no longer."""
    act_on_letters(service, "router.discard", letter, every=every)
