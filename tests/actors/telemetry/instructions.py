"""How many instructions an operation takes while nobody listens, with the looks for listeners and without them.

``python -m tests.actors.telemetry.instructions`` writes the table that docs/telemetry.md has. Two processes run under
callgrind at the same time, one of the packages as they are and one of a copy without looks, see `looks`.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import attrs

from tests.actors.telemetry import operations
from tests.actors.telemetry.looks import PACKAGES, copy_without_looks

MARK: Final = "getpgid"
"""Where counts begin and end: a function of C that nothing else here calls."""

ROOT: Final = Path(__file__).parents[3]

ALLOWED: Final = 0.05
"""The part of its instructions that an operation may take for looks."""


@attrs.frozen
class Cost:
    """Instructions of one operation, made once."""

    operation: str
    without: float
    looking: float

    @property
    def added(self) -> float:
        """The part that looks add."""
        return self.looking / self.without - 1

    def __str__(self) -> str:
        return f"| {self.operation} | {self.without:,.0f} | {self.looking:,.0f} | {self.added:+.1%} |".replace(
            "%", " %"
        )


def too_costly(costs: list[Cost]) -> list[str]:
    """Return rows of those that take more for looks than is allowed.

    >>> too_costly([Cost("cast", 7000, 7350), Cost("call", 10000, 10501)])
    ['| call | 10,000 | 10,501 | +5.0 % |']
    """
    return [str(cost) for cost in costs if cost.looking - cost.without > ALLOWED * cost.without]


def measure() -> list[Cost]:
    """Count the instructions of each operation."""
    _valgrind()
    with TemporaryDirectory() as folder:
        copy = Path(folder, "without")
        copy_without_looks(copy)
        compileall.compile_dir(copy, quiet=1)
        places = [PACKAGES[0].parent, copy]
        outs = [Path(folder, f"counts-{number}") for number in range(2)]
        with ExitStack() as stack:
            runs = [stack.enter_context(_begin(place, out)) for place, out in zip(places, outs, strict=True)]
            for run in runs:
                stack.callback(run.kill)
            looking, without = [_counts(run, out) for run, out in zip(runs, outs, strict=True)]
    return [
        Cost(name, without[number] / times, looking[number] / times)
        for number, (name, (_, times)) in enumerate(operations.OPERATIONS.items())
    ]


def _valgrind() -> str:
    found = shutil.which("valgrind")
    assert found is not None, "instructions are counted with valgrind, which is not installed: apt-get install valgrind"
    return found


def _begin(place: Path, out: Path) -> subprocess.Popen[str]:
    """Run the operations of the packages in *place* under callgrind; the files it writes have names like *out*."""
    tool = [_valgrind(), "--tool=callgrind", f"--dump-before={MARK}", f"--callgrind-out-file={out}"]
    program = [sys.executable, "-P", "-m", "tests.actors.telemetry.counted", str(place)]
    environment = os.environ | {"PYTHONPATH": f"{place}{os.pathsep}{ROOT}", "PYTHONHASHSEED": "0"}
    return subprocess.Popen([*tool, *program], env=environment, stderr=subprocess.PIPE, text=True)


def _counts(run: subprocess.Popen[str], out: Path) -> list[int]:
    """Wait for the end, and return what was counted in each operation, that is between every other two marks."""
    _, said = run.communicate()
    assert run.returncode == 0, said
    dumps = sorted(out.parent.glob(f"{out.name}.*"), key=lambda path: int(path.suffix[1:]))
    assert len(dumps) == 2 * len(operations.OPERATIONS)
    return [_total(path) for path in dumps[1::2]]


def _total(path: Path) -> int:
    found = re.search(r"^totals: (\d+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return int(found[1])


if __name__ == "__main__":
    sys.stdout.write("| | without | with | |\n|---|---|---|---|\n")
    sys.stdout.writelines(f"{cost}\n" for cost in measure())
