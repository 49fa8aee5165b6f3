"""Every command of the command line that this folder has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.shell.asking import ask, offers
from actors.shell.interactive import shell
from actors.shell.looking import ps, stats
from actors.shell.notes import memory
from actors.shell.queueing import queue
from actors.shell.refs import refs
from actors.shell.routing import breakers, router
from actors.shell.top import top
from actors.shell.topics import topics

if TYPE_CHECKING:
    import click

SERVICES: Final[tuple[click.Command, ...]] = (breakers, memory, queue, refs, router, topics)
"""Those that look at a service."""

COMMANDS: Final[tuple[click.Command, ...]] = (ask, offers, ps, shell, stats, top, *SERVICES)
