"""The benchmark of durable puts measures, and prints what it found."""

import sys

import pytest

from tests.benchmarks import rounds


@pytest.mark.slow
@pytest.mark.parametrize("beside", ["idle", "busy"])
def test_it_measures_puts_beside_sqlite_alone(beside: str) -> None:
    figures = rounds.measured([sys.executable, "-m", "tests.benchmarks.workloads_disk", "8", beside, "0.1"])

    assert set(figures) == {"alone", "paced", "ours", "to alone", "to paced", "p50", "p99"}
    assert min(figures.values()) > 0
