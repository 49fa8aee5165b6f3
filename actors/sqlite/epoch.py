"""Epochs: which incarnation of an actor may still write."""

from __future__ import annotations

from typing import Final

CLAIM: Final = "REPLACE INTO actors_epochs VALUES (?, ?)"
FORGET: Final = "DELETE FROM actors_epochs WHERE owner = ?"


class Epoch:
    """One incarnation's leave to write, until its successor claims the next."""

    __slots__ = ("_numbers", "number", "owner")

    def __init__(self, owner: str, numbers: dict[str, int]) -> None:
        self.owner = owner
        self.number = numbers[owner]
        self._numbers = numbers

    def __repr__(self) -> str:
        return f"<Epoch {self.number} of {self.owner!r}{'' if self.current else ', over'}>"

    @property
    def current(self) -> bool:
        """Whether no successor has claimed an epoch, and its owner was not forgotten."""
        return self._numbers.get(self.owner) == self.number
