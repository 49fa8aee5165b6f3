"""The command line `actors`, and what its commands have in common: options, connections, output, exit statuses."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from actors.shell.client import DEFAULT_SECONDS, Connection, find_node
from actors.shell.errors import SeveralNodesError, ShellError
from actors.shell.seconds import DEFAULT_SECONDS as ACTOR_SECONDS
from actors.shell.seconds import MOST_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")

USAGE: Final = 2
"""The exit status when it was not said clearly what is wanted."""


class Seconds(click.FloatRange):
    """More than no time, and an hour at most."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse what is no number, too, which no comparison does."""
        converted = super().convert(value, param, ctx)
        if math.isnan(converted):
            self.fail(f"{value!r} is no number of seconds.", param, ctx)
        return converted


SECONDS: Final = Seconds(min=0, max=MOST_SECONDS, min_open=True)


def examples(*lines: str) -> str:
    """Return what stands at the end of a command's help."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@click.group(
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


def print_json(value: object) -> None:
    """Print *value* for programs."""
    click.echo(json.dumps(_finite(value), indent=2))


def _finite(value: Any) -> Any:
    """Return *value* with infinity as a word, since JSON has no number for it."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return "infinity" if isinstance(value, float) and math.isinf(value) else value


def print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table for people: a column for each key of the rows, those of numbers to the right."""
    if rows:
        from actors.shell.tables import show_rows  # noqa: PLC0415 -- rich takes a while to be imported

        show_rows(rows)


def fail(text: str, status: int = 1) -> NoReturn:
    """Say what is wrong in one line of stderr, and exit."""
    click.echo(f"actors: {text}", err=True)
    sys.exit(status)


def run_commands(*others: click.Command) -> NoReturn:
    """Do what the command line says, with *others* among the commands, and exit."""
    for command in others:
        commands.add_command(command)
    try:
        commands()
    except SeveralNodesError as error:
        fail("\n  ".join([f"{error} with --node:", *error.names]), USAGE)
    except ShellError as error:
        fail(str(error))
    sys.exit(0)
