"""Whether a report is worth making."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from actors import heard

if TYPE_CHECKING:
    import pytest


def lonely(name: str) -> logging.Logger:
    logger = logging.Logger(name)  # noqa: LOG001 -- one that no other test can reach
    logger.propagate = False
    return logger


def test_a_level_that_is_switched_off_is_not_heard() -> None:
    logger = lonely("off")
    logger.addHandler(logging.StreamHandler())
    logger.setLevel(logging.ERROR)

    assert heard(logger, logging.ERROR)
    assert not heard(logger, logging.INFO)


def test_a_logger_whose_only_handler_throws_everything_away_is_not_heard() -> None:
    logger = lonely("null")
    logger.addHandler(logging.NullHandler())

    assert not heard(logger, logging.CRITICAL)


def test_a_logger_without_handlers_is_heard_on_stderr_from_warnings_up(monkeypatch: pytest.MonkeyPatch) -> None:
    logger = lonely("bare")

    assert heard(logger, logging.WARNING)
    assert not heard(logger, logging.INFO)
    monkeypatch.setattr(logging, "lastResort", None)
    assert not heard(logger, logging.WARNING)


def test_a_handler_further_up_hears_unless_propagation_is_off() -> None:
    parent, child = lonely("parent"), lonely("child")
    child.propagate = True
    parent.addHandler(logging.StreamHandler())
    child.addHandler(logging.NullHandler())
    child.parent = parent

    assert heard(child, logging.ERROR)
    child.propagate = False
    assert not heard(child, logging.ERROR)
