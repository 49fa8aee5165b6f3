"""Document: a configuration file as nested mappings, and the line of each key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from actors.config import toml_file, yaml_file
from actors.config.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader: TypeAlias = Callable[[str, str], tuple[Any, Mapping[tuple[str, ...], int]]]

READERS: Final[Mapping[str, Reader]] = {".toml": toml_file.read, ".yaml": yaml_file.read, ".yml": yaml_file.read}
"""By the end of a file's name."""


@attrs.frozen
class Document:
    """What a configuration file says."""

    name: str
    """The file, as it was named by who asked for it."""
    values: Mapping[Any, Any]
    lines: Mapping[tuple[str, ...], int]
    """The line of each key, by the keys that lead to it."""


def read_document(path: str | os.PathLike[str]) -> Document:
    """Read a file, by the end of its name: TOML, or YAML with the extra ``yaml``. Raises `ConfigError`."""
    name = os.fspath(path)
    reader = READERS.get(Path(name).suffix.lower())
    if reader is None:
        raise ConfigError([f"{name}: the name of a configuration file ends in {', '.join(READERS)}"])
    try:
        text = Path(name).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{name} cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{name} cannot be read: it is no text in UTF-8: {error}"]) from error
    except ValueError as error:
        # A NUL, or half of a character, which an error that is to be printed had better not have.
        raise ConfigError([f"{name!a} cannot be read: it is no path of a file: {error}"]) from error
    values, lines = reader(text, name)
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise ConfigError([f"{name} holds a {type(values).__name__}; a configuration is a mapping of sections"])
    return Document(name, values, lines)
