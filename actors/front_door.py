"""Front doors: packages whose modules are imported when a name of theirs is first looked up (PEP 562).

Whoever imports one module passes through the front door of its package, and pays for no other.
"""

from __future__ import annotations

import sys
from collections import ChainMap
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def open_on_use(package: str, *modules: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` for *package*, which offers what its ``__all__`` names of its *modules*.

    The first look-up of such a name imports them all, and raises what that raises. From then on the names are found as
    in any other package.
    """
    door = vars(sys.modules[package])

    def look_up(name: str) -> Any:
        if name in modules:
            return import_module(f"{package}.{name}")
        if name in door["__all__"]:
            behind = ChainMap(*(vars(import_module(f"{package}.{module}")) for module in modules))
            for public in door["__all__"]:
                door.setdefault(public, behind[public])
            return door[name]
        raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])

    def names() -> list[str]:
        return sorted({*door, *door["__all__"]})

    return look_up, names
