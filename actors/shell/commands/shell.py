"""`shell`: all commands, one after the other."""

from __future__ import annotations

import io
import sys
from contextlib import suppress

import click

from actors.shell.client.aim import Aim
from actors.shell.terminal.command_line import INTERRUPTED, USAGE, examples, fail
from actors.shell.terminal.needed import at_terminal, need_prompt_toolkit
from actors.shell.terminal.session import Ended, Session


@click.command(epilog=examples("actors shell", "actors shell --node shop", "printf 'ps\\nqueue\\n' | actors shell"))
@click.option("--node", metavar="NAME", help="The node, with or without its number; not needed if one runs.")
@click.pass_context
def shell(context: click.Context, node: str | None) -> None:
    """Look at a running node with one command after the other.

    A line is a command of `actors`, quoted as in a POSIX shell. Tab completes commands, options, and actors' names.
    What is typed is kept for the next shell, in trio-actors/shell_history under XDG_STATE_HOME (~/.local/state), unless
    it begins with a space. No error ends the shell; Ctrl-C ends a command that takes long, exit or Ctrl-D the shell. A
    node that ends is looked for again, by its name, with the next command.

    Where the input is no terminal, its lines are the commands, and the exit status is that of the last one.
    """
    group = context.find_root().command
    assert isinstance(group, click.Group)
    session = Session(group, Aim(node))
    if at_terminal():
        need_prompt_toolkit("shell")
        from actors.shell.terminal.prompt import prompt  # noqa: PLC0415 -- prompt-toolkit takes a while to be imported

        prompt(session)
        return
    if sys.stdin is None:
        fail("shell needs an input; the one it was given is closed", USAGE)
    assert isinstance(sys.stdin, io.TextIOWrapper)
    # What is no text is told by the command that it is for, and ends nothing.
    sys.stdin.reconfigure(errors="surrogateescape")
    with suppress(Ended):
        for line in sys.stdin:
            session.run(line)
            if sys.stdout is not None:
                sys.stdout.flush()
            if session.status == INTERRUPTED:
                break
    sys.exit(session.status)
