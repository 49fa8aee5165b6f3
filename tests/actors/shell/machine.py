"""A user's machine: programs that run in it as nodes, and commands that look at them, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

ACTORS = [sys.executable, "-W", "error", "-m", "supervision.command"]


@attrs.frozen
class Finished:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed, with single spaces."""
        return [" ".join(line.split()) for line in self.out.splitlines()]


@attrs.define
class Machine:
    """Where nodes are; whoever else has some on this computer, in another folder, is no part of it."""

    folder: Path
    pid: int | None = None
    """Of the node that runs, which commands look at unless they are told otherwise."""

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"TRIO_ACTORS_SOCKETS": f"{self.folder}/trio-actors"}

    def actors(self, *arguments: str) -> Finished:
        """Run a command to its end."""
        finished = subprocess.run(
            [*ACTORS, *arguments, *self._node(arguments)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=25,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout, finished.stderr)

    def _node(self, arguments: tuple[str, ...]) -> list[str]:
        named = {"--node", "--help", "nodes", "check"}.intersection(arguments)
        return [] if self.pid is None or named else ["--node", str(self.pid)]

    def told(self, *arguments: str) -> Any:
        """Return what a command prints as JSON."""
        finished = self.actors(*arguments, "--json")
        assert finished.status == 0, finished.err
        return json.loads(finished.out)

    @contextmanager
    def running(self, program: str, *arguments: str, name: str = "shop") -> Iterator[subprocess.Popen[str]]:
        """Run the tree of *program*, which says when it is open."""
        file = self.folder / f"{name}.py"
        file.write_text(program)
        process = subprocess.Popen(
            [*ACTORS, "run", f"{file}:tree", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = process.pid
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("open"), process.communicate()[1]
            yield process
        finally:
            self.pid = None
            process.kill()
            process.communicate()


@contextmanager
def new_machine() -> Iterator[Machine]:
    """Make a machine on which nothing runs."""
    with TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        yield Machine(Path(folder))
