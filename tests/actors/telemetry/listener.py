"""Listener: a handler that notes what it is told, and insists that it is as the catalogue says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from actors.telemetry import events

if TYPE_CHECKING:
    from collections.abc import Mapping


class Told(NamedTuple):
    name: str
    measurements: Mapping[str, float]
    metadata: Mapping[str, Any]


class Listener:
    def __init__(self) -> None:
        self.told: list[Told] = []
        self.strange: list[Told] = []
        """What was told with other attributes than those that are documented."""
        self._documented = {event.name: event for event in events()}

    def __call__(self, name: str, measurements: Mapping[str, float], metadata: Mapping[str, Any]) -> None:
        told = Told(name, dict(measurements), dict(metadata))
        self.told.append(told)
        event = self._documented[name]
        numbers = all(isinstance(value, int | float) for value in measurements.values())
        if not numbers or set(measurements) != set(event.measurements) or set(metadata) != set(event.metadata):
            self.strange.append(told)

    @property
    def names(self) -> list[str]:
        return [told.name for told in self.told]

    def of(self, name: str) -> list[Told]:
        return [told for told in self.told if told.name == name]

    def one(self, name: str) -> Told:
        (told,) = self.of(name)
        return told
