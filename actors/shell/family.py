"""The supervision tree, as a node tells it: who is whose child, and how its supervisors keep their children alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from actors.inspect import Restarting
from actors.snapshot import Snapshot, doing, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from actors.process import Process
    from actors.shell.node import Node


def tree(node: Node, _: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each actor, and for each child without a process.

    Its number, name, class, parent, what that calls it, how often that restarted it, its state, how its children are
    restarted if it is a supervisor, and the reason of the child's last failure.
    """
    snapshot = Snapshot(node.system)
    failures = node.chronicle.last_failures()
    for process in snapshot.everybody():
        parent = process.parent
        assert parent is not None
        number = None if parent.parent is None else parent.id
        child = snapshot.child_of(parent, process)
        word = None if child is None else printable(child.id)
        restarts = None if child is None else child.restarts
        last = failures.get((parent.id, word)) if failures and restarts else None
        why = None if last is None else last.reason
        name, state = process.name, doing(process)[0]
        yield process.id, name, process.kind, number, word, restarts, state, _policy(snapshot, process), why
        for absent in snapshot.absent_children(process):
            last = failures.get((process.id, printable(absent.id)))
            why = None if last is None else last.reason
            yield None, None, "", process.id, printable(absent.id), absent.restarts, absent.state, None, why


def _policy(snapshot: Snapshot, process: Process) -> dict[str, Any] | None:
    """Return how the children of *process* are restarted, if it is a supervisor that tells."""
    children = snapshot.children_of(process)
    # First whether there are any: to ask None what it is like takes longer than all the rest of a row.
    if children is None or not isinstance(children, Restarting):
        return None
    policy = children.restart_policy(trio.current_time())
    return {
        "strategy": policy.strategy,
        "restarts": policy.restarts,
        "intensity": policy.intensity,
        "period": policy.period,
    }
