"""The commands that every node answers, by their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from actors.shell.offers import offers
from actors.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from actors.shell.node import Node

NodeCommand: TypeAlias = "Callable[[Node, Mapping[str, Any]], Iterator[Any] | AsyncIterator[Any]]"
"""Given the arguments of a request by name, it yields the rows that answer it, of plain data."""


def names(node: Node, _: Mapping[str, Any]) -> Iterator[str]:
    """Yield what each actor is called."""
    snapshot = Snapshot(node.system)
    return map(snapshot.label, snapshot.everybody())


COMMANDS: Final[Mapping[str, NodeCommand]] = {
    "names": names,
    "offers": offers,
}
