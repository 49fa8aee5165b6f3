"""A bank that is killed with SIGKILL again and again, and run again, comes to what one that was left alone comes to."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

BANK = Path(__file__).parents[3] / "examples" / "bank.py"
TRANSFERS = 1_500


def run(file: Path, seconds: float | None = None) -> str:
    """Run the bank, at most so long; return what it printed, which is nothing if it was killed."""
    program = subprocess.Popen(
        [sys.executable, "-W", "error", str(BANK), str(file), str(TRANSFERS)], stdout=subprocess.PIPE, text=True
    )
    try:
        return program.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        program.send_signal(signal.SIGKILL)
        program.communicate()
        return ""


@pytest.mark.slow
@pytest.mark.hang_seconds(120)
def test_every_transfer_is_applied_once_however_often_the_process_is_killed(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 -- the same moments in every run
    expected = run(tmp_path / "calm.db")

    kills = sum(not run(tmp_path / "killed.db", chance.uniform(0.15, 0.6)) for _ in range(12))
    found = run(tmp_path / "killed.db")

    assert kills >= 3
    assert "1000 in 10 accounts" in expected
    assert found == expected
    with closing(sqlite3.connect(tmp_path / "killed.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM delivery_messages").fetchone() == (0,)
