"""The benchmark of shared notes measures what it says."""

from pathlib import Path

import pytest
import trio

from tests.benchmarks import shared_memory


@pytest.mark.slow
def test_it_measures_gets_and_puts_beside_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "TIMES", 1_000)

    costs = trio.run(shared_memory.in_memory)

    assert set(costs) == {"call", "put, new", "put", "get", "put, watched"}
    assert min(costs.values()) > 0


@pytest.mark.slow
def test_it_measures_puts_into_a_file_beside_bare_sqlite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shared_memory, "SECONDS", 0.2)
    monkeypatch.setattr(shared_memory, "WARM_SECONDS", 0.1)

    ours, bare = shared_memory.compared(4)

    assert min(ours, bare) > 0
