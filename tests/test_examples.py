"""Every example prints what the file beside it says."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
EXPECTED_OUTPUTS = sorted(EXAMPLES.glob("*.out"))


@pytest.mark.slow
@pytest.mark.parametrize("expected", EXPECTED_OUTPUTS, ids=lambda path: path.stem)
def test_prints_what_the_file_beside_it_says(expected: Path, tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-W", "error", expected.with_suffix(".py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    assert finished.stdout == expected.read_text(encoding="utf-8")


def test_there_are_examples() -> None:
    assert EXPECTED_OUTPUTS
