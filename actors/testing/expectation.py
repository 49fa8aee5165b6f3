"""Expectations: what a test waits for, and what it says when that does not come.

A pattern is a class (or a union of classes), of which the message is to be an instance; a function, which is to be
true of it; or any other value, which is to be equal to it.
"""

from __future__ import annotations

from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, UnionType
from typing import TYPE_CHECKING, Any, Final

from actors.exit import Crash
from actors.show import shown, told

if TYPE_CHECKING:
    from actors.exit import ExitReason

PREDICATES: Final = (BuiltinFunctionType, FunctionType, MethodType, partial)
"""What is asked about a message; anything else that can be called is compared with it."""


class ExpectationError(AssertionError):
    """What a test expected did not happen."""


def matches(pattern: Any, message: object) -> bool:
    """Tell whether *message* is what *pattern* says; one that fails when it is asked about a message does not match.

    >>> matches(int, 5), matches(int | str, 5), matches(4, 5), matches(lambda number: number > 4, 5)
    (True, True, False, True)
    """
    try:
        return _is_as(pattern, message)
    except Exception:  # noqa: BLE001 -- a function about one class of messages is asked about all that come
        return False


def objection(pattern: Any, message: object) -> str:
    """Return what is to be said if *pattern* fails when it is asked about *message*.

    >>> objection(lambda number: number > 4, "tea")
    " (asked about it, that raised TypeError: '>' not supported between instances of 'str' and 'int')"
    """
    try:
        _is_as(pattern, message)
    except Exception as error:  # noqa: BLE001 -- it is told
        return f" (asked about it, that raised {told(error)})"
    return ""


def _is_as(pattern: Any, message: object) -> bool:
    if isinstance(pattern, type | UnionType):
        return isinstance(message, pattern)
    if isinstance(pattern, PREDICATES):
        return bool(pattern(message))
    return bool(pattern == message)


def ends_as(pattern: Any, reason: ExitReason) -> bool:
    """As `matches`, for an exit reason; the class of an exception stands for a crash by one.

    >>> ends_as(ValueError, Crash(ValueError("7 is odd"))), ends_as(KeyError, Crash(ValueError("7 is odd")))
    (True, False)
    """
    if isinstance(pattern, type) and issubclass(pattern, BaseException):
        return isinstance(reason, Crash) and isinstance(reason.cause, pattern)
    return matches(pattern, reason)


def described(pattern: Any) -> str:
    """Return how *pattern* reads in an error.

    >>> described(int), described(object), described("tea")
    ('int', 'anything', "'tea'")
    """
    if pattern is object:
        return "anything"
    if isinstance(pattern, type):
        return pattern.__qualname__
    if isinstance(pattern, UnionType):
        return str(pattern)
    if isinstance(pattern, FunctionType):
        return f"what {pattern.__qualname__} (line {pattern.__code__.co_firstlineno}) is true of"
    return shown(pattern)
