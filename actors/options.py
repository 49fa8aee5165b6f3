"""How a process is started, apart from what its actor is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from actors.registry import Names


@attrs.frozen
class StartOptions:
    """The options that `ActorSystem.start` and `Actor.start_link` document."""

    name: str | None
    via: Names | None
    init_timeout: float
    shutdown: float | Literal["brutal_kill"] | None
