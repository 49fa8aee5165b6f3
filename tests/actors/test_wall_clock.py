"""The time of day is that of the machine, unless the run of trio has a clock of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import trio

from actors.wall_clock import wall_clock

if TYPE_CHECKING:
    from trio.testing import MockClock


async def test_the_time_is_that_of_the_machine() -> None:
    assert wall_clock() is time.time


async def test_virtual_time_begins_now_and_passes_as_it_is_told(autojump_clock: MockClock) -> None:
    before = time.time()
    clock = wall_clock()
    begin = clock()

    await trio.sleep(86_400)

    assert before <= begin <= time.time()
    assert clock() - begin == pytest.approx(86_400)
