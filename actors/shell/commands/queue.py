"""`queue`: what waits in the queue of a node, and its dead letters."""

from __future__ import annotations

from typing import Any

import click

from actors.shell.client.connection import nearest
from actors.shell.commands.service import Service, act_on_letters, limited, looks_at, sorted_by, which_letter
from actors.shell.terminal.command_line import WithDefault, examples, fail, print_rows
from actors.shell.terminal.phrases import duration


@click.group(
    cls=WithDefault,
    epilog=examples(
        "actors queue",
        "actors queue recipients --sort in_flight --json",
        "actors queue pending mill",
        "actors queue dead-letters",
        "actors queue dead-letters replay 0198c2f1-5d1e",
    ),
)
def queue() -> None:
    """Show what waits in the queue of a running node, and act on its dead letters.

    Without a command, the recipients are shown: `actors queue recipients`.
    """


@queue.command(epilog=examples("actors queue", "actors queue recipients --sort in_flight --limit 10"))
@sorted_by("ready", "in_flight", "name")
@limited
@looks_at("queue")
def recipients(service: Service, sort: str, limit: int) -> None:
    """Show for whom messages wait or are in flight, and how long the oldest has waited."""
    rows = service.ask("queue.recipients", order=sort, most=limit)
    totals = service.statistics("queue.statistics")
    if service.as_json:
        service.print_json(statistics=totals, recipients=rows)
        return
    shown = [
        {"recipient": it["recipient"], "ready": it["ready"], "in flight": it["in_flight"],
         "oldest": duration(it["oldest_seconds"])}
        for it in rows
    ]  # fmt: skip
    print_rows(shown)
    closed = "; it is closed" if totals["closed"] else ""
    click.echo(
        f"{totals['ready']:,} can be leased, {totals['in_flight']:,} are in flight; since it was opened "
        f"{totals['enqueued']:,} put, {totals['dequeued']:,} leased, {totals['acked']:,} acknowledged, "
        f"{totals['returned']:,} returned, {totals['failed']:,} failed, {totals['expired']:,} expired, "
        f"{totals['corrupt']:,} set apart{closed}"
    )


@queue.command(epilog=examples("actors queue pending mill", "actors queue pending mill --limit 1000 --json"))
@click.argument("recipient")
@limited
@looks_at("queue")
def pending(service: Service, recipient: str, limit: int) -> None:
    """Show what can be leased by RECIPIENT, in that order, without what is in it."""
    rows = service.ask("queue.pending", recipient=recipient, most=limit, timeout=service.seconds)
    if not rows:
        known = [it["recipient"] for it in service.ask("queue.recipients", order="name", most=1000)]
        fail(f"nothing waits for {recipient!r}{nearest(recipient, known)}")
    if service.as_json:
        service.print_json(pending=rows)
    else:
        print_rows([_waiting(it) for it in rows])


def _waiting(it: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": it["message_id"],
        "from": it["sender"],
        "type": it["type"],
        "bytes": it["size_bytes"],
        "waits for": duration(it["seconds"]),
    }


@queue.group(
    "dead-letters",
    cls=WithDefault,
    epilog=examples(
        "actors queue dead-letters",
        "actors queue dead-letters show 0198c2f1-5d1e",
        "actors queue dead-letters replay --all",
        "actors queue dead-letters discard 0198c2f1-5d1e",
    ),
)
def dead_letters() -> None:
    """List the messages that failed for good or expired, look at one, put them again, or throw them away.

    Without a command, they are listed.
    """


@dead_letters.command("list", epilog=examples("actors queue dead-letters list --limit 20 --json"))
@limited
@looks_at("queue")
def list_(service: Service, limit: int) -> None:
    """List the dead letters, the oldest first, without what is in them."""
    rows = service.ask("queue.dead_letters", most=limit, timeout=service.seconds)
    service.print_first("dead letters", rows, _letter, limit)


def _letter(it: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": it["id"],
        "for": it["recipient"],
        "from": it["sender"],
        "type": it["type"],
        "status": it["status"],
        "leases": it["leases"],
        "ago": duration(it["seconds_ago"]),
        "error": it["error"],
    }


@dead_letters.command(epilog=examples("actors queue dead-letters show 0198c2f1-5d1e --json"))
@click.argument("letter", metavar="ID")
@looks_at("queue")
def show(service: Service, letter: str) -> None:
    """Show one dead letter with its content."""
    [row] = service.ask("queue.dead_letters", id=letter, timeout=service.seconds)
    service.print_letter(row, {**_letter(row), "metadata": row["metadata"], "payload": row["payload"]})


@dead_letters.command(
    epilog=examples("actors queue dead-letters replay 0198c2f1-5d1e", "actors queue dead-letters replay --all --json")
)
@which_letter
@looks_at("queue")
def replay(service: Service, letter: str | None, *, every: bool) -> None:
    """Make a dead letter a message that was just put, in its old place."""
    act_on_letters(service, "queue.replay", letter, every=every)


@dead_letters.command(
    epilog=examples("actors queue dead-letters discard 0198c2f1-5d1e", "actors queue dead-letters discard --all")
)
@which_letter
@looks_at("queue")
def discard(service: Service, letter: str | None, *, every: bool) -> None:
    """Delete a dead letter."""
    act_on_letters(service, "queue.discard", letter, every=every)
