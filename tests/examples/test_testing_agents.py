"""The tests in examples/testing_agents, run as whoever copies them runs them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "testing_agents"


@pytest.mark.slow
def test_the_tests_of_the_example_pass_where_they_are_copied_to(tmp_path: Path) -> None:
    copied = shutil.copytree(FOLDER, tmp_path / "shop", ignore=shutil.ignore_patterns("__pycache__"))

    finished = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=copied,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "8 passed" in finished.stdout
