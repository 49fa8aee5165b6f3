"""How messages and states appear in errors and reports: short, and never a failure of their own."""

from __future__ import annotations

from typing import Final

LONGEST: Final = 1000
"""Characters; what is longer loses its middle."""


def shown(value: object) -> str:
    """Return the repr of *value*, cut to `LONGEST` characters, or what can be said if it has none.

    >>> shown("x" * 3000)[-12:], len(shown("x" * 3000))
    ("xxxxxxxxxxx'", 1000)
    """
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 -- an error about a message must not fail because of the message
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"
    return _cut(text)


def told(cause: object) -> str:
    """Return what *cause* says: an exception by its class and text, a text as it is, anything else by its repr.

    >>> told(ValueError("7 is odd")), told("moved"), told(7)
    ('ValueError: 7 is odd', 'moved', '7')
    """
    if isinstance(cause, str):
        return _cut(cause)
    if not isinstance(cause, BaseException):
        return shown(cause)
    try:
        text = str(cause)
    except Exception as error:  # noqa: BLE001 -- as above
        text = f"its text raised {type(error).__name__}"
    return f"{type(cause).__name__}: {_cut(text)}" if text else type(cause).__name__


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = (LONGEST - 3) // 2
    return f"{text[:half]}...{text[half + 3 - LONGEST :]}"
