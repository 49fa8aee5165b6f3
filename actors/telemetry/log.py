"""Events in the log: a handler that writes each event it is called with as one line."""

from __future__ import annotations

import logging
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

from actors.show import shown
from actors.telemetry.errors import InvalidHandlerError

if TYPE_CHECKING:
    from collections.abc import Mapping

PROBLEMS: Final = (
    "bus.*.exception",
    "queue.*.exception",
    "queue.requeue",
    "router.breaker",
    "router.give_up",
    "shared_memory.*.exception",
    "store.*.exception",
    "store.quarantine",
    "supervisor.restarted",
)
"""What an operator wants to read of: what failed, came back or was given up. A message that fares well tells none."""

LEVELS: Final = ("debug", "info", "warning", "error")

logger: Final = logging.getLogger("actors.telemetry")


class LogHandler:
    """A handler that logs: ``attach("log", PROBLEMS, LogHandler())``.

    Each record has the event's name as ``record.event``, its ``record.measurements`` and its ``record.metadata``.
    """

    def __init__(self, level: str = "warning", *, to: logging.Logger = logger) -> None:
        if level not in LEVELS:
            raise InvalidHandlerError(f"LogHandler: level is {level!r}; allowed are {', '.join(LEVELS)}")
        self._level = logging.getLevelNamesMapping()[level.upper()]
        self._to = to
        self._busy: set[int] = set()
        """The threads that are writing a line."""

    def __repr__(self) -> str:
        return f"<LogHandler to {self._to.name}: {logging.getLevelName(self._level)}>"

    def __call__(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        """Log one event, unless it is a part of logging another."""
        thread = get_ident()
        if thread in self._busy or not self._to.isEnabledFor(self._level):
            return
        told = {"event": name, "measurements": measurements, "metadata": metadata}
        self._busy.add(thread)
        try:
            self._to.log(self._level, "%s", _line(name, measurements, metadata), extra=told)
        finally:
            self._busy.remove(thread)


def _line(name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> str:
    """Return an event as a line.

    >>> _line("bus.deliver", {"dropped": 1, "latency_us": 2.25}, {"topic": "tea", "agent": None})
    "bus.deliver dropped=1 latency_us=2.2 topic='tea'"
    """
    numbers = [f"{key}={_number(key, value)}" for key, value in measurements.items()]
    texts = [f"{key}={shown(value)}" for key, value in metadata.items() if value is not None and key != "span"]
    return " ".join([name, *numbers, *texts])


def _number(key: str, value: float) -> str:
    """Return *value*: to a tenth if it is in microseconds, or else with all that one wants to read.

    >>> _number("latency_us", 2.25), _number("delivery_seconds", 0.0123456789), _number("count", 3)
    ('2.2', '0.01235', '3')
    """
    if not isinstance(value, float):
        return str(value)
    return f"{value:.1f}" if key.endswith("_us") else f"{value:.4g}"
