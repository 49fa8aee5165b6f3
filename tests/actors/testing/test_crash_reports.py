import logging

import pytest

from actors import ActorExitedError, ActorSystem
from actors.report import logger
from actors.testing import capture_crash_reports
from tests.actors.testing.desk import Desk


async def crash_a_desk(system: ActorSystem, text: str = "odd") -> None:
    desk = await system.start(Desk, name="desk")
    with pytest.raises(ActorExitedError):
        await desk.call(ValueError(text))


async def test_gathers_the_reports_of_the_block(system: ActorSystem) -> None:
    with capture_crash_reports() as reports:
        await crash_a_desk(system)

    [report] = reports
    assert str(report.reason) == "ValueError: odd"
    assert report.state == {"sum": 0, "to": None}
    assert report.caller_stack


async def test_an_expected_crash_is_not_logged(system: ActorSystem, caplog: pytest.LogCaptureFixture) -> None:
    with capture_crash_reports():
        await crash_a_desk(system)
        logger.warning("something else")

    assert [record.getMessage() for record in caplog.records] == ["something else"]


async def test_a_crash_is_logged_too_if_it_is_not_to_be_quiet(
    system: ActorSystem, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_crash_reports(quiet=False) as reports:
        await crash_a_desk(system)

    assert len(reports) == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]


async def test_the_inner_block_gathers_first(system: ActorSystem) -> None:
    with capture_crash_reports() as outer:
        with capture_crash_reports() as inner:
            await crash_a_desk(system, "first")
        with capture_crash_reports(quiet=False) as loud:
            await crash_a_desk(system, "second")

    assert [str(report.reason) for report in inner] == ["ValueError: first"]
    assert [str(report.reason) for report in outer] == ["ValueError: second"]
    assert len(loud) == 1


async def test_gathers_whatever_the_logger_was_told(system: ActorSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logger, "level", logging.CRITICAL + 1)
    monkeypatch.setattr(logger, "disabled", True)
    logger.manager._clear_cache()  # type: ignore[attr-defined]

    with capture_crash_reports() as reports:
        await crash_a_desk(system)

    assert len(reports) == 1
    assert (logger.level, logger.disabled) == (logging.CRITICAL + 1, True)


def test_says_so_when_logging_drops_errors() -> None:
    logging.disable(logging.CRITICAL)
    try:
        with pytest.raises(RuntimeError, match=r"logging\.disable"), capture_crash_reports():
            raise AssertionError("the block must not begin")
    finally:
        logging.disable(logging.NOTSET)


def test_leaves_the_logger_as_it_was() -> None:
    before = (list(logger.filters), list(logger.handlers), logger.level, logger.disabled)

    with pytest.raises(KeyError), capture_crash_reports():
        raise KeyError

    assert (list(logger.filters), list(logger.handlers), logger.level, logger.disabled) == before
