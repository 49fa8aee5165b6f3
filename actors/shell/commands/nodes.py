"""`nodes`: the nodes of this user that run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from actors.shell import directory
from actors.shell.client.connection import Connection
from actors.shell.errors import RefusedError, UnreachableError
from actors.shell.terminal.command_line import SECONDS, examples, print_json, print_rows
from actors.shell.terminal.phrases import duration, printable

if TYPE_CHECKING:
    from pathlib import Path


@click.command(epilog=examples("actors nodes", "actors nodes --json | jq '.nodes[].name'"))
@click.option(
    "--seconds",
    type=SECONDS,
    default=1.0,
    show_default=True,
    help="Wait so long for each node.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def nodes(seconds: float, *, as_json: bool) -> None:
    """List the nodes of this user that run.

    Sockets that a node left behind when it was killed are removed. A node that is blocked is listed, too.

    Exit status: 0, also if none runs.
    """
    removed: list[Path] = []
    found = [_about(name, path, seconds) for name, path in directory.sockets(removed)]
    if as_json:
        print_json({"nodes": found, "removed": [str(path) for path in removed]})
        return
    for path in removed:
        click.echo(printable(f"removed {path}: its node is dead"))
    if not found:
        click.echo(f"no node runs, as far as {directory.directories()[0]} tells")
        return
    print_rows(
        [{title: _shown(row, title) for title in ("node", "pid", "actors", "up", "python", "runs")} for row in found]
    )


def _about(name: str, path: Path, seconds: float) -> dict[str, Any]:
    """Return what a node tells of itself, or why it does not."""
    told: dict[str, Any] = {"node": name, "path": str(path), "answers": False, "pid": _number(name)}
    try:
        with Connection(name, path, seconds) as connection:
            return told | {"answers": True} | dict(connection.about())
    except (UnreachableError, RefusedError) as error:
        return told | {"why": str(error)}


def _number(name: str) -> int | None:
    number = name.rpartition(".")[2].partition("-")[0]
    return int(number) if number.isdecimal() else None


def _shown(row: dict[str, Any], title: str) -> Any:
    if title == "up":
        return duration(row["up_seconds"]) if row["answers"] else ""
    if title == "runs":
        return " ".join(row["argv"]) if row["answers"] else row["why"]
    if title == "pid":
        return str(row["pid"] or "")
    return row.get(title)
