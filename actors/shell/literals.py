"""What is written on a command line: literals of Python or JSON, without anything being evaluated."""

from __future__ import annotations

import ast
import json
from typing import Any


def plain_value(text: str) -> Any:
    """Return the value that *text* is a literal of, in Python or JSON; else the text.

    >>> plain_value("7"), plain_value("true"), plain_value("[None]"), plain_value("open")
    (7, True, [None], 'open')
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
