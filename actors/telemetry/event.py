"""Event: something that happens again and again, and that handlers can be told of."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from actors.telemetry.dispatch import define, give_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actors.telemetry.dispatch import Attachment

logger: Final = logging.getLogger("actors.telemetry")


class Event:
    """An event: its name, what it measures, and what else it tells. Made once, and known to `events` from then on.

    Whoever causes it does so where somebody listens: ``if SOLD.listeners: SOLD.emit({...}, {...})``.

    >>> SOLD = Event("docs.sold", "A till has sold something.", measurements=("cents",), metadata=("till",))
    >>> SOLD.emit({"cents": 250}, {"till": "left"})
    """

    __slots__ = ("about", "listeners", "measurements", "metadata", "name")

    def __init__(
        self, name: str, about: str, *, measurements: tuple[str, ...] = (), metadata: tuple[str, ...] = ()
    ) -> None:
        self.name = name
        self.about = about
        self.measurements = measurements
        """The names of its numbers."""
        self.metadata = metadata
        """The names of what else is told."""
        self.listeners: tuple[Attachment, ...] = ()
        """The handlers that are called with it."""
        define(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {len(self.listeners)} listeners>"

    def listen(self, listeners: tuple[Attachment, ...]) -> None:
        """Have *listeners* called, and nobody else."""
        self.listeners = listeners

    def emit(self, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        """Call the handlers, one after the other. One that raises is detached, and the others do not notice."""
        for attachment in self.listeners:
            try:
                attachment.handler(self.name, measurements, metadata)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 -- who is watched must not fail because of who watches
                _failed(attachment, self.name, error)


TELEMETRY_FAILURE: Final = Event(
    "telemetry.failure", "A handler raised, and was detached.", metadata=("handler_id", "event", "error")
)


def _failed(attachment: Attachment, name: str, error: BaseException) -> None:
    if give_up(attachment):
        logger.error("handler %r failed on %s, and was detached", attachment.id, name, exc_info=error)
        if TELEMETRY_FAILURE.listeners:
            TELEMETRY_FAILURE.emit({}, {"handler_id": attachment.id, "event": name, "error": error})
