"""Branches: a supervision tree, drawn for people."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from actors.shell.terminal.output import bold, dim, show
from actors.shell.terminal.phrases import duration, headline, label, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from actors.shell.client.connection import NodeFacts

GUIDES: Final = ("├── ", "│   ", "└── ", "    ")
"""What stands before a child that others follow, and below it; before the last, and below that."""

PLAIN_GUIDES: Final = ("+-- ", "|   ", "`-- ", "    ")
"""Where the terminal has no others."""


def show_tree(node: NodeFacts, roots: Iterable[dict[str, Any]]) -> None:
    """Print the trees of a node that begin at *roots*."""
    has_lines = (sys.stdout.encoding or "ascii").lower().startswith("utf")
    guides = [dim(it) for it in (GUIDES if has_lines else PLAIN_GUIDES)]
    show(headline(node), *(line for root in roots for line in _drawn(root, guides)))


def _drawn(root: dict[str, Any], guides: Sequence[str]) -> Iterator[str]:
    fork, beside, end, below = guides
    todo = [("", "", root)]
    while todo:
        before, under, told = todo.pop()
        yield before + _line(told)
        children = [(under + fork, under + beside, it) for it in told["children"]]
        if children:
            children[-1] = (under + end, under + below, told["children"][-1])
        todo += reversed(children)


def _line(told: dict[str, Any]) -> str:
    parts = [told["class"]] if told["class"] not in {"", label(told)} else []
    if told["state"] != "waiting":
        parts.append(told["state"])
    if told["policy"] is not None:
        parts.append(_policy(told["policy"]))
    if told["restarts"]:
        parts.append(f"restarted {told['restarts']:,} times")
    if told["last_failure"] is not None:
        parts.append(f"last failed: {told['last_failure']}")
    number = "" if told["id"] is None else f" #{told['id']}"
    return bold(printable(label(told))) + number + (printable(f"  {', '.join(parts)}") if parts else "")


def _policy(policy: Mapping[str, Any]) -> str:
    """Return how a supervisor restarts its children, and what is left to it once half of its restarts are made."""
    made, allowed = policy["restarts"], policy["intensity"]
    text = f"{policy['strategy']}, {made} of {allowed} restarts in {duration(policy['period'])}"
    left = allowed - made
    if made == 0 or left > made:
        return text
    return f"{text}, {left} more before it gives up" if left > 0 else f"{text}, gives up at the next"
