"""Every command of the command line that this folder has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.shell.commands.ask import ask, offers
from actors.shell.commands.call_cast_send import call, cast, send
from actors.shell.commands.control import kill, restart, resume, state, stop, suspend, trace
from actors.shell.commands.dead_letters import dead_letters
from actors.shell.commands.log_and_waits import log, waits
from actors.shell.commands.memory import memory
from actors.shell.commands.nodes import nodes
from actors.shell.commands.ps import ps, stats
from actors.shell.commands.queue import queue
from actors.shell.commands.refs import refs
from actors.shell.commands.router import breakers, router
from actors.shell.commands.shell import shell
from actors.shell.commands.top import top
from actors.shell.commands.topics import topics
from actors.shell.commands.tree import tree

if TYPE_CHECKING:
    import click

SERVICES: Final[tuple[click.Command, ...]] = (breakers, memory, queue, refs, router, topics)
"""Those that look at a service."""

COMMANDS: Final[tuple[click.Command, ...]] = (
    ask,
    call,
    cast,
    dead_letters,
    kill,
    log,
    nodes,
    offers,
    ps,
    restart,
    resume,
    send,
    shell,
    state,
    stats,
    stop,
    suspend,
    top,
    trace,
    tree,
    waits,
    *SERVICES,
)
