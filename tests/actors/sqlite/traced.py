"""What a child process asks the operating system to write and to synchronise, as strace tells it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.actors.sqlite.children import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


def traced_calls(command: Sequence[str], out: Path) -> list[str]:
    """Run *command*, and return the calls that it and its threads have made, in their order."""
    program = shutil.which("strace")
    assert program is not None, "this test counts what reaches the disk with strace, which is not installed"
    strace = [program, "-f", "-y", "-e", "trace=write,pwrite64,fsync,fdatasync", "-o", str(out)]
    finished = subprocess.run([*strace, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return out.read_text(encoding="utf-8").splitlines()


def log_between(calls: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what the child called each piece of work, and what happened to the log from its begin to its end.

    That is one letter for each call: ``w`` for a write, ``s`` for a synchronisation, ``?`` for one that has failed,
    and ``.`` for what happened to another file between those.
    """
    name, letters = "", ""
    for call in calls:
        if (said := re.search(r'"(begin|end) (.+)\\n"', call)) is None:
            letters += _letter_of(call)
        elif said[1] == "begin":
            name, letters = said[2], ""
        else:
            assert said[2] == name
            yield name, letters.strip(".")


def _letter_of(call: str) -> str:
    if "-wal>" not in call:
        return "."
    if "pwrite64" in call:
        return "w"
    return "s" if call.endswith("= 0") else "?"
