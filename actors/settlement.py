"""Messages that settle: whoever sent one is told, once, what became of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from actors.show import shown

if TYPE_CHECKING:
    from actors.exit import ExitReason
    from actors.mailbox import MailboxFull

logger: Final = logging.getLogger("actors")


@attrs.frozen
class Handled:
    """The handler has returned."""


@attrs.frozen
class Failed:
    """The actor ended while it handled the message, perhaps because of it; part of the work may be done."""

    reason: ExitReason


@attrs.frozen
class Lost:
    """No handler has seen the message: the actor ended before, or dropped it."""

    reason: ExitReason | MailboxFull


Outcome: TypeAlias = Handled | Failed | Lost

Settle: TypeAlias = Callable[[Outcome], object]


class Delivery:
    """A message for `handle_cast` that settles."""

    __slots__ = ("_settle", "message")

    def __init__(self, message: object, settle: Settle) -> None:
        self.message = message
        self._settle: Settle | None = settle

    def settle(self, outcome: Outcome) -> None:
        """Tell what became of the message; only the first time counts."""
        settle, self._settle = self._settle, None
        if settle is None:
            return
        try:
            settle(outcome)
        except Exception:
            logger.exception("settling %s as %s failed", shown(self.message), outcome)
