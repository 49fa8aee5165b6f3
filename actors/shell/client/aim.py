"""Aim: which node is looked at for as long as somebody looks, also after it was started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actors.shell.client.connection import Connection, find_node
from actors.shell.errors import NoNodeError

if TYPE_CHECKING:
    from pathlib import Path


class Aim:
    """The node that is *wanted*; with None, the one that runs when it is looked for first.

    A node that was asked for by its number is that one alone. Else, when it has ended, the next of its name is meant.
    """

    def __init__(self, wanted: str | None) -> None:
        self.wanted = wanted
        self.name: str | None = None
        """What was found last, with its number."""

    def __str__(self) -> str:
        return self.name or self.wanted or "no node"

    def find(self) -> tuple[str, Path]:
        """Return the name and the socket of the node. Raises as `find_node`."""
        found = find_node(self.wanted) if self.name is None else self._again(self.name)
        self.name = found[0]
        return found

    def connect(self, seconds: float) -> Connection:
        """Connect to the node."""
        return Connection(*self.find(), seconds)

    def _again(self, name: str) -> tuple[str, Path]:
        called, _, number = name.rpartition(".")
        try:
            return find_node(name)
        except NoNodeError:
            if self.wanted in {name, number}:
                raise
            try:
                return find_node(called)
            except NoNodeError:
                raise NoNodeError(f"node {name} has ended, and no other {called} runs") from None
