"""Trees of Python files to audit."""

from pathlib import Path

GOOD = "import os\n\ndef total(a):\n    return a or 0\n"
BAD = "def total(:\n"


def write(folder: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
