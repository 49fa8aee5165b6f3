"""Starts the child processes of these tests."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent.parent.parent


def command(what: str, path: Path) -> list[str]:
    """Return how a child is started that does *what* to the database at *path*."""
    return [sys.executable, "-m", "tests.actors.sqlite.child", what, str(path)]


@contextmanager
def child(what: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a child for a block, and kill it at the end."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command(what, path), cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[str]) -> str:
    """Return the next line that the child writes."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def output_of(what: str, path: Path) -> list[str]:
    """Return what a child writes that is run to its end."""
    finished = subprocess.run(
        command(what, path), cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()
