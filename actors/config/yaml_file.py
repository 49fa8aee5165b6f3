"""YAML files, with the line of each key; PyYAML, which reads them, is the extra ``yaml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.config.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

CURE: Final = "python -m pip install 'trio-actors[yaml]'"
DEPTH: Final = 5
"""No key of a configuration is deeper; what aliases make deeper, or endless, is not followed."""
MERGE: Final = "tag:yaml.org,2002:merge"


def read(text: str, name: str) -> tuple[Any, dict[tuple[str, ...], int]]:
    """Return what *text* says, and the line of each key. Raises `ConfigError`."""
    try:
        import yaml  # noqa: PLC0415 -- it is there only with the extra
    except ModuleNotFoundError as error:
        raise ConfigError([f"{name} is YAML, and PyYAML is not installed; the extra yaml brings it: {CURE}"]) from error
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None, {}
        lines: dict[tuple[str, ...], int] = {}
        for path, line in _lines(node, (), name):
            lines.setdefault(path, line)
        return loader.construct_document(node), lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = name if mark is None else f"{name}:{mark.line + 1}"
        raise ConfigError([f"{where} is no YAML: {error.problem or error.context}"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError([f"{name} is no YAML: {error}"]) from error


def _lines(node: Any, above: tuple[str, ...], name: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield each key below *node* and its line; what stands here comes before what is merged in.

    Raises `ConfigError` for a key that is there twice, of which YAML's parser would keep one.
    """
    if node.id != "mapping" or len(above) >= DEPTH:
        return
    seen: dict[str, int] = {}
    merged: list[Any] = []
    for key, value in node.value:
        if key.tag == MERGE:
            merged += value.value if value.id == "sequence" else [value]
            continue
        if key.id != "scalar":
            continue
        line = key.start_mark.line + 1
        if key.value in seen:
            dotted = ".".join((*above, key.value))
            raise ConfigError([f"{name}:{line}: {dotted} is there already, on line {seen[key.value]}"])
        seen[key.value] = line
        yield (*above, key.value), line
        yield from _lines(value, (*above, key.value), name)
    for other in merged:
        yield from ((path, line) for path, line in _lines(other, above, name) if len(above) < DEPTH)
