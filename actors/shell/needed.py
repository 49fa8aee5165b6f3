"""What some commands need that others do without."""

from __future__ import annotations

from importlib.util import find_spec

from actors.shell.commands import USAGE, fail


def need_prompt_toolkit(command: str) -> None:
    """Say so and exit if prompt-toolkit is not installed."""
    if find_spec("prompt_toolkit") is None:
        cure = "python -m pip install 'trio-actors[shell]'"
        fail(f"prompt-toolkit is not installed; `actors {command}` needs it: {cure}", USAGE)
