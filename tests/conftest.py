"""Settings that hold for every test."""

import gc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest

pytest_plugins = ["tests.trio_runner", "tests.last_resort"]

collect_ignore = ["typing", "benchmarks"]
"""Checked by mypy, or run by hand."""

# The same examples in every run: a property that fails now and then is a test nobody believes.
# `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("search", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """Have no collection of garbage look through the tests themselves."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Have none look through what is kept of the tests that were run, which grows with every test."""
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        gc.freeze()


@pytest.fixture
def runtime_directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Be a user without nodes; the path is short, since the address of a socket has to be."""
    with TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("TRIO_ACTORS_SOCKETS", f"{folder}/trio-actors")
        yield Path(folder)
