"""What the tests of the test kit share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors import ActorSystem, open_system

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock


@pytest.fixture
async def system(autojump_clock: MockClock) -> AsyncIterator[ActorSystem]:
    """Open a system, on a clock that jumps."""
    async with open_system() as system:
        yield system
