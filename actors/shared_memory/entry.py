"""Entries: a value with its version and who put it; and what is left where one was."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from hashlib import sha256
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from actors.shared_memory.errors import InvalidEntryError
from actors.shared_memory.key import check_encodable
from actors.show import shown

if TYPE_CHECKING:
    from actors.shared_memory.key import Key, Namespace

COMPRESS_FROM: Final = 1024
"""A value of so many bytes is compressed, if it gets smaller by that."""

MAX_VALUE_BYTES: Final = 1_048_576
"""An entry is a note; what is larger belongs into the reference store, and a reference to it into the note."""

MAX_METADATA_BYTES: Final = 65_536
"""Of names and texts together, in UTF-8: metadata are checked, copied and stored in one step with every put."""

FEW: Final = 32
"""So many metadata are looked at one by one, in the way that is the fastest for them."""

LEVEL: Final = 1
"""Of zlib: the loop waits while a value is compressed, and higher levels take several times as long."""

NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})


class Entry(NamedTuple):
    """A value under a key, as it is stored or as it is handed out. Nobody can change it."""

    where: Key
    value: bytes
    version: int
    created_by: str
    created_at: float
    updated_by: str
    updated_at: float
    """In seconds since 1970."""
    metadata: Mapping[str, str]
    compressed: bool
    """Whether `value` is compressed here: it may be where it is stored, and never is when it is handed out."""
    change: int
    """Its number among all changes of this shared memory: later ones have greater numbers."""

    @property
    def namespace(self) -> Namespace:
        """The namespace of its key."""
        return self.where.namespace

    @property
    def scope(self) -> str:
        """The scope of its key."""
        return self.where.scope

    @property
    def key(self) -> str:
        """Its name in there."""
        return self.where.name

    @property
    def checksum(self) -> str:
        """The SHA-256 of the value as it was put, in hexadecimal digits."""
        return checksum_of(self.value, compressed=self.compressed)

    def __repr__(self) -> str:
        return f"<Entry {self.where}: version {self.version}, {shown(self.value)}>"

    def opened(self) -> Entry:
        """Return it with the value as it was put."""
        return self._replace(value=zlib.decompress(self.value), compressed=False) if self.compressed else self


class Tombstone(NamedTuple):
    """What tells that an entry was deleted."""

    where: Key
    version: int
    """That of what was deleted."""
    deleted_by: str
    deleted_at: float
    kept: bool
    """Whether it stays in the place of the entry, so that the versions of the key go on."""
    change: int

    @property
    def namespace(self) -> Namespace:
        """The namespace of its key."""
        return self.where.namespace

    @property
    def scope(self) -> str:
        """The scope of its key."""
        return self.where.scope

    @property
    def key(self) -> str:
        """Its name in there."""
        return self.where.name

    def __repr__(self) -> str:
        return f"<Tombstone {self.where}: version {self.version} deleted>"

    def opened(self) -> Tombstone:
        """Return it: there is nothing to open."""
        return self


class Broken(NamedTuple):
    """An entry that cannot be read back."""

    where: Key
    version: int
    """As far as that can be read; else 0."""
    why: str


Record: TypeAlias = Entry | Tombstone | Broken
"""What may be found under a key."""


class Content(NamedTuple):
    """A value as it is to be stored."""

    value: bytes
    compressed: bool


def checksum_of(value: bytes, *, compressed: bool) -> str:
    """Return the SHA-256 of *value* as it was put, which costs as much as a third of a call."""
    return sha256(zlib.decompress(value) if compressed else value).hexdigest()


def value_of(given: bytes | bytearray | memoryview) -> bytes:
    """Return what was given as nobody can change it; refuse what is no value."""
    if type(given) is bytes:
        value = given
    elif isinstance(given, bytes | bytearray | memoryview):
        value = bytes(given)
    else:
        raise InvalidEntryError(f"a value is bytes; got {shown(given)}")
    if len(value) > MAX_VALUE_BYTES:
        raise InvalidEntryError(f"a value has at most {MAX_VALUE_BYTES} bytes; this one has {len(value)}")
    return value


def content_of(value: bytes | bytearray | memoryview, *, compress: bool = False) -> Content:
    """Return what is to be stored of *value*: compressed if it is long or that is asked for, and if that helps.

    >>> content = content_of(b"tea" * 500)
    >>> content.compressed, len(content.value) < 100
    (True, True)
    """
    value = value_of(value)
    if len(value) >= COMPRESS_FROM or compress:
        return smaller_of(value, zlib.compress(value, LEVEL))
    return Content(value, False)  # noqa: FBT003 -- the field says what it is


def smaller_of(value: bytes, compressed: bytes) -> Content:
    """Return what takes less room."""
    helps = len(compressed) < len(value)
    return Content(compressed if helps else value, helps)


def metadata_of(given: Mapping[str, str]) -> Mapping[str, str]:
    """Return what was given as nobody can change it; refuse what is no metadata, or more than a put takes."""
    if type(given) is dict and len(given) <= FEW:
        # Nearly all are so; to find that out, this way, takes a third of the time.
        size = 0
        for name, text in given.items():
            if type(name) is not str or type(text) is not str or not (name.isascii() and text.isascii()):
                break
            size += len(name) + len(text)
        else:
            if size <= MAX_METADATA_BYTES:
                return MappingProxyType(given.copy())
    return _metadata_of_any_kind(given)


def _metadata_of_any_kind(given: Mapping[str, str]) -> Mapping[str, str]:
    if isinstance(given, Mapping):
        # Names differ, so each but one has a character: so many need not be looked at to be too many.
        size = len(given) - 1
        if size <= MAX_METADATA_BYTES:
            _check_metadata(given)
            size = sum(map(len, chain.from_iterable(given.items())))
        if MAX_METADATA_BYTES // 4 < size <= MAX_METADATA_BYTES:
            size = sum(len(text.encode(errors="replace")) for text in chain.from_iterable(given.items()))
        if size > MAX_METADATA_BYTES:
            text = f"the metadata of an entry have at most {MAX_METADATA_BYTES} bytes of UTF-8"
            raise InvalidEntryError(f"{text}; these have at least {size}")
    return frozen(given)


def frozen(metadata: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return *metadata* as nobody can change it."""
    if not metadata:
        return NO_METADATA
    _check_metadata(metadata)
    for text in chain.from_iterable(metadata.items()):
        check_encodable("metadata", text)
    return MappingProxyType(dict(metadata))


def _check_metadata(metadata: object) -> None:
    if not isinstance(metadata, Mapping) or not all(
        isinstance(name, str) and isinstance(text, str) for name, text in metadata.items()
    ):
        raise InvalidEntryError(f"the metadata of an entry are names and texts, both str; got {shown(metadata)}")
