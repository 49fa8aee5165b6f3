"""What the tests of the runtime stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors import ActorSystem, CrashReport, open_system
from actors.testing import capture_crash_reports
from tests.actors.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

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
def crash_reports() -> Iterator[Callable[[], list[CrashReport]]]:
    """Return what tells the crash reports logged so far."""
    with capture_crash_reports(quiet=False) as reports:
        yield reports.copy
