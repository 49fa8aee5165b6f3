"""Codec: how messages and states are stored, with MessagePack.

Besides what that knows, it takes tuples, sets, integers of any size, members of enumerations, and instances of attrs
classes and dataclasses. A class is stored by its name, so it has to be one that can be imported, and its constructor
makes the instance again. Fields that this does not take (``init=False``) are set then, but for private ones.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys
from functools import cache
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
    return msgpack.ExtType(INSTANCE, _packed([_name_of(kind, place), *_parts_of(value, place, depth)]))


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


@attrs.frozen
class _Shape:
    """What is stored of the instances of a class."""

    made_from: tuple[tuple[str, str], ...]
    """The parameters of the constructor, and the fields that are given to them."""
    set_later: tuple[str, ...]
    """The public fields that the constructor does not take."""


def _parts_of(value: Any, place: str, depth: int) -> list[object]:
    """Return what an instance was made from, by the constructor's parameters, and what was set later, if that is so."""
    kind: Any = type(value)
    shape = _shape_of(kind)
    if not isinstance(shape, _Shape):
        raise UnencodableError(f"{place} is {shown(value)}, of the class {kind.__qualname__}, {shape}")
    parts: list[object] = [
        {name: _plain(getattr(value, field), f"{place}.{field}", depth) for name, field in shape.made_from}
    ]
    if shape.set_later:
        later = [field for field in shape.set_later if hasattr(value, field)]
        parts.append({field: _plain(getattr(value, field), f"{place}.{field}", depth) for field in later})
    return parts


@cache
def _shape_of(kind: type) -> _Shape | str:
    """Return what is stored of the instances of *kind*, or why they cannot be."""
    if attrs.has(kind):
        fields = [(field.name, field.alias or field.name, field.init) for field in attrs.fields(kind)]
    elif dataclasses.is_dataclass(kind):
        fields = [(field.name, field.name, field.init) for field in dataclasses.fields(kind)]
    else:
        return "which cannot be stored"
    made_from = tuple((alias, name) for name, alias, init in fields if init)
    try:
        inspect.signature(kind).bind(**dict(made_from))
    except (TypeError, ValueError) as error:
        return f"which cannot be made from its fields again: {error}"
    return _Shape(made_from, tuple(name for name, _, init in fields if not init and not name.startswith("_")))


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
            return _made(*content)
    raise UnencodableError(f"a stored value has the code {code}, which this version does not know")


def _made(name: str, made_from: dict[str, Any], set_later: dict[str, Any] | None = None) -> Any:
    """Return an instance of the class of *name*."""
    instance = _class_of(name)(**made_from)
    for field, value in (set_later or {}).items():
        object.__setattr__(instance, field, value)  # it may be frozen
    return instance


def _class_of(name: str) -> Any:
    """Return the class of *name*; nothing is made of any that `encode` would not have stored."""
    module, _, path = name.partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not (isinstance(found, enum.EnumMeta) or attrs.has(found) or dataclasses.is_dataclass(found)):
        raise UnencodableError(f"a stored value is of {name}, which is no attrs class, dataclass or enumeration")
    return found
