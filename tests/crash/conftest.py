"""Settings for the tests that kill processes."""

import pytest

collect_ignore = ["steps.py"]
"""A program: it is run with the examples on its path."""

pytest.register_assert_rewrite("tests.crash.audit")
