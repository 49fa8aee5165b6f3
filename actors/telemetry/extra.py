"""The extra ``telemetry``: the libraries that only some handlers need, loaded when these are asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Literal, TypeAlias

from actors.telemetry.errors import MissingExtraError

Part: TypeAlias = Literal["prometheus", "opentelemetry"]

LIBRARIES: Final[dict[Part, dict[str, str]]] = {
    "prometheus": {"prometheus_client": "prometheus-client", "h11": "h11"},
    "opentelemetry": {"opentelemetry": "opentelemetry-api"},
}
"""What each needs, by the names of modules, and what these are called where they are installed from."""

CURE: Final = "python -m pip install 'trio-actors[telemetry]'"


def missing(part: Part) -> str:
    """Return what is missing for *part*, and how to get it; empty if nothing is."""
    absent = [name for module, name in LIBRARIES[part].items() if find_spec(module) is None]
    if not absent:
        return ""
    verb = "is" if len(absent) == 1 else "are"
    return f"{' and '.join(absent)} {verb} not installed; the extra telemetry brings what it takes: {CURE}"


def load(part: Part, module: str) -> Any:
    """Return *module*, which is there only with the extra. Raises `MissingExtraError`."""
    if why := missing(part):
        raise MissingExtraError(f"telemetry for {part}: {why}")
    return import_module(module)
