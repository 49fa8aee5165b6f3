"""Codec: how messages and states are stored, with MessagePack.

Besides what that knows, it takes tuples, sets, integers of any size, members of enumerations, and instances of attrs
classes and dataclasses. A class is stored by its name, so it has to be one that can be imported.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
from importlib import import_module
from typing import Any, Final

import attrs
import msgpack

from actors.delivery.errors import UnencodableError
from actors.show import shown

TUPLE: Final = 1
SET: Final = 2
FROZENSET: Final = 3
INSTANCE: Final = 4
MEMBER: Final = 5
INTEGER: Final = 6

PLAIN: Final = frozenset({type(None), bool, float, str, bytes})
SEQUENCES: Final[dict[type, int]] = {tuple: TUPLE, set: SET, frozenset: FROZENSET}
INTEGERS: Final = range(-(2**63), 2**64)

DEEPEST: Final = 64
"""So many values may be one in the other: each level takes 40 kB of the stack when they are read back."""


def encode(value: object, name: str) -> bytes:
    """Return *value*, which is known as *name*, as it is stored.

    Raises `UnencodableError`, which says where it holds something that cannot be.
    """
    try:
        return _packed(_plain(value, name, 0))
    except (ValueError, OverflowError) as error:
        raise UnencodableError(f"{name} holds what cannot be stored: {error}") from error


def decode(stored: bytes) -> Any:
    """Return what `encode` was given."""
    return msgpack.unpackb(stored, ext_hook=_from_ext, strict_map_key=False)


def _packed(value: object) -> bytes:
    packed: bytes = msgpack.packb(value)
    return packed


def _plain(value: Any, place: str, depth: int) -> object:
    """Return *value* as something that MessagePack knows."""
    kind = type(value)
    if kind in PLAIN:
        return value if kind is not str or value.isascii() else _text(value, place)
    if kind is int:
        return value if value in INTEGERS else msgpack.ExtType(INTEGER, str(value).encode())
    if issubclass(kind, enum.Enum):
        return msgpack.ExtType(MEMBER, _packed([_name_of(kind, place), _member_of(value)]))
    depth += 1
    if depth > DEEPEST:
        raise UnencodableError(f"{place} is {depth} levels deep; allowed are {DEEPEST}")
    if kind is list:
        return [_plain(part, f"{place}[{number}]", depth) for number, part in enumerate(value)]
    if kind is dict:
        return {_key(key, place): _plain(part, f"{place}[{key!r}]", depth) for key, part in value.items()}
    if kind in SEQUENCES:
        parts = [_plain(part, f"{place}[{number}]", depth) for number, part in enumerate(value)]
        return msgpack.ExtType(SEQUENCES[kind], _packed(parts))
    return msgpack.ExtType(INSTANCE, _packed([_name_of(kind, place), _fields_of(value, place, depth)]))


def _key(key: object, place: str) -> object:
    if type(key) is str:
        return _text(key, f"a key of {place}")
    if type(key) in PLAIN or (type(key) is int and key in INTEGERS):
        return key
    raise UnencodableError(f"{place} has the key {shown(key)}; allowed are str, bytes, numbers of 64 bits and None")


def _text(text: str, place: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnencodableError(f"{place} is {shown(text)}, which is no text: {error}") from error
    return text


def _member_of(value: enum.Enum) -> object:
    """Return what tells *value* among its like: its name, or the number that several flags have together."""
    return value.name if value.name in type(value).__members__ else value.value


def _fields_of(value: Any, place: str, depth: int) -> dict[str, object]:
    """Return what an instance was made from, by the names of its constructor's parameters."""
    kind = type(value)
    if attrs.has(kind):
        names = [(field.alias or field.name, field.name) for field in attrs.fields(kind) if field.init]
    elif dataclasses.is_dataclass(kind):
        names = [(field.name, field.name) for field in dataclasses.fields(kind) if field.init]
    else:
        raise UnencodableError(f"{place} is {shown(value)}, of the class {kind.__qualname__}, which cannot be stored")
    return {alias: _plain(getattr(value, name), f"{place}.{name}", depth) for alias, name in names}


def _name_of(kind: type, place: str) -> str:
    found: Any = sys.modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, part, None)
    if found is not kind:
        raise UnencodableError(
            f"{place} is of the class {kind.__module__}.{kind.__qualname__}, which cannot be found by that name"
        )
    return f"{kind.__module__}:{kind.__qualname__}"


def _from_ext(code: int, data: bytes) -> Any:
    if code == INTEGER:
        return int(data)
    content = decode(data)
    match code:
        case code if code == TUPLE:
            return tuple(content)
        case code if code == SET:
            return set(content)
        case code if code == FROZENSET:
            return frozenset(content)
        case code if code == MEMBER:
            kind, member = _class_of(content[0]), content[1]
            return kind[member] if isinstance(member, str) else kind(member)
        case code if code == INSTANCE:
            return _class_of(content[0])(**content[1])
    raise UnencodableError(f"a stored value has the code {code}, which this version does not know")


def _class_of(name: str) -> Any:
    """Return the class of *name*; nothing is made of any that `encode` would not have stored."""
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not (isinstance(found, enum.EnumMeta) or attrs.has(found) or dataclasses.is_dataclass(found)):
        raise UnencodableError(f"a stored value is of {name}, which is no attrs class, dataclass or enumeration")
    return found
