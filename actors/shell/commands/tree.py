"""`tree`: the supervision tree of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from actors.shell.client.connection import nearest
from actors.shell.terminal.command_line import connect, examples, fail, print_json, which_node
from actors.shell.terminal.phrases import label

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS: Final = ("id", "name", "class", "parent", "child", "restarts", "state", "policy", "last_failure")


@click.command(
    epilog=examples("actors tree", "actors tree --under services", "actors tree --json | jq '.tree[].children'")
)
@click.option("--under", metavar="NAME", help="Show this actor and what is under it.")
@which_node
def tree(under: str | None, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Show the supervision tree of a node.

    Of a supervisor: its strategy, and how many restarts it made of those that it may make within its period. Of a
    child: its state unless it waits for messages, how often it was restarted because it failed, and why it failed last.
    """
    with connect(node, seconds) as connection:
        reply = connection.ask("tree")
    roots, known = grown(reply.rows)
    if under is not None:
        roots = [it for it in known if under in {label(it), f"#{it['id']}"}]
        if not roots:
            fail(f"node {connection.name} has no actor {under!r}{nearest(under, [label(it) for it in known])}")
    if as_json:
        print_json({"node": reply.node, "tree": roots})
        return
    from actors.shell.terminal.branches import show_tree  # noqa: PLC0415 -- programs read JSON

    show_tree(reply.node, roots)


def grown(rows: Sequence[Sequence[Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the actors under nobody, each with its children, and all of them."""
    known = [dict(zip(FIELDS, row, strict=True)) | {"children": []} for row in rows]
    by_id = {it["id"]: it for it in known if it["id"] is not None}
    roots: list[dict[str, Any]] = []
    for it in known:
        above = by_id.get(it["parent"])
        (roots if above is None else above["children"]).append(it)
    return roots, known
