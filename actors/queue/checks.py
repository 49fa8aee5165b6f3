"""What a queue may be asked; each request is checked where it is made, so that none can end the queue.

Errors name what was given, and what is allowed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from actors.options import is_number
from actors.queue.errors import MessageRefusedError
from actors.queue.options import QueueOptions

if TYPE_CHECKING:
    import attrs

OPERATIONS: Final = ("open", "commit", "last_seq", "pending", "finished_ids", "fetch", "finished", "find", "close")
"""What a `QueueStore` can do."""

MOST: Final = 2**63
"""Numbers of 64 bits end before this."""


def check_text(what: str, text: object) -> None:
    """Refuse what is no text that can be stored, and what is empty."""
    if not isinstance(text, str) or not text:
        raise MessageRefusedError(f"the {what} is {text!r}; allowed is a str that is not empty")
    if not text.isascii():
        check_encodable(what, text)


def check_encodable(what: str, text: str) -> None:
    """Refuse a text with half of a character, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MessageRefusedError(f"the {what} is {text!r}, which is no text: {error}") from error


def check_count(what: str, count: object) -> None:
    """Refuse what is no number of things to ask for."""
    if type(count) is not int or not 1 <= count < MOST:
        raise MessageRefusedError(f"{what} is {count!r}; allowed is an int of 1 or more")


def check_lease_seconds(seconds: object) -> None:
    """Refuse what is no time that a lease can last."""
    if not (is_number(seconds) and 0 < seconds < math.inf):
        raise MessageRefusedError(f"a lease of {seconds!r} seconds; allowed is a finite number above 0")


def check_delay(what: str, seconds: object) -> None:
    """Refuse what is no time that a message can wait."""
    if not (is_number(seconds) and 0 <= seconds < math.inf):
        raise MessageRefusedError(f"the {what} of a message is {seconds!r}; allowed is a finite number, 0 or more")


def told(error: object) -> str:
    r"""Return what went wrong as a text that can be stored, whatever was said of it.

    >>> told("no file caf\\udce9"), told(None)
    ('no file caf\\udce9', 'None')
    """
    text = error if isinstance(error, str) else str(error)
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def check_queue(store: object, options: object) -> None:
    """Refuse what no queue can be made with."""
    lacking = [name for name in OPERATIONS if not callable(getattr(store, name, None))]
    if isinstance(store, type) or lacking:
        why = f", which lacks {', '.join(lacking)}" if 0 < len(lacking) < len(OPERATIONS) else ""
        raise TypeError(f"the store of a Queue is a QueueStore, such as SqliteStore('queue.db'); got {store!r}{why}")
    try:
        WeakSet([store])
    except TypeError as error:
        raise TypeError(f"the store of a Queue is known by its identity, and {store!r} cannot be: {error}") from error
    if not isinstance(options, QueueOptions | None):
        raise TypeError(f"the options of a Queue are QueueOptions; got {options!r}")


# -- validators of requests


def recipient(_request: object, _field: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no name of a recipient."""
    check_text("recipient of a message", value)


def message_id(_request: object, _field: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no id."""
    check_text("id of a message", value)


def most(_request: object, _field: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no number of things to ask for."""
    check_count("most", value)


def lease_seconds(_request: object, _field: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no time that a lease can last; None is the queue's."""
    if value is not None:
        check_lease_seconds(value)


def seconds(_request: object, _field: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no time that a lease can last."""
    check_lease_seconds(value)


def delay(_request: object, _field: attrs.Attribute[Any], value: object) -> None:
    """Refuse what is no time that a message can wait; None is the queue's."""
    if value is not None:
        check_delay("delay", value)
