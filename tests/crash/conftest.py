"""Settings for the tests that kill processes."""

collect_ignore = ["steps.py"]
"""A program: it is run with the examples on its path."""
