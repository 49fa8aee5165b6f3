"""TOML files, with the line of each key."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from actors.config.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator


def read(text: str, name: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    """Return what *text* says, and the line of each key. Raises `ConfigError`."""
    try:
        return tomllib.loads(text), lines_of(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{name} is no TOML: {error}"]) from error
    except RecursionError as error:
        raise ConfigError([f"{name} is nested too deep"]) from error


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    r"""Return where each key of a TOML document is set, or each table begins.

    The parser tells no lines. But each statement begins on a line of its own, and ends with the first line at which
    it can be parsed.

    >>> lines_of("[gc]\nenabled = true\n\n[store]\nnames = [\n'a']\n")
    {('gc',): 1, ('gc', 'enabled'): 2, ('store',): 4, ('store', 'names'): 5}
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    begun: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        begun.append(line)
        try:
            statement = tomllib.loads("\n".join(begun))
        except tomllib.TOMLDecodeError:
            continue
        first = number - len(begun) + 1
        if begun[0].lstrip().startswith("["):
            table = tuple(_header(statement))
            found.setdefault(table, first)
        else:
            for path in _paths(statement, table):
                found.setdefault(path, first)
        begun.clear()
    return found


def _header(statement: Any) -> Iterator[str]:
    """Yield the keys of the one table that *statement* begins."""
    while isinstance(statement, dict) and statement:
        ((key, statement),) = statement.items()
        yield key


def _paths(values: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from _paths(value, (*above, key))
