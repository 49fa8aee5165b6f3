"""The catalogue is what is told, and what the page says.

``python -m tests.actors.telemetry.test_catalogue`` rewrites the tables of the page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from actors.telemetry import ATTRIBUTES, TELEMETRY_FAILURE, Event, Span, catalogue
from tests.actors.telemetry.scenes import SCENES

if TYPE_CHECKING:
    from actors import ActorSystem
    from tests.actors.telemetry.listener import Listener

PAGE = Path(__file__).parents[3] / "docs" / "telemetry.md"

DEFINED = [value for value in vars(catalogue).values() if isinstance(value, Event | Span)]
SPANS = sorted((one for one in DEFINED if isinstance(one, Span)), key=lambda span: span.name)
EVENTS = sorted([*(one for one in DEFINED if isinstance(one, Event)), TELEMETRY_FAILURE], key=lambda event: event.name)
ALL = [*EVENTS, *(part for span in SPANS for part in (span.start, span.stop, span.exception))]

SPAN_TITLE = "| span | | tells | and when it stops |\n|---|---|---|---|\n"
EVENT_TITLE = "| event | | measures | tells |\n|---|---|---|---|\n"
ATTRIBUTE_TITLE = "| attribute | |\n|---|---|\n"
TABLES = {title: re.compile(re.escape(title) + r"(?:\|.*\n)*") for title in (SPAN_TITLE, EVENT_TITLE, ATTRIBUTE_TITLE)}
IN_EVERY_SPAN = {"span", "success", "timeout", "canceled", "latency_us"}


def quoted(names: tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names if name not in IN_EVERY_SPAN)


def row_of_span(span: Span) -> str:
    told = span.start.metadata
    noted = tuple(name for name in span.stop.metadata if name not in told)
    return f"| `{span.name}` | {span.about} | {quoted(told)} | {quoted(span.stop.measurements + noted)} |\n"


def row_of_event(event: Event) -> str:
    measured = " ".join(f"`{name}`" for name in event.measurements)
    return f"| `{event.name}` | {event.about} | {measured} | {quoted(event.metadata)} |\n"


def rewritten(text: str) -> str:
    rows = {
        SPAN_TITLE: map(row_of_span, SPANS),
        EVENT_TITLE: map(row_of_event, EVENTS),
        ATTRIBUTE_TITLE: (f"| `{name}` | {meaning} |\n" for name, meaning in sorted(ATTRIBUTES.items())),
    }
    for title, table in TABLES.items():
        text = table.sub((title + "".join(rows[title])).replace("\\", r"\\"), text)
    return text


def test_the_page_shows_the_catalogue_as_it_is() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [len(table.findall(text)) for table in TABLES.values()] == [1, 1, 1]
    assert rewritten(text) == text


def test_every_attribute_is_explained_and_used() -> None:
    used = {name for event in ALL for name in (*event.measurements, *event.metadata)}

    assert used == set(ATTRIBUTES)


@pytest.mark.parametrize("scene", SCENES)
async def test_every_event_happens_and_tells_what_the_catalogue_says(
    scene: str, system: ActorSystem, listener: Listener
) -> None:
    parts, play = SCENES[scene]

    await play(system)

    documented = {event.name for event in ALL if event.name.partition(".")[0] in parts}
    assert {name for name in listener.names if name.partition(".")[0] in parts} == documented


def test_only_spans_start_and_stop() -> None:
    assert [event.name for event in EVENTS if event.name.endswith((".start", ".stop", ".exception"))] == []


def test_the_scenes_are_of_all_parts() -> None:
    parts = {part for parts, _ in SCENES.values() for part in parts}

    assert parts == {event.name.partition(".")[0] for event in ALL}


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
