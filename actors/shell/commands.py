"""The commands that look at a running node: `ps` and `stats`."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import attrs
import click

from actors.shell.client import DEFAULT_SECONDS, Connection, find_node, nearest
from actors.shell.errors import SeveralNodesError, ShellError
from actors.shell.tables import show_actor, show_actors
from actors.shell.view import ORDERS, in_order

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

USAGE: Final = 2
"""The exit status when it was not said clearly what is wanted."""


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
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_SECONDS,
        show_default=True,
        help="Wait so long for the node.",
    )
    return node(as_json(seconds(command)))


@commands.command(
    epilog=examples(
        "actors ps",
        "actors ps --sort mailbox --limit 10",
        "actors ps --node shop --json | jq '.actors[] | select(.state == \"zombie\")'",
    )
)
@which_node
@click.option("--sort", type=click.Choice(sorted(ORDERS)), default="age", show_default=True, help="What comes first.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show so many at most.")
def ps(node: str | None, seconds: float, sort: str, limit: int | None, *, as_json: bool) -> None:
    """List the actors of a running node.

    Each with its mailbox now and at its fullest, what it received, handled and dropped, how long messages waited and
    handlers took, how often its supervisor restarted it, and when it last handled a message.
    """
    with _connect(node, seconds) as connection:
        answer = connection.actors()
    actors = in_order(answer.actors, sort)[:limit]
    if as_json:
        print_json({"node": answer.node, "sampled": "one message in 64", "actors": [attrs.asdict(it) for it in actors]})
    else:
        show_actors(answer.node, actors, len(answer.actors))


@commands.command(epilog=examples("actors stats till", "actors stats '#17' --json"))
@click.argument("name")
@which_node
def stats(name: str, node: str | None, seconds: float, *, as_json: bool) -> None:
    """Show all that is known of one actor.

    NAME is its name, what its supervisor calls it, or # and its number.
    """
    with _connect(node, seconds) as connection:
        facts, found = connection.actor(name)
        if not found:
            known = [it.label for it in connection.actors().actors]
            _fail(f"node {connection.name} has no actor {name!r}{nearest(name, known)}")
    if as_json:
        actors = [attrs.asdict(actor) | detail for actor, detail in found]
        print_json({"node": facts, "sampled": "one message in 64", "actors": actors})
        return
    for actor, detail in found:
        show_actor(actor, detail)


def _connect(node: str | None, seconds: float) -> Connection:
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


def _fail(text: str, status: int = 1) -> NoReturn:
    click.echo(f"actors: {text}", err=True)
    sys.exit(status)


def run_commands(*others: click.Command) -> NoReturn:
    """Do what the command line says, with *others* among the commands, and exit."""
    for command in others:
        commands.add_command(command)
    try:
        commands()
    except SeveralNodesError as error:
        _fail("\n  ".join([f"{error} with --node:", *error.names]), USAGE)
    except ShellError as error:
        _fail(str(error))
    sys.exit(0)
