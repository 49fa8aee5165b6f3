"""What some commands need that others do without."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from actors.shell.terminal.command_line import USAGE, fail


def at_terminal() -> bool:
    """Tell whether a person types the input and sees the output; either may be closed."""
    return all(it is not None and it.isatty() for it in (sys.stdin, sys.stdout))


def need_prompt_toolkit(command: str) -> None:
    """Say so and exit if prompt-toolkit is not installed."""
    if find_spec("prompt_toolkit") is None:
        cure = "python -m pip install 'trio-actors[shell]'"
        fail(f"prompt-toolkit is not installed; `actors {command}` needs it: {cure}", USAGE)
