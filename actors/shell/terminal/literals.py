"""What is written on a command line for a message: a literal of Python or JSON, or a message class with arguments.

Nothing is evaluated: the text is parsed where it was written, and becomes a tree of plain data, which a node makes the
message from (`actors.shell.messages`).
"""

from __future__ import annotations

import ast
import json
from typing import Any, Final

from actors.shell.errors import LiteralError

SINGLE: Final = {ast.List: "list", ast.Tuple: "tuple", ast.Set: "set"}

UNREADABLE: Final = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)
"""What Python's parsers raise for what they cannot read."""


def plain_value(text: str) -> Any:
    """Return the value that *text* is a literal of, in Python or JSON; else the text.

    >>> plain_value("7"), plain_value("true"), plain_value("[None]"), plain_value("open")
    (7, True, [None], 'open')
    """
    for read in (ast.literal_eval, json.loads):
        try:
            return read(text)
        except UNREADABLE:
            continue
    return text


def parse_message(text: str) -> Any:
    """Return the tree of the message that *text* says. Raises `LiteralError`.

    >>> parse_message("Sell('bread', loaves=-2)")
    ['make', 'Sell', [['is', 'bread']], [['loaves', ['is', -2]]]]
    >>> parse_message('{"open": true}')
    ['dict', [[['is', 'open'], ['is', True]]]]
    """
    too_deep = LiteralError(f"a message of {len(text)} characters is nested too deeply")
    try:
        return _tree_of_value(json.loads(text))
    except RecursionError:
        raise too_deep from None
    except ValueError:
        pass  # Python's words, then
    try:
        return _tree(ast.parse(text.strip(), mode="eval").body)
    except LiteralError:
        raise
    except (MemoryError, RecursionError):
        raise too_deep from None
    except UNREADABLE as error:
        if isinstance(error, SyntaxError) and "too many nested" in str(error):
            raise too_deep from None
        what = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
        raise LiteralError(f"{_short(text)} is no message: {what}; a text is written in quotes") from None


def _tree_of_value(value: Any) -> Any:
    if isinstance(value, dict):
        return ["dict", [[_tree_of_value(key), _tree_of_value(item)] for key, item in value.items()]]
    if isinstance(value, list):
        return ["list", [_tree_of_value(item) for item in value]]
    return ["int", str(value)] if type(value) is int and not -(2**63) <= value < 2**63 else ["is", value]


def _tree(node: ast.expr) -> Any:
    match node:
        case ast.Call(func=func, args=args, keywords=keywords):
            return [
                "make",
                _name(func),
                [_tree(it) for it in args],
                [[_keyword(it), _tree(it.value)] for it in keywords],
            ]
        case ast.Name() | ast.Attribute():
            return ["name", _name(node)]
        case ast.List() | ast.Tuple() | ast.Set():
            return [SINGLE[type(node)], [_tree(it) for it in node.elts]]
        case ast.Dict(keys=keys, values=values):
            return ["dict", [[_tree(_given(key)), _tree(value)] for key, value in zip(keys, values, strict=True)]]
        case _:
            value = _literal(node)
            if isinstance(value, complex) or value is ...:
                raise LiteralError(f"{value!r} cannot be sent")
            return _tree_of_value(value)


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise LiteralError(f"{_short(ast.unparse(node))} is no message, nor part of one: it is no literal") from None


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            return f"{_name(owner)}.{name}"
        case _:
            raise LiteralError(f"{_short(ast.unparse(node))} names no message class")


def _keyword(node: ast.keyword) -> str:
    if node.arg is None:
        raise LiteralError("** has no place in a message")
    return node.arg


def _given(key: ast.expr | None) -> ast.expr:
    if key is None:
        raise LiteralError("** has no place in a message")
    return key


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")  # noqa: PLR2004 -- a line has room for it
