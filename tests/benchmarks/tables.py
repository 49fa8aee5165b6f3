"""Tables: columns of figures, in a form that is read as it is and that Markdown understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def in_columns(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table with its first column to the left and the others to the right.

    >>> print(in_columns(["", "one"], [["call", "2.00"], ["ring", "10.00"]]), end="")
    |      |   one |
    |:-----|------:|
    | call |  2.00 |
    | ring | 10.00 |
    """
    cells = [head, *lines]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    rows = [_row(line, widths) for line in cells]
    rule = "|" + "|".join(["-" * (width + 1) + ":" for width in widths]) + "|"
    rows.insert(1, rule.replace(f"{'-' * (widths[0] + 1)}:", f":{'-' * (widths[0] + 1)}", 1))
    return "\n".join(rows) + "\n"


def _row(line: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = line
    padded = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
    return f"| {' | '.join(padded)} |"


def shown(figure: float) -> str:
    """Return *figure* with three digits.

    >>> shown(1_234_567), shown(45_600), shown(780), shown(2.5)
    ('1.23 M', '45.6 k', '780', '2.50')
    """
    for unit, suffix in ((1_000_000, " M"), (1_000, " k")):
        if figure >= unit:
            return f"{_three_digits(figure / unit)}{suffix}"
    return _three_digits(figure)


def _three_digits(figure: float) -> str:
    decimals = 0 if figure >= 100 else 1 if figure >= 10 else 2
    return f"{figure:.{decimals}f}"
