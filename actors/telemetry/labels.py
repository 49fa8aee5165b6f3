"""Labels: the values of one label of a metric, of which there are only so many however many there might be."""

from __future__ import annotations

from typing import Final

OTHER: Final = "other"
"""What stands for all values beyond the bound."""


class Labels:
    """The first so many values, each as itself; all later ones are ``other``.

    >>> names = Labels(2)
    >>> [names.of(name) for name in ("Till", "Clerk", "Desk", "Till")]
    ['Till', 'Clerk', 'other', 'Till']
    """

    __slots__ = ("_most", "_names")

    def __init__(self, most: int) -> None:
        self._most = most
        self._names: set[str] = set()

    def __repr__(self) -> str:
        return f"<Labels: {len(self._names)} of at most {self._most}>"

    def of(self, name: str) -> str:
        """Return *name*, or what stands for it."""
        if name not in self._names:
            if len(self._names) >= self._most:
                return OTHER
            self._names.add(name)
        return name
