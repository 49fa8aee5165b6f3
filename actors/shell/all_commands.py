"""Every command of the command line that this folder has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.shell.asking import ask, offers
from actors.shell.looking import ps, stats

if TYPE_CHECKING:
    import click

COMMANDS: Final[tuple[click.Command, ...]] = (ask, offers, ps, stats)
