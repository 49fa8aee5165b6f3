"""The benchmark of agents measures, and prints what it found."""

import sys

import pytest

from tests.benchmarks import agents, rounds


@pytest.mark.slow
def test_it_measures_decisions_and_messages_beside_bare_serialisation() -> None:
    figures = rounds.measured([sys.executable, "-m", "tests.benchmarks.agents", "--json"])

    assert {name.partition(",")[0] for name in figures} >= set(agents.LIMITS)
    assert figures["message"] > figures["serialisation alone"] > 0
    assert figures["two checksums"] > 0
    assert f"{figures['message']:.2f}" in agents.table(figures)
