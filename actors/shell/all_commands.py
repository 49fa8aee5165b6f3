"""Every command of the command line that this folder has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.shell.asking import ask, offers
from actors.shell.control import kill, restart, resume, state, stop, suspend, trace
from actors.shell.history import log, waits
from actors.shell.interactive import shell
from actors.shell.letters import dead_letters
from actors.shell.looking import ps, stats
from actors.shell.nodes import nodes
from actors.shell.notes import memory
from actors.shell.queueing import queue
from actors.shell.refs import refs
from actors.shell.routing import breakers, router
from actors.shell.speaking import call, cast, send
from actors.shell.top import top
from actors.shell.topics import topics
from actors.shell.trees import tree

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
