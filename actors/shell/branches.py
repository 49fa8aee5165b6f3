"""Branches: a supervision tree, drawn for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from actors.shell.phrases import duration, headline, label, printable
from actors.shell.tables import console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from actors.shell.client import NodeFacts


def show_tree(node: NodeFacts, roots: Iterable[dict[str, Any]]) -> None:
    """Print the trees of a node that begin at *roots*."""
    out = console()
    out.print(Text(headline(node)))
    for root in roots:
        out.print(_drawn(root), soft_wrap=True)


def _drawn(root: dict[str, Any]) -> Tree:
    drawn = Tree(_line(root), guide_style="dim")
    todo = [(drawn, it) for it in reversed(root["children"])]
    while todo:
        above, told = todo.pop()
        branch = above.add(_line(told))
        todo += [(branch, it) for it in reversed(told["children"])]
    return drawn


def _line(told: dict[str, Any]) -> Text:
    parts = [told["class"]] if told["class"] not in {"", label(told)} else []
    if told["state"] != "waiting":
        parts.append(told["state"])
    policy = told["policy"]
    if policy is not None:
        allowed = f"{policy['restarts']} of {policy['intensity']} restarts in {duration(policy['period'])}"
        parts.append(f"{policy['strategy']}, {allowed}")
    if told["restarts"]:
        parts.append(f"restarted {told['restarts']:,} times")
    if told["last_failure"] is not None:
        parts.append(f"last failed: {told['last_failure']}")
    number = "" if told["id"] is None else f" #{told['id']}"
    return Text.assemble((printable(label(told)), "bold"), number, printable(f"  {', '.join(parts)}") if parts else "")
