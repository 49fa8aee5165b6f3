"""Labels: the values of one label of a metric, of which there are only so many however many there might be."""

from __future__ import annotations

from typing import Final

OTHER: Final = "other"
"""What stands for all values beyond the bound."""
LONGEST: Final = 200
"""Characters; what is longer loses its end."""


class Labels:
    """The first so many values, each as itself; all later ones are ``other``.

    >>> names = Labels(2)
    >>> [names.of(name) for name in ("Till", "Clerk", "Desk", "Till")]
    ['Till', 'Clerk', 'other', 'Till']
    """

    __slots__ = ("_most", "_names")

    def __init__(self, most: int) -> None:
        self._most = most
        self._names: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Labels: {len(self._names)} of at most {self._most}>"

    def of(self, name: str) -> str:
        """Return *name*, or what stands for it."""
        found = self._names.get(name)
        if found is None:
            if len(self._names) >= self._most:
                return OTHER
            found = self._names[name] = _printable(name)
        return found


def _printable(name: str) -> str:
    r"""Return *name* as it can be scraped: no surrogates, which UTF-8 lacks, and no ends of lines.

    >>> _printable("Käse"), _printable("\udc80\n")
    ('Käse', '\\udc80\\n')
    """
    cut = name if len(name) <= LONGEST else f"{name[: LONGEST - 3]}..."
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in cut)
