"""Events as lines of the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from actors.telemetry import MESSAGES, Event, InvalidHandlerError, attached
from actors.telemetry.log import PROBLEMS, LogHandler
from supervision import ChildSpec, Supervisor, SupervisorSpec, which_children
from tests.actors.telemetry.scenes import Till

if TYPE_CHECKING:
    from actors import ActorSystem

RUNG = Event("test.rung", "A till rings.", measurements=("cents", "latency_us"), metadata=("till", "clerk"))


def test_an_event_is_a_line_with_all_that_it_tells(caplog: pytest.LogCaptureFixture) -> None:
    with attached("test.rung", LogHandler()):
        RUNG.emit({"cents": 5, "latency_us": 1.25}, {"till": "left\n", "clerk": None})

    (record,) = caplog.records
    assert record.getMessage() == r"test.rung cents=5 latency_us=1.2 till='left\n'"
    assert (record.levelname, record.event, record.measurements["cents"]) == ("WARNING", "test.rung", 5)  # type: ignore[attr-defined]


def test_a_level_that_is_not_logged_costs_no_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "actors.telemetry")

    with attached("test.rung", LogHandler("debug")):
        RUNG.emit({}, {})

    assert caplog.records == []


class Telling(logging.Handler):
    """Tells of each line that it writes."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        RUNG.emit({"cents": len(self.lines)}, {})


def test_a_log_that_tells_of_what_it_writes_is_not_logged_without_end() -> None:
    telling, log = Telling(), logging.getLogger("tests.shop")
    log.addHandler(telling)
    try:
        with attached("test.rung", LogHandler(to=log)) as handler_id:
            RUNG.emit({"cents": 5}, {})
            RUNG.emit({"cents": 0.00256}, {})
            assert [one.id for one in RUNG.listeners] == [handler_id]
    finally:
        log.removeHandler(telling)

    assert telling.lines == ["test.rung cents=5", "test.rung cents=0.00256"]


async def test_the_problems_are_logged_and_cost_no_message_anything(
    system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    with attached(PROBLEMS, LogHandler()):
        shop = await system.start(Supervisor, SupervisorSpec([ChildSpec("till", Till, name="till")]))
        system.named("till").kill()
        await which_children(shop)
        carried = MESSAGES.listened_to

    lines = [record.getMessage() for record in caplog.records if record.name == "actors.telemetry"]
    assert [line.split()[0] for line in lines] == ["supervisor.restarted"]
    assert "child='till'" in lines[0]
    assert carried is False


def test_a_level_is_one_of_the_log() -> None:
    with pytest.raises(InvalidHandlerError, match="level is 'loud'; allowed are debug, info, warning, error"):
        LogHandler("loud")
