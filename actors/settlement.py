"""Messages that settle: whoever sent one is told, once, what became of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from actors.show import shown

if TYPE_CHECKING:
    from actors.exit import ExitReason
    from actors.mailbox import MailboxFull
    from actors.telemetry import SpanContext

logger: Final = logging.getLogger("actors")


@attrs.frozen
class Handled:
    """The handler has returned, also `Continue` or `Stop`."""


HANDLED: Final = Handled()


@attrs.frozen
class Failed:
    """The actor ended while it handled the message, perhaps because of it; part of the work may be done."""

    reason: ExitReason


@attrs.frozen
class Lost:
    """No handler is done with the message: the actor ended before or had set it aside, or its mailbox dropped it."""

    reason: ExitReason | MailboxFull


Outcome: TypeAlias = Handled | Failed | Lost

Settle: TypeAlias = Callable[[Outcome], object]


class Delivery:
    """A message for `handle_cast` that settles."""

    __slots__ = ("_settle", "message", "origin", "span")

    message: object
    origin: object
    """What its sender keeps of it, for a receiver that has to know."""
    span: SpanContext | None
    """What it was sent in, if somebody listened."""
    _settle: Settle | None

    def settle(self, outcome: Outcome) -> None:
        """Tell what became of the message; only the first time counts."""
        settle, self._settle = self._settle, None
        if settle is None:
            return
        try:
            result = settle(outcome)
        except BaseException as error:  # noqa: BLE001 -- it runs between two messages of somebody else
            _complain(self.message, outcome, error)
        else:
            if isinstance(result, CoroutineType):
                result.close()
                _complain(self.message, outcome, TypeError("settle must be def; it was async def, and did nothing"))


def delivery_of(message: object, settle: Settle, origin: object = None) -> Delivery:
    """Return *message* as one that settles."""
    delivery = Delivery()
    delivery.message = message
    delivery.origin = origin
    delivery._settle = settle  # noqa: SLF001 -- made here only
    return delivery


def _complain(message: object, outcome: Outcome, error: BaseException) -> None:
    logger.error("settling %s as %s failed", shown(message), shown(outcome), exc_info=error)
