"""Output: how wide a line is that commands print, and in which style."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Final

import click

WIDTH: Final = 200
"""Columns where there is no terminal."""

PLAIN_TERMINALS: Final = frozenset({"dumb", "unknown"})

STYLE: Final = "\x1b[{}m{}\x1b[0m"


def columns() -> int:
    """Return how many cells a line has."""
    on_terminal = sys.stdout is not None and sys.stdout.isatty()
    return shutil.get_terminal_size().columns if on_terminal else WIDTH


def show(*lines: str) -> None:
    """Print *lines*, without any style where there is no terminal that has one."""
    has_none = os.environ.get("TERM", "").lower() in PLAIN_TERMINALS
    click.echo("\n".join(lines), color=False if has_none else None)


def bold(text: str) -> str:
    """Return *text* as `show` prints it bold."""
    return STYLE.format(1, text)


def dim(text: str) -> str:
    """Return *text* as `show` prints it dim."""
    return STYLE.format(2, text)
