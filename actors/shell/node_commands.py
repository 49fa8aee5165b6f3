"""The commands that every node answers, by their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from actors.shell import acting, dead_letters, sending, tracing
from actors.shell.chronicle import log
from actors.shell.family import tree
from actors.shell.offers import offers
from actors.shell.waiting import waits
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
    "dead_letters": dead_letters.listed,
    "discard": dead_letters.discard,
    "kill": acting.kill,
    "log": log,
    "message": sending.message,
    "names": names,
    "offers": offers,
    "replay": dead_letters.replay,
    "restart": acting.restart,
    "resume": acting.resume,
    "state": acting.state,
    "stop": acting.stop,
    "suspend": acting.suspend,
    "trace": tracing.trace,
    "tree": tree,
    "waits": waits,
}
