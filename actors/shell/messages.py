"""Messages that a client wrote, made on the node from a tree of plain data.

Instances are made of message classes alone: attrs classes, dataclasses, named tuples, and what derives from `Call`.
They have to be there already: nothing is imported, and no attribute is looked up but those of modules and classes.
"""

from __future__ import annotations

import sys
from dataclasses import is_dataclass
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import attrs

from actors.message import Question
from actors.shell.errors import CommandError
from actors.show import told

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST: Final = 50


def message_from(tree: Any, actor: type) -> object:
    """Return the message that *tree* says; a class without a module is looked up where *actor* is defined.

    Raises `CommandError`.
    """
    return _made(tree, actor, 0)


def _made(tree: Any, actor: type, depth: int) -> Any:
    if depth > DEEPEST:
        raise CommandError(f"the message is nested more than {DEEPEST} deep", "message")
    try:
        return _made_of(tree, actor, depth + 1)
    except CommandError:
        raise
    except (TypeError, ValueError) as error:
        raise CommandError(f"the message cannot be made: {told(error)}", "message") from error


def _made_of(tree: Any, actor: type, depth: int) -> Any:
    match tree:
        case ["is", value] if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
        case ["int", str(digits)]:
            return int(digits)
        case ["list" | "tuple" | "set" as kind, [*items]]:
            made = [_made(item, actor, depth) for item in items]
            return {"list": list, "tuple": tuple, "set": set}[kind](made)
        case ["dict", [*pairs]]:
            return {_made(key, actor, depth): _made(value, actor, depth) for key, value in pairs}
        case ["name", str(name)]:
            return _member(name, actor)
        case ["make", str(name), [*args], [*keywords]]:
            cls = message_class(name, actor)
            named = {str(key): _made(value, actor, depth) for key, value in keywords}
            return _instance(cls, [_made(it, actor, depth) for it in args], named)
        case _:
            raise CommandError("the message is no tree of plain data", "message")


def _instance(cls: type, args: list[Any], named: dict[str, Any]) -> object:
    try:
        return cls(*args, **named)
    except Exception as error:
        raise CommandError(f"{cls.__name__} cannot be made: {told(error)}", "message") from error


def _member(name: str, actor: type) -> object:
    """Return the member of an enumeration that *name* says; a bare class is nearly always one without its brackets."""
    owner, _, member = name.rpartition(".")
    cls = _named(owner, actor) if owner else None
    if isinstance(cls, type) and issubclass(cls, Enum) and member in cls.__members__:
        return cls.__members__[member]
    found = _named(name, actor)
    if isinstance(found, type) and is_message_class(found):
        raise CommandError(f"{name} is a class; a message of it is {name}()", "message")
    raise CommandError(f"{name} is nothing that can be sent; a text is written in quotes, '\"{name}\"'", "message")


def message_class(name: str, actor: type) -> type:
    """Return the message class of this name. Raises `CommandError`."""
    found = _named(name, actor)
    if found is None:
        where = actor.__module__ if "." not in name else "what the node has imported"
        raise CommandError(f"there is no {name} in {where}; a class elsewhere is written MODULE.{name}", "message")
    if not isinstance(found, type) or not is_message_class(found):
        raise CommandError(
            f"{name} is no message class, which is an attrs class, a dataclass, a named tuple or derived from Call",
            "message",
        )
    return found


def is_message_class(cls: type) -> bool:
    """Tell whether instances of *cls* are data, so that making one does nothing else."""
    is_tuple = issubclass(cls, tuple) and hasattr(cls, "_fields")
    return attrs.has(cls) or is_dataclass(cls) or is_tuple or issubclass(cls, Question)


def _named(name: str, actor: type) -> object:
    """Return what *name* is in *actor*, in its module, in those that it derives from, or else by its full name."""
    path = name.split(".")
    for start in _starts(path, actor):
        found: object = start[0]
        for part in path[start[1] :]:
            found = vars(found).get(part) if isinstance(found, ModuleType | type) else None
        if found is not None:
            return found
    return None


def _starts(path: list[str], actor: type) -> Iterator[tuple[object, int]]:
    """Yield from where, and from which part of a name on, it may be looked up."""
    for cls in actor.__mro__:
        if cls is not object:
            yield cls, 0
            yield sys.modules.get(cls.__module__), 0
    for length in range(len(path) - 1, 0, -1):
        yield sys.modules.get(".".join(path[:length])), length
