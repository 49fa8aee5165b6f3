"""The terminal of `actors shell`: a line is edited, completed, remembered, and given to the session."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

import click
from prompt_toolkit import PromptSession

from actors.shell.terminal.completing import ShellCompleter
from actors.shell.terminal.past import open_history
from actors.shell.terminal.session import WORDS, Ended, Signalled

if TYPE_CHECKING:
    from types import FrameType

    from actors.shell.terminal.session import Session

ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


def prompt(session: Session) -> None:
    """Do what is typed until `exit` or the end of the input."""
    lines: PromptSession[str] = PromptSession(
        history=open_history(lambda text: click.echo(f"actors: {text}", err=True)),
        completer=ShellCompleter(session.commands, WORDS, session.aim),
        complete_in_thread=True,
        complete_while_typing=False,
    )
    session.look()
    while True:
        for number in ENDING:
            signal.signal(number, _end)  # again and again: `top` leaves them as they are by default
        try:
            session.run(lines.prompt(f"{session.aim.name or 'actors'}> "))
        except KeyboardInterrupt:
            continue
        except (EOFError, Ended):
            return


def _end(number: int, _frame: FrameType | None) -> None:
    """End by way of an exception, so that the terminal is restored."""
    raise Signalled(128 + number)
