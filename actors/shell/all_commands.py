"""Every command of the command line that this folder has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.shell.asking import ask, offers
from actors.shell.control import kill, restart, resume, state, stop, suspend, trace
from actors.shell.history import log, waits
from actors.shell.letters import dead_letters
from actors.shell.looking import ps, stats
from actors.shell.nodes import nodes
from actors.shell.speaking import call, cast, send
from actors.shell.trees import tree

if TYPE_CHECKING:
    import click

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
    state,
    stats,
    stop,
    suspend,
    trace,
    tree,
    waits,
)
