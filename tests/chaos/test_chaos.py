"""Chaos: all services are used by many and killed a hundred times each, and nobody loses anything or waits in vain."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import trio

from actors import open_system
from tests.chaos.census import census_in_time, take_census
from tests.chaos.town import REST, SERVICES, Kind, Town

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

    from tests.chaos.census import Census

ROUNDS = 100


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


async def warmed_up() -> Census:
    """Return what there is beside what a system brings, some of which stays for the next."""
    async with open_system():
        pass
    return take_census()


async def endure(kind: Kind, *, delays: bool, rest: float) -> None:
    """Live through all rounds, and look at everything."""
    before = await warmed_up()
    async with open_system() as system, trio.open_nursery() as nursery:
        town = Town(system, kind)
        top = await town.open(nursery, delays=delays)
        begin = await town.census(top)

        await town.live(ROUNDS, rest)

        assert town.kills == dict.fromkeys(SERVICES, ROUNDS)
        assert await town.census(top, begin) == begin
        if delays:
            # A call that was answered stays in memory until its time is over, which takes 5 s of real time.
            assert town.incarnations.left() == 0
        await town.check()
        nursery.cancel_scope.cancel()
    assert await census_in_time(before) == before


@pytest.mark.slow
@pytest.mark.hang_seconds(240)
@pytest.mark.parametrize("late", [False, True], ids=["prompt", "late"])
@pytest.mark.parametrize("where", ["memory", "file"])
async def test_every_service_is_killed_100_times_and_nothing_is_lost_repeated_or_leaked(
    *, where: str, late: bool, tmp_path: Path, autojump_clock: MockClock
) -> None:
    """The tree is as it is delivered: between two rounds its services are up so long that they come back at once."""
    file = tmp_path / "town.db" if where == "file" else None

    await endure(Kind(file, late=late), delays=True, rest=REST)


@pytest.mark.slow
@pytest.mark.hang_seconds(240)
async def test_every_service_is_killed_100_times_while_a_thread_writes_their_file(tmp_path: Path) -> None:
    """In real time, so the services come back at once without having been up for a minute."""
    await endure(Kind(tmp_path / "town.db", inline=False), delays=False, rest=0.0)
