"""`actors run`: a tree as a program of its own."""

from __future__ import annotations

import importlib
import inspect
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Final, NoReturn

import click

from actors.config import ConfigError
from actors.shell.terminal.command_line import USAGE
from supervision.configuration import load_configuration
from supervision.configuration.command import refuse_configuration
from supervision.errors import ChildStartError, TreeGaveUpError
from supervision.launcher import launch
from supervision.program import Program, ProgramError

if TYPE_CHECKING:
    from types import TracebackType

logger: Final = logging.getLogger("supervision")

LOG_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

IMPORTERS: Final = frozenset({inspect.getfile(Program), importlib.__file__})

GAVE_UP: Final = 1
INTERRUPTED: Final = 130


def run_program(program: str, arguments: tuple[str, ...], *, listen: bool, **options: str | None) -> None:
    """Run the tree that *program* names until it ends or is asked to stop, and exit unless the status is 0."""
    try:
        named = Program.parse(program)
        log_to(options["log_file"], options["log_level"] or "warning")
        sys.argv = [named.file, *arguments]
        config = None if options["config"] is None else load_configuration(options["config"])
        tree = named.load()
    except ConfigError as error:
        refuse_configuration(error)
    except ProgramError as error:
        _refuse(error)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    try:
        launch(tree, name=options["name"], listen=listen, config=config)
    except TreeGaveUpError as error:
        logger.critical("%s", error)
        sys.exit(GAVE_UP)
    except ConfigError as error:
        refuse_configuration(error)
    except Exception as error:
        logger.critical("%s did not start: %s", program, error, exc_info=not isinstance(error, ChildStartError))
        sys.exit(GAVE_UP)


def log_to(file: str | None, level: str) -> None:
    """Have everything logged from *level* on, to *file* if there is one. Raises `ProgramError`."""
    try:
        logging.basicConfig(filename=file, format=LOG_FORMAT, level=level.upper())
    except OSError as error:
        raise ProgramError(f"--log-file {file}: {error.strerror}") from error


def _refuse(error: ProgramError) -> NoReturn:
    """Say what is wrong with FILE:TREE, with the program's own traceback if it has one, and exit."""
    cause = error.__cause__
    if cause is not None:
        shown = traceback.format_exception(type(cause), cause, own_frames(cause.__traceback__))
        click.echo("".join(shown), err=True, nl=False)
    click.echo(f"actors: {error}", err=True)
    sys.exit(USAGE)


def own_frames(frames: TracebackType | None) -> TracebackType | None:
    """Return *frames* from the first on that is the program's, after those of whoever imported or called it."""
    while frames is not None:
        file = frames.tb_frame.f_code.co_filename
        if file not in IMPORTERS and not file.startswith("<frozen importlib"):
            return frames
        frames = frames.tb_next
    return None
