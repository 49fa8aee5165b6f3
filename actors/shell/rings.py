"""Rings in a graph of who waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    T = TypeVar("T", bound=Hashable)


def rings(edges: Iterable[tuple[T, T]]) -> list[list[T]]:
    """Return rings such that each node of a ring is in one of them alone; each edge leads from one to the next.

    >>> rings([("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("e", "e")])
    [['a', 'b', 'c'], ['e']]
    """
    following: dict[T, list[T]] = {}
    for start, end in edges:
        following.setdefault(start, []).append(end)
    done: set[T] = set()
    found: list[list[T]] = []
    for start in following:
        path: dict[T, int] = {}
        stack = [(start, 0)]
        while stack:
            node, place = stack.pop()
            if place == 0 and (node in done or node in path):
                continue
            if place == 0:
                path[node] = len(path)
            ends = following.get(node, [])
            if place == len(ends):
                done.add(node)
                path.pop(node)
                continue
            stack.append((node, place + 1))
            end = ends[place]
            if end in path:
                nodes = list(path)[path[end] :]
                if not any(it in ring for ring in found for it in nodes):
                    found.append(nodes)
            else:
                stack.append((end, 0))
    return found
