"""The benchmark of the topic bus measures, and prints what it found."""

import pytest

from tests.benchmarks import rounds, topics


@pytest.mark.slow
def test_it_measures_deliveries_beside_bare_casts() -> None:
    figures = rounds.measured(topics.command(["fan_out", "100"]))

    assert set(figures) == {"per_second", "casts", "ratio"}
    assert min(figures.values()) > 0


@pytest.mark.slow
def test_it_measures_publishing_beside_subscriptions_that_do_not_match() -> None:
    figures = rounds.measured(topics.command(["beside", "10", "globs"]))

    assert set(figures) == {"known", "anew"}
    assert min(figures.values()) > 0
