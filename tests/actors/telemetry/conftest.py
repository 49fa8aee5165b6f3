"""What the tests of telemetry stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.telemetry import attached
from tests.actors.telemetry.listener import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def listener() -> Iterator[Listener]:
    """Listen to everything, and fail if something is not as it is documented."""
    listener = Listener()
    with attached("**", listener):
        yield listener
    assert listener.strange == []
