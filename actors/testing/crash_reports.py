"""Crash reports as a test sees them: as values, and not as noise in its output."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from actors.report import CrashReport, heard, logger

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener(logging.Handler):
    """A handler that has somebody listen, so that reports are made at all; it writes nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        """Leave *record* to the others."""


@contextmanager
def capture_crash_reports(*, quiet: bool = True) -> Iterator[list[CrashReport]]:
    """Gather the reports of the actors that crash in the block, of every system of the program, the oldest first.

    With *quiet* nobody else hears of these crashes: they are expected. All else is logged as always. Of two blocks
    the inner one gathers a report, and the outer one too unless the inner is quiet.

    Raises ``RuntimeError`` if `logging` is told to drop errors (``logging.disable``), since none are made then.
    """
    reports: list[CrashReport] = []

    def gather(record: logging.LogRecord) -> bool:
        report = getattr(record, "report", None)
        if not isinstance(report, CrashReport):
            return True
        reports.append(report)
        return not quiet

    listener, level, disabled = Listener(), logger.level, logger.disabled
    logger.addHandler(listener)
    logger.filters.insert(0, gather)  # ahead of those of the blocks around this one
    logger.disabled = False
    try:
        if not logger.isEnabledFor(logging.ERROR):
            logger.setLevel(logging.ERROR)
        if not heard(logger, logging.ERROR):
            raise RuntimeError(f"the logger {logger.name!r} is told by logging.disable to drop what it gets")
        yield reports
    finally:
        logger.setLevel(level)
        logger.disabled = disabled
        logger.filters.remove(gather)
        logger.removeHandler(listener)
