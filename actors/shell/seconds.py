"""How long a command may wait for an actor, as its client says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from actors.shell.errors import CommandError
from actors.show import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SECONDS: Final = 5.0
MOST_SECONDS: Final = 3600.0


def seconds_in(arguments: Mapping[str, Any]) -> float:
    """Return the argument ``timeout``. Raises `CommandError` if it is no number of seconds of an hour at most."""
    seconds = arguments.get("timeout", DEFAULT_SECONDS)
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds <= MOST_SECONDS:
        raise CommandError(f"a timeout is more than 0 and at most {MOST_SECONDS:g} seconds; got {shown(seconds)}")
    return float(seconds)
