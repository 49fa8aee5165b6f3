"""What the tests of the runtime stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from actors import ActorSystem, CrashReport, open_system
from tests.actors.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from trio.testing import MockClock


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Run the test with each kind of callbacks."""
    return KINDS[request.param]


@pytest.fixture
async def system(autojump_clock: MockClock) -> AsyncIterator[ActorSystem]:
    """Open a system, on a clock that jumps."""
    async with open_system() as system:
        yield system


@pytest.fixture
def crash_reports(caplog: pytest.LogCaptureFixture) -> Callable[[], list[CrashReport]]:
    """Return what gathers the crash reports logged so far."""

    def gather() -> list[CrashReport]:
        reports: list[Any] = [getattr(record, "report", None) for record in caplog.records]
        return [report for report in reports if isinstance(report, CrashReport)]

    return gather
