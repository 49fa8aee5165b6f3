"""Log: what the children have told, line by line; kept by the parent, and only ever appended to."""

from __future__ import annotations

from collections import defaultdict
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Log:
    """What was intended, accepted, handled and acknowledged, by producers and numbers."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("a")
        self.intended: dict[str, set[int]] = defaultdict(set)
        self.accepted: dict[str, set[int]] = defaultdict(set)
        self.handled: dict[str, set[int]] = defaultdict(set)
        """By producer, and for parcels by producer and hop."""
        self.acknowledged: dict[str, set[int]] = defaultdict(set)
        self.killed = 0
        """How many actors were killed within the children."""

    def follow(self, lines: IO[str], *, until: str | None = None) -> bool:
        """Take in *lines* until one says *until*, or to their end; tell whether that was said."""
        for line in lines:
            self._file.write(line)
            # A line is one write of less than a page, so there are no halves of lines.
            match line.rstrip("\n").split(" ", 1):
                case ["running" | "idle" as word]:
                    if word == until:
                        return True
                case ["killed", _]:
                    self.killed += 1
                case [verb, rest]:
                    producer, number = rest.rsplit(" ", 1)
                    getattr(self, verb)[producer].add(int(number))
        return False

    def next_number(self, producer: str, *, again: int) -> int:
        """Return what *producer* goes on with: something new, or first the latest that were accepted *again*."""
        if again:
            return max(0, max(self.accepted[producer], default=-1) + 1 - again)
        return max(self.intended[producer], default=-1) + 1

    def close(self) -> None:
        """End the log."""
        self._file.close()
