"""Settings that hold for every test."""

import hypothesis

pytest_plugins = ["tests.trio_runner"]

collect_ignore = ["typing", "benchmarks"]
"""Checked by mypy, or run by hand."""

# The same examples in every run: a property that fails now and then is a test nobody believes.
# `--hypothesis-profile=search` looks for new ones.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("search", max_examples=2_000, deadline=None)
hypothesis.settings.load_profile("suite")
