"""What happens to a message that finds a bounded mailbox full."""

from __future__ import annotations

from typing import Literal, TypeAlias

Overflow: TypeAlias = Literal["reject", "drop_newest", "drop_oldest", "wait"]
"""The four ways: its sender is refused, it is dropped, an older one is dropped for it, or its sender waits for room."""

Fate: TypeAlias = Literal["refuse", "drop_newest", "drop_oldest", "hold"]


def fate(overflow: Overflow, *, can_wait: bool) -> Fate:
    """Tell what becomes of a message; *can_wait* says whether its sender can be made to wait.

    >>> fate("wait", can_wait=True), fate("wait", can_wait=False)
    ('hold', 'refuse')
    """
    match overflow:
        case "reject":
            return "refuse"
        case "wait":
            return "hold" if can_wait else "refuse"
        case "drop_newest" | "drop_oldest":
            return overflow
