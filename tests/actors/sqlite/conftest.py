"""What the tests of databases stand on: a file, and each of the two ways to write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from actors import ActorSystem, open_system
from actors.sqlite import Database, Part, open_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOTES: Final = Part("notes", ("CREATE TABLE notes (id INTEGER PRIMARY KEY, text)",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file that is not there yet."""
    return tmp_path / "shop.db"


@pytest.fixture(params=["thread", "inline"])
def inline(request: pytest.FixtureRequest) -> bool:
    """Run the test with each kind of writer."""
    return bool(request.param == "inline")


@pytest.fixture
async def real_system() -> AsyncIterator[ActorSystem]:
    """Open a system on the real clock, beside which threads may work."""
    async with open_system() as system:
        yield system


@pytest.fixture
async def database(real_system: ActorSystem, path: Path, *, inline: bool) -> Database:
    """Open a database that has a table."""
    database = await open_database(real_system, path, inline=inline)
    await database.prepare(NOTES)
    return database
