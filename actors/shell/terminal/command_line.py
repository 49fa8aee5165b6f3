"""The command line `actors`, and what its commands have in common: options, connections, output, exit statuses."""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from actors.shell.client.connection import DEFAULT_SECONDS, Connection, find_node
from actors.shell.errors import SeveralNodesError, ShellError
from actors.shell.seconds import DEFAULT_SECONDS as ACTOR_SECONDS
from actors.shell.seconds import MOST_SECONDS
from actors.shell.terminal.phrases import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

USAGE: Final = 2
"""The exit status when it was not said clearly what is wanted."""

INTERRUPTED: Final = 130
"""The exit status after Ctrl-C."""

UNREAD: Final = 141
"""The exit status when nobody reads what is printed any more, as in `actors ps | head -1`."""

OF_OUTPUT: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG})
"""What may be wrong with an output that takes nothing more."""


class Seconds(click.FloatRange):
    """A range of times."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is no number, too, which no comparison does."""
        converted = super().convert(value, param, ctx)
        if math.isnan(converted):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return converted


SECONDS: Final = Seconds(min=0, max=MOST_SECONDS, min_open=True)
"""More than no time, and an hour at most."""


def examples(*lines: str) -> str:
    """Return what stands at the end of a command's help."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


class Unwritable(Exception):  # noqa: N818 -- what is wrong is with the output, whatever was to be printed
    """What is printed is not taken any more."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"what it prints cannot be written: {error.strerror}")
        self.unread = error.errno == errno.EPIPE
        """Whether nobody reads it, which is nobody's fault."""


class Commands(click.Group):
    """The commands, which end in their own way where click would end with the status of a failure."""

    def invoke(self, ctx: click.Context) -> Any:
        """Do what the command line says. Raises `Unwritable`."""
        try:
            result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()
        except OSError as error:
            if error.errno in OF_OUTPUT:
                raise Unwritable(error) from error
            raise
        return result


class WithDefault(click.Group):
    """A group one of whose commands is meant where none is named: the first."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Put the name of the first command before options that follow none."""
        helps = set(context.help_option_names)
        if not args or (args[0].startswith("-") and args[0] not in helps):
            args = [next(iter(self.commands)), *args]
        return super().parse_args(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the commands in the order in which they were made."""
        return list(self.commands)


@click.group(
    cls=Commands,
    epilog=examples(
        "actors run shop.py:tree    run the tree that shop.py describes",
        "actors ps                  list the actors of the node that runs",
        "actors stats till          show all that is known of one",
        "actors config show         show the configuration of the services, and where it comes from",
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="trio-actors", prog_name="actors", message="%(prog)s %(version)s")
def commands() -> None:
    """Run supervised actors, and look at those that run."""


def which_node(command: F) -> F:
    """Give *command* the options that all have which ask a node."""
    node = click.option("--node", metavar="NAME", help="The node, with or without its number; not needed if one runs.")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    seconds = click.option(
        "--seconds",
        type=SECONDS,
        default=DEFAULT_SECONDS,
        show_default=True,
        help="Wait so long for the node.",
    )
    return node(as_json(seconds(command)))


def of_actor(command: F) -> F:
    """Give *command* the name of an actor, and the options that all have which ask a node."""
    return click.argument("name")(which_node(command))


def within(command: F) -> F:
    """Give *command* the option of how long the actor may take."""
    return click.option(
        "--timeout",
        type=SECONDS,
        default=ACTOR_SECONDS,
        show_default=True,
        help="Wait so many seconds for the actor.",
    )(command)


def connect(node: str | None, seconds: float) -> Connection:
    """Connect to the node that is meant."""
    return Connection(*find_node(node), seconds)


def print_json(value: Mapping[str, Any]) -> None:
    """Print *value* for programs: each member on a line of its own, and each item of a list."""
    members = ",\n".join(f"  {json_line(name)}: {_member(item)}" for name, item in value.items())
    click.echo(f"{{\n{members}\n}}")


def _member(value: object) -> str:
    if not isinstance(value, list) or not value:
        return json_line(value)
    # Not by json's own indentation, which takes five times as long for 10,000 actors.
    items = ",\n".join(f"    {json_line(item)}" for item in value)
    return f"[\n{items}\n  ]"


def json_line(value: object) -> str:
    """Return *value* as one line of JSON."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value))


def _finite(value: Any) -> Any:
    """Return *value* with infinity, and what is no number, as words, since JSON has no numbers for them."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return "nan" if math.isnan(value) else "infinity" if value > 0 else "-infinity"


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table for people: a column for each key of the rows, those of numbers to the right."""
    if rows:
        from actors.shell.terminal.tables import show_rows  # noqa: PLC0415 -- programs read JSON

        show_rows(rows)


def say_error(text: str, choices: Sequence[str] = ()) -> None:
    """Say what is wrong in one line of stderr, and what there is instead in one line each."""
    click.echo("\n  ".join(printable(it) for it in (f"actors: {text}", *choices)), err=True)


def fail(text: str, status: int = 1, choices: Sequence[str] = ()) -> NoReturn:
    """Say what is wrong, as `say_error` does, and exit."""
    say_error(text, choices)
    sys.exit(status)


def show_misuse(error: click.ClickException) -> int:
    """Say how a command was not used as it is meant to be; return the exit status."""
    error.show()
    if isinstance(error, click.NoSuchOption) and any(isinstance(it, click.Argument) for it in _parameters(error)):
        click.echo("What begins with - and is no option comes after --, as the last words.", err=True)
    return error.exit_code


def _parameters(error: click.UsageError) -> Sequence[click.Parameter]:
    return () if error.ctx is None else error.ctx.command.params


def run_commands(*others: click.Command) -> NoReturn:
    """Do what the command line says, with *others* among the commands, and exit."""
    for command in others:
        commands.add_command(command)
    try:
        status = _run()
    except Unwritable as error:
        _forget_output()
        if not error.unread:
            fail(str(error))
        status = UNREAD
    sys.exit(status)


def _run() -> int:
    """Do what the command line says, and return the exit status."""
    try:
        result = commands.main(prog_name="actors", standalone_mode=False)
    except click.ClickException as error:
        return show_misuse(error)
    except click.Abort:
        return INTERRUPTED
    except SeveralNodesError as error:
        fail(f"{error} with --node:", USAGE, error.names)
    except ShellError as error:
        fail(str(error))
    # Those that end by an exit of click's, such as --help, return its status.
    return result if isinstance(result, int) else 0


def _forget_output() -> None:
    """Have what is still to be printed go nowhere, so that nothing fails at the end of the program."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
