"""The last resort when a test hangs the event loop, or the whole interpreter: stop, and tell where it was.

The file ``build/running_test`` names the test that is running, and is there only meanwhile. A test that takes longer
than `SECONDS` ends the run, and every thread's stack is in the file; `make test` prints it.
"""

import faulthandler
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

SECONDS = 150.0
"""How long any test may take in real time."""


class LastResort:
    """Keeps the file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        self._path = path

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Have the file while tests run."""
        with self._path.open("w") as self._file:
            try:
                return (yield)
            finally:
                self._path.unlink(missing_ok=True)  # another run may share it

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Name the test, and watch it."""
        with watched(item.nodeid, self._file):
            return (yield)


@contextmanager
def watched(name: str, file: IO[str]) -> Iterator[None]:
    """Have *file* begin with *name*, followed by all stacks if the block takes too long; then the process ends."""
    file.seek(0)
    file.truncate()
    file.write(f"{name}\n")
    file.flush()
    faulthandler.dump_traceback_later(SECONDS, exit=True, file=file)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_configure(config: pytest.Config) -> None:
    """Watch every test."""
    config.pluginmanager.register(LastResort(config.rootpath / "build" / "running_test"))
