"""WakeUp: what tells a task that one of several subscriptions has something for it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from typing import TypeAlias

    WakeUp: TypeAlias = trio.MemorySendChannel[str]
    """A channel that ids of subscriptions are sent to; best with room for one, and shared by several."""


def post(wake_up: WakeUp | None, subscription_id: str) -> None:
    """Send *subscription_id* without waiting; a channel that is full wakes whoever looks at it all the same."""
    if wake_up is not None:
        with suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
            wake_up.send_nowait(subscription_id)
