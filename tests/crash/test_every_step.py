"""Debit here, credit there: a process is killed before and after each step, and the total is always the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_total_is_the_same_whichever_step_the_process_is_killed_at(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.crash.steps", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "examples")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.stderr == ""
    steps = [json.loads(line) for line in finished.stdout.splitlines()]
    assert {"call of Account.handle_cast", "return of Outbox.put", "c_return of a statement"} <= {
        step["place"] for step in steps
    }
    assert [step for step in steps if step["total"] != 1000] == []
    assert [step for step in steps if step["balances"] != [70, 130, *[100] * 8]] == []
